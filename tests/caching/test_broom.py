"""Sweeping up after invalidations, and the checks of the Redis that the cache relies on."""

from __future__ import annotations

from typing import Any

import pytest

from caching.behind import behind
from caching.broom import showing, sweep
from caching.checks import redis_keeps_the_clock
from caching.invalidation import bump_now
from caching.policy_cache import policy_cache
from caching.tasks import sweep_products
from mangaassist.redis import sync_client
from tests.caching.conftest import SHELF, Shelf


def fill(*customers: str) -> None:
    for customer in customers:
        policy_cache.get_or_compute(SHELF, (customer,), lambda: Shelf(asins=("B1", "B2")))
    behind.finish()


def test_dead_entries_are_unlinked_and_living_ones_stay() -> None:
    fill("anna", "ben", "cleo")
    bump_now(["asin:B1"])
    fill("ben")
    assert len(showing("B1")) == 3
    assert sweep("B1") == 2
    redis = sync_client("cache")
    assert redis.exists("recs:ben:0")
    assert not redis.exists("recs:anna:0", "recs:cleo:0")
    assert showing("B1") == ["recs:ben:0"]


def test_a_large_index_is_swept_in_chunks() -> None:
    redis: Any = sync_client("cache")
    fill("anna")
    entry = redis.get("recs:anna:0")
    expiry = redis.zscore("product_cache_refs:B1", "recs:anna:0")
    redis.mset({f"recs:{number}:0": entry for number in range(1000)})
    redis.zadd("product_cache_refs:B1", {f"recs:{number}:0": expiry for number in range(1000)})
    bump_now(["asin:B1"])
    sweep_products(["B1"])
    assert showing("B1") == []
    assert not list(redis.scan_iter("recs:*"))


def test_a_tag_is_forgotten_when_no_entry_can_be_older_than_its_invalidation() -> None:
    redis: Any = sync_client("cache")
    bump_now(["asin:B1"])
    redis.zadd("cache:tags", {"asin:B1": 0})
    bump_now(["asin:B2"])
    assert not redis.exists("cache:tag:asin:B1")
    assert redis.exists("cache:tag:asin:B2")


def test_a_queue_beside_a_cache_that_keeps_nothing_is_reported() -> None:
    redis = sync_client("cache")
    assert redis_keeps_the_clock(None) == []
    redis.config_set("appendonly", "no")
    try:
        assert [found.id for found in redis_keeps_the_clock(None)] == ["caching.W004"]
    finally:
        redis.config_set("appendonly", "yes")


@pytest.mark.parametrize(
    ("policy", "findings"),
    [("noeviction", []), ("volatile-ttl", []), ("allkeys-lru", ["caching.W002"]), ("allkeys-lfu", ["caching.W002"])],
)
def test_an_eviction_policy_that_could_forget_an_invalidation_is_reported(policy: str, findings: list[str]) -> None:
    redis = sync_client("cache")
    redis.config_set("maxmemory-policy", policy)
    try:
        assert [found.id for found in redis_keeps_the_clock(None)] == findings
    finally:
        redis.config_set("maxmemory-policy", "noeviction")
