"""A full key scan: whatever the shop caches, no price and no stock level is among it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from caching import registry
from caching.behind import behind
from mangaassist.redis import sync_client
from shop.facts import product_facts
from shop.feed import import_feed
from shop.promotions import active_promotions
from tests.caching.conftest import REGISTERED_AT_START

PRICE, LIST_PRICE, STOCK = "13.37", "17.73", 42_171

FEED: list[dict[str, Any]] = [
    {"kind": "series", "id": "berserk", "title": "Berserk", "authors": ["Kentaro Miura"]},
    {"kind": "edition", "asin": "B1", "series": "berserk", "title": "Berserk 1", "language": "en", "volumes": [1]},
    {
        "kind": "offer", "asin": "B1", "price": PRICE, "list_price": LIST_PRICE, "currency": "USD", "stock": STOCK
    },
    {
        "kind": "promotion", "id": "autumn", "category": "manga", "asins": ["B1"], "percent_off": 20,
        "title": "Autumn", "starts": "2020-01-01T00:00:00Z", "ends": "2100-01-01T00:00:00Z",
    },
]  # fmt: skip


def everything_in_redis() -> bytes:
    """Every key of the cache database with its content, of whatever type."""
    client: Any = sync_client("cache")
    read = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"set": client.smembers,
        b"list": lambda key: client.lrange(key, 0, -1),
    }
    return b"\n".join(b"%b %r" % (key, read[client.type(key)](key)) for key in client.scan_iter(count=1000))


@pytest.mark.django_db(transaction=True)
def test_no_price_and_no_stock_level_lies_in_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_kinds", dict(REGISTERED_AT_START))
    rejected: list[Any] = []
    import_feed([orjson.dumps(line) for line in FEED], reject=lambda *why: rejected.append(why))
    assert rejected == []
    assert product_facts(["B1"])["B1"].title == "Berserk 1"
    assert [rule.percent_off for rule in active_promotions()] == [20]
    behind.finish()

    found = everything_in_redis()

    assert b"product:B1" in found
    assert b"promotions:category:manga" in found
    for secret in (PRICE, LIST_PRICE, str(STOCK), "price", "stock", "currency", "availability"):
        assert secret.encode() not in found
