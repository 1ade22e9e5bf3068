"""The control: delete-by-reference-set, which this cache replaces, fails the scenarios that it passes.

Keeps the scenarios honest: were they too weak to catch the races, the naive cache would pass as well.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import pytest

from caching.behind import behind
from caching.invalidation import bump_now
from caching.policy_cache import policy_cache
from mangaassist.redis import sync_client
from tests.caching.conftest import SHELF, Shelf

Load = Callable[[], Shelf]


class Cache(Protocol):
    def read(self, load: Load) -> Shelf: ...
    def invalidate(self, asin: str) -> None: ...


class NaiveCache:
    """GET, else compute, SET, and SADD to each product's references; an update deletes what these name."""

    def __init__(self) -> None:
        self.redis: Any = sync_client("cache")

    def read(self, load: Load) -> Shelf:
        raw = self.redis.get("recs:anna")
        if raw is not None:
            return Shelf(asins=tuple(raw.decode().split(",")))
        shelf = load()
        for asin in shelf.asins:
            self.redis.sadd(f"naive_refs:{asin}", "recs:anna")
        self.redis.set("recs:anna", ",".join(shelf.asins), ex=900)
        return shelf

    def invalidate(self, asin: str) -> None:
        keys = self.redis.smembers(f"naive_refs:{asin}")
        self.redis.delete(f"naive_refs:{asin}", *keys)


class ClockCache:
    def read(self, load: Load) -> Shelf:
        found = policy_cache.get_or_compute(SHELF, ("anna",), load)
        behind.finish()
        assert found is not None
        return found

    def invalidate(self, asin: str) -> None:
        bump_now([f"asin:{asin}"])


def serves_what_was_read_before_the_update(cache: Cache) -> bool:
    """Read old → update and invalidate → store old → read."""
    has_read, updated = threading.Event(), threading.Event()

    def load_slowly() -> Shelf:
        old = Shelf(asins=("B1", "old"))
        has_read.set()
        assert updated.wait(5)
        return old

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(cache.read, load_slowly)
        assert has_read.wait(5)
        cache.invalidate("B1")
        updated.set()
        first.result(5)
    return "old" in cache.read(lambda: Shelf(asins=("B1", "new"))).asins


def serves_what_was_refilled_from_the_old_index(cache: Cache) -> bool:
    """Update and invalidate → refill without the product (the index is old) → index ready, invalidate → read."""
    cache.read(lambda: Shelf(asins=("B1", "old")))
    cache.invalidate("B1")
    cache.read(lambda: Shelf(asins=("old",)))
    cache.invalidate("B1")
    cache.invalidate("old-and-unlisted")
    return "old" in cache.read(lambda: Shelf(asins=("B1", "new"))).asins


def test_the_naive_cache_serves_old_values() -> None:
    assert serves_what_was_read_before_the_update(NaiveCache())
    sync_client("cache").flushdb()
    assert serves_what_was_refilled_from_the_old_index(NaiveCache())


def test_this_cache_does_not_serve_what_was_read_before_the_update() -> None:
    assert not serves_what_was_read_before_the_update(ClockCache())


def test_this_cache_hears_of_products_that_a_shelf_does_not_show_yet_by_their_category() -> None:
    cache = ClockCache()
    cache.read(lambda: Shelf(asins=("old",)))
    bump_now(["asin:B1", "category:manga"])
    assert cache.read(lambda: Shelf(asins=("B1", "new"))).asins == ("B1", "new")


def computations_of_a_cold_key(cache: Cache, callers: int = 16) -> int:
    """All of them ask before the first has an answer."""
    together, calls = threading.Barrier(callers), []

    def load() -> Shelf:
        calls.append(1)
        time.sleep(0.2)
        return Shelf(asins=("B1",))

    def ask() -> Shelf:
        together.wait(10)
        return cache.read(load)

    with ThreadPoolExecutor(callers) as pool:
        found = [each.result(10) for each in [pool.submit(ask) for _ in range(callers)]]
    assert found == [Shelf(asins=("B1",))] * callers
    return len(calls)


def test_a_cold_key_is_computed_once_here_and_by_everybody_there() -> None:
    assert computations_of_a_cold_key(NaiveCache()) > 1
    sync_client("cache").flushdb()
    assert computations_of_a_cold_key(ClockCache()) == 1


def test_a_short_lived_sibling_makes_the_naive_cache_forget_what_shows_a_product() -> None:
    """The set of references lives as long as its last writer said, and an update then finds nothing to delete."""
    naive, clock = NaiveCache(), ClockCache()
    for cache in (naive, clock):
        cache.read(lambda: Shelf(asins=("B1", "old")))
        sync_client("cache").delete("naive_refs:B1", "product_cache_refs:B1")
        cache.invalidate("B1")
    assert "old" in naive.read(lambda: Shelf(asins=("B1", "new"))).asins
    sync_client("cache").delete("recs:anna")
    clock.read(lambda: Shelf(asins=("B1", "old")))
    sync_client("cache").delete("product_cache_refs:B1")
    clock.invalidate("B1")
    assert "old" not in clock.read(lambda: Shelf(asins=("B1", "new"))).asins


@pytest.mark.parametrize("cache_type", [NaiveCache, ClockCache])
def test_both_serve_and_forget_when_nothing_races(cache_type: type[NaiveCache] | type[ClockCache]) -> None:
    cache: Cache = cache_type()
    assert cache.read(lambda: Shelf(asins=("B1",))) == cache.read(lambda: Shelf(asins=("unused",)))
    cache.invalidate("B1")
    assert cache.read(lambda: Shelf(asins=("B2",))) == Shelf(asins=("B2",))
