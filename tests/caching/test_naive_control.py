"""The control: delete-by-reference-set, which this cache replaces, fails the scenarios that it passes.

Keeps the scenarios honest: were they too weak to catch the races, the naive cache would pass as well.
"""

from __future__ import annotations

import threading
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


@pytest.mark.parametrize("cache_type", [NaiveCache, ClockCache])
def test_both_serve_and_forget_when_nothing_races(cache_type: type[NaiveCache] | type[ClockCache]) -> None:
    cache: Cache = cache_type()
    assert cache.read(lambda: Shelf(asins=("B1",))) == cache.read(lambda: Shelf(asins=("unused",)))
    cache.invalidate("B1")
    assert cache.read(lambda: Shelf(asins=("B2",))) == Shelf(asins=("B2",))
