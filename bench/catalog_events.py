"""How many catalogue events one web process takes in, over the API's own operation, on SQLite.

The baseline is the obvious way: a call for each change.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import orjson

from bench.tables import Table

EDITIONS = 5_000
ROUNDS = 5
_begin = datetime(2026, 1, 1, tzinfo=UTC)
# {way: (events a call, calls a round)}
WAYS = {"one": (1, 100), "prices": (1_000, 5), "descriptions": (1_000, 3), "again": (1_000, 5)}


class Sender:
    """A shop's systems: each event is newer than the one before."""

    def __init__(self) -> None:
        from mangaassist.asgi import application
        from partners.models import create_api_key
        from shop.feed import import_feed

        _, secret = create_api_key("bench", ["catalog:write"], rate_per_minute=10_000_000)
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=cast(Any, application)),
            base_url="http://localhost/api/v1",
            headers={"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
        )
        self._number = 0
        lines = [{"kind": "series", "id": f"s{n}", "title": f"Series {n}"} for n in range(EDITIONS // 10)]
        lines += [_edition(n, "") for n in range(EDITIONS)]
        lines += [{"kind": "offer"} | _offer(n, 1) for n in range(EDITIONS)]
        import_feed(map(orjson.dumps, lines), reject=lambda *bad: None)

    def events(self, way: str, count: int) -> list[dict[str, Any]]:
        if way == "again":
            return [self._event(number, "offer.updated", {}) for number in range(1, count + 1)]
        found = []
        for _ in range(count):
            self._number += 1
            n = self._number % EDITIONS
            if way == "descriptions":
                found.append(self._event(self._number, "product.updated", _edition(n, f"Words {self._number}. " * 20)))
            else:
                found.append(self._event(self._number, "offer.updated", _offer(n, self._number % 90)))
        return found

    def _event(self, number: int, type: str, data: dict[str, Any]) -> dict[str, Any]:
        at = _begin + timedelta(milliseconds=number)
        return {"id": f"event-{number}", "type": type, "at": at.isoformat(), "data": data}

    async def send(self, body: bytes) -> dict[str, Any]:
        answer = await self._client.post("/catalog/events", content=body)
        assert answer.status_code == 202, answer.content
        told: dict[str, Any] = answer.json()
        assert not told["rejected"], told["rejected"][:3]
        return told


def _edition(n: int, description: str) -> dict[str, Any]:
    return {
        "kind": "edition", "asin": f"A{n}", "series": f"s{n // 10}", "title": f"Series {n // 10}, Vol. {n % 10}",
        "language": "en", "volumes": [n % 10], "description": description,
    }  # fmt: skip


def _offer(n: int, pounds: int) -> dict[str, Any]:
    return {"asin": f"A{n}", "price": f"{pounds}.99", "currency": "USD", "stock": pounds}


def run() -> Table:
    from django.conf import settings

    # The wake-up goes to a broker, which is another thing to measure.
    settings.OUTBOX_WAKE = False
    calls: dict[str, list[float]] = {way: [] for way in WAYS}

    sender = Sender()

    async def rounds() -> None:
        await sender.send(orjson.dumps(sender.events("prices", 1_000)))
        for _ in range(ROUNDS):
            for way, (size, count) in WAYS.items():
                for _ in range(count):
                    body = orjson.dumps(sender.events(way, size))
                    began = time.perf_counter()
                    await sender.send(body)
                    calls[way].append(time.perf_counter() - began)

    asyncio.run(rounds())
    base = WAYS["one"][0] / statistics.median(calls["one"])
    labels = {
        "one": "a price a call",
        "prices": "1,000 prices a call",
        "descriptions": "1,000 descriptions a call, re-index included",
        "again": "1,000 a call that came before",
    }
    rows = []
    for way, label in labels.items():
        median = statistics.median(calls[way])
        rate = WAYS[way][0] / median
        rows.append((label, f"{rate:,.0f}", f"{rate * 60:,.0f}", f"{median * 1000:,.1f}", f"{rate / base:.1f}"))
    return Table(
        title="Catalogue events: one sender, one web process, SQLite",
        columns=("way", "events/s", "events/min", "ms a call", "to one a call"),
        rows=rows,
        note=f"Whole requests without the network, {EDITIONS:,} editions, {ROUNDS} rounds, medians. A call is one "
        "transaction, for which the shop's other writers wait; prices are stored a hundred at a time.",
    )
