"""The fast paths cost the same few queries, however much is asked or stored; a remembered key costs none."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from django.db.backends.utils import CursorWrapper

from caching.behind import behind
from mangaassist.dbthreads import in_database
from shop.models import Edition, Offer, Order
from tests.partners.conftest import Partner


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Statements of all threads, as they are sent."""
    sent: list[str] = []
    execute = CursorWrapper.execute

    def noted(self: CursorWrapper, sql: str, params: Any = None) -> Any:
        if sql.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
            sent.append(sql)
        return execute(self, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", noted)
    return sent


def _many_editions() -> list[str]:
    first = Edition.objects.get(pk="BERSERK-EN-1")
    asins = [f"MANY-{number}" for number in range(100)]
    Edition.objects.bulk_create(
        [Edition(pk=asin, series_id=first.series_id, title=f"Berserk, Vol. {asin}", volumes=[1]) for asin in asins]
    )
    Offer.objects.bulk_create([Offer(pk=asin, price="9.99", currency="USD", stock=7) for asin in asins])
    return asins


_numbers = itertools.count()


def _views(asins: list[str], count: int) -> list[dict[str, Any]]:
    at = "2026-11-01T12:00:00Z"
    return [
        {"type": "view", "asin": asins[n % 100], "customer_id": f"reader-{next(_numbers)}", "at": at}
        for n in range(count)
    ]


def _prices(asins: list[str], count: int) -> list[dict[str, Any]]:
    found = []
    for _ in range(count):
        n = next(_numbers)
        data = {"asin": asins[n % 100], "price": f"{n % 90}.50", "currency": "USD", "stock": n}
        found.append({"id": f"e-{n}", "type": "offer.updated", "at": "2026-11-01T12:00:00Z", "data": data})
    return found


def _orders(asins: list[str], count: int) -> list[dict[str, Any]]:
    found = []
    for _ in range(count):
        n = next(_numbers)
        line = {"asin": asins[n % 100], "quantity": 1 + n % 9}
        data = {
            "id": f"O-{n % 1_000}",
            "customer_id": "alice",
            "status": "shipped",
            "placed_at": "2026-11-01T12:00:00Z",
        }
        at = f"2026-11-01T12:00:00.{n:06}Z"
        found.append({"id": f"e-{n}", "type": "order.updated", "at": at, "data": data | {"lines": [line]}})
    return found


def _relations(asins: list[str], count: int) -> list[dict[str, Any]]:
    found = []
    for _ in range(count):
        n = next(_numbers)
        related = [{"to": "berserk", "type": "spin_off"}]
        data = {"kind": "series", "id": f"s-{n}", "title": f"Series {n}", "relations": related}
        found.append({"id": f"e-{n}", "type": "product.updated", "at": "2026-11-01T12:00:00Z", "data": data})
    return found


Ask = Callable[[Partner, list[str]], Any]


@pytest.mark.parametrize(
    ("ask", "most"),
    [
        (lambda partner, asins: partner.get("/products/BERSERK-EN-1"), 2),
        (lambda partner, asins: partner.post("/products/batch", {"asins": asins[:1]}), 2),
        (lambda partner, asins: partner.post("/products/batch", {"asins": asins}), 2),
        (lambda partner, asins: partner.get("/search", q="Berserk", limit=1), 8),
        (lambda partner, asins: partner.get("/search", q="Berserk", limit=100), 8),
        (lambda partner, asins: partner.get("/orders/MA-10002", customer_id="alice"), 3),
        (lambda partner, asins: partner.get("/recommendations", customer_id="alice", limit=50), 6),
        (lambda partner, asins: partner.post("/events", _views(asins, 1)), 30),
        (lambda partner, asins: partner.post("/events", _views(asins, 500)), 30),
        (lambda partner, asins: partner.post("/catalog/events", _prices(asins, 1)), 40),
        # A hundred at a time, so that shoppers need not wait: seven queries for each hundred, none for a single one.
        (lambda partner, asins: partner.post("/catalog/events", _prices(asins, 1_000)), 80),
        (lambda partner, asins: partner.post("/catalog/events", _prices(["NOWHERE"] * 100, 1_000)), 130),
        (lambda partner, asins: partner.post("/catalog/events", _orders(asins, 1_000)), 60),
        (lambda partner, asins: partner.post("/catalog/events", _relations(asins, 200)), 60),
    ],
    ids=[
        "product",
        "batch of 1",
        "batch of 100",
        "search for 1",
        "search for 100",
        "order",
        "recommendations",
        "1 event",
        "500 events",
        "1 catalogue event",
        "1,000 catalogue events",
        "1,000 refused events of one object",
        "1,000 orders",
        "200 series with relations",
    ],
)
async def test_a_warm_request_costs_a_few_queries(partner: Partner, queries: list[str], ask: Ask, most: int) -> None:
    asins = await in_database(_many_editions)
    assert (await ask(partner, asins)).status_code in {200, 202}
    await in_database(behind.finish)
    queries.clear()
    assert (await ask(partner, asins)).status_code in {200, 202}
    assert 0 < len(queries) <= most, queries


async def test_an_order_is_read_anew_each_time(partner: Partner) -> None:
    assert (await partner.get("/orders/MA-10002", customer_id="alice")).json()["status"] == "shipped"
    await Order.objects.filter(pk="MA-10002").aupdate(status="delivered")
    answer = await partner.get("/orders/MA-10002", customer_id="alice")
    assert answer.json()["status"] == "delivered"
    assert answer.headers["Cache-Control"] == "no-store"
