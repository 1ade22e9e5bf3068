"""How callers use the cache, and what it promises them (without Redis' failures: test_trust)."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from caching import entries
from caching.behind import behind
from caching.invalidation import MOST_TAGS, bump_now, invalidate
from caching.policy_cache import policy_cache
from caching.redis_scripts import EVERYTHING_TAG
from caching.registry import CacheTypeRefused
from caching.trust import trust
from mangaassist.outbox.models import OutboxMessage
from mangaassist.redis import sync_client
from tests.caching.conftest import FACTS, SHELF, Facts, Shelf


def facts(title: str, asin: str = "B1") -> Facts:
    return Facts(asin=asin, series="berserk", title=title)


def test_the_second_caller_gets_the_first_ones_value() -> None:
    calls = []

    def load() -> Facts:
        calls.append(1)
        return facts("Berserk 1")

    for _ in range(3):
        assert policy_cache.get_or_compute(FACTS, ("B1",), load) == facts("Berserk 1")
        behind.finish()
    assert calls == [1]
    assert 3590 < sync_client("cache").ttl("product:B1") <= 3600


async def test_synchronous_and_asynchronous_callers_share_entries() -> None:
    async def load() -> Facts:
        return facts("Berserk 1")

    def unused() -> Facts:
        raise AssertionError("should have been a hit")

    await policy_cache.aget_or_compute(FACTS, ("B1",), load)
    await behind.afinish()
    found = await asyncio.to_thread(policy_cache.get_or_compute, FACTS, ("B1",), unused)
    assert found == facts("Berserk 1")


def test_a_batch_computes_only_what_is_missing() -> None:
    asked = []

    def load(wanted: list[tuple[str]]) -> dict[tuple[str], Facts | None]:
        asked.append(sorted(wanted))
        return {args: facts(f"Title of {args[0]}", args[0]) for args in wanted if args != ("gone",)}

    policy_cache.get_many(FACTS, [("B1",), ("B2",)], load)
    behind.finish()
    found = policy_cache.get_many(FACTS, [("B1",), ("B3",), ("gone",)], load)
    assert asked == [[("B1",), ("B2",)], [("B3",), ("gone",)]]
    assert found[("B3",)] == facts("Title of B3", "B3")
    assert found[("gone",)] is None


def test_absence_is_remembered_for_a_short_while() -> None:
    calls = []

    def load() -> None:
        calls.append(1)

    for _ in range(2):
        assert policy_cache.get_or_compute(FACTS, ("nope",), load) is None
        behind.finish()
    assert calls == [1]
    assert sync_client("cache").ttl("product:nope") <= FACTS.negative_ttl_s
    # The product appears: its tag ends the absence.
    bump_now(["asin:nope"])
    assert policy_cache.get_or_compute(FACTS, ("nope",), lambda: facts("New", "nope")) == facts("New", "nope")


@pytest.mark.parametrize("tag", ["asin:B1", "series:berserk"], ids=["known tag", "tag inside the value"])
def test_an_invalidation_acts_on_the_next_read(tag: str) -> None:
    policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("old"))
    behind.finish()
    bump_now([tag])
    assert policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("new")) == facts("new")


@pytest.mark.django_db(transaction=True)
def test_a_change_of_very_much_empties_the_cache_in_one_small_row() -> None:
    policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("old"))
    behind.finish()
    invalidate(f"asin:X{number}" for number in range(MOST_TAGS + 1))
    assert OutboxMessage.objects.get().payload["tags"] == [EVERYTHING_TAG]
    assert policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("new")) == facts("new")


def test_tags_that_only_the_value_knows_invalidate_it_too() -> None:
    for tag in ("asin:B2", "category:manga"):
        policy_cache.get_or_compute(SHELF, ("anna",), lambda: Shelf(asins=("B1", "B2")))
        behind.finish()
        bump_now([tag])
        found = policy_cache.get_or_compute(SHELF, ("anna",), lambda: Shelf(asins=("B3",)))
        assert found == Shelf(asins=("B3",))
        behind.finish()
        bump_now(["asin:B3"])


def test_a_value_read_before_an_invalidation_is_never_stored_after_it() -> None:
    """The race of every delete-on-update cache: read old, update + invalidate, store old."""
    has_read, may_go_on = threading.Event(), threading.Event()

    def slow_load() -> Facts:
        old = facts("old")
        has_read.set()
        assert may_go_on.wait(5)
        return old

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(policy_cache.get_or_compute, FACTS, ("B1",), slow_load)
        assert has_read.wait(5)
        bump_now(["asin:B1"])
        # Who comes after the invalidation does not join the flight that began before it.
        assert policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("new")) == facts("new")
        may_go_on.set()
        assert first.result(5) == facts("old")
    behind.finish()
    assert policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("newer")) != facts("old")


def test_a_refill_between_the_first_and_the_second_bump_dies_at_the_second() -> None:
    """A re-index: the row changes (bump), readers refill from the old index, the index is ready (bump)."""
    bump_now(["asin:B1"])
    policy_cache.get_or_compute(SHELF, ("anna",), lambda: Shelf(asins=("B1", "from-old-index")))
    behind.finish()
    bump_now(["asin:B1"])
    found = policy_cache.get_or_compute(SHELF, ("anna",), lambda: Shelf(asins=("B1", "from-new-index")))
    assert found == Shelf(asins=("B1", "from-new-index"))


def test_threads_that_miss_together_compute_once() -> None:
    calls = []

    def load() -> Facts:
        calls.append(1)
        time.sleep(0.05)
        return facts("Berserk 1")

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: policy_cache.get_or_compute(FACTS, ("B1",), load), range(16)))
    assert found == [facts("Berserk 1")] * 16
    assert calls == [1]


async def test_tasks_that_miss_together_compute_once_even_if_the_first_is_cancelled() -> None:
    calls = []
    started = asyncio.Event()

    async def load() -> Facts:
        calls.append(1)
        started.set()
        await asyncio.sleep(0.05)
        return facts("Berserk 1")

    async def ask() -> Facts | None:
        return await policy_cache.aget_or_compute(FACTS, ("B1",), load)

    first = asyncio.create_task(ask())
    await started.wait()
    others = [asyncio.create_task(ask()) for _ in range(10)]
    await asyncio.sleep(0)
    first.cancel()
    assert await asyncio.gather(*others) == [facts("Berserk 1")] * 10
    assert calls == [1]


def test_the_waiting_callers_get_the_computations_exception() -> None:
    def broken() -> Facts:
        time.sleep(0.02)
        raise LookupError("the catalogue is away")

    def call(_: int) -> str:
        with pytest.raises(LookupError) as caught:
            policy_cache.get_or_compute(FACTS, ("B1",), broken)
        return str(caught.value)

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(call, range(4))) == {"the catalogue is away"}
    # Nothing is left behind: neither a flight nor a lease.
    behind.finish()
    began = time.monotonic()
    assert policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("back")) == facts("back")
    assert time.monotonic() - began < 0.5


async def test_nobody_waits_for_a_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the store stuck, the answer is there and the next caller still gets the value."""
    stuck = asyncio.Event()
    real = behind.spawn

    def spawn_stuck(work: Any) -> Any:
        async def late() -> Any:
            await stuck.wait()
            return await work

        # The computation itself also runs as a task; only what follows it is held up.
        return real(late() if "_store" in work.cr_frame.f_locals["steps"].__name__ else work)

    monkeypatch.setattr(behind, "spawn", spawn_stuck)
    calls = []

    async def load() -> Facts:
        calls.append(1)
        return facts("Berserk 1")

    for _ in range(2):
        async with asyncio.timeout(1):
            assert await policy_cache.aget_or_compute(FACTS, ("B1",), load) == facts("Berserk 1")
    assert calls == [1]
    assert not sync_client("cache").exists("product:B1")
    stuck.set()
    await behind.afinish()
    assert sync_client("cache").exists("product:B1")


def test_an_expired_value_answers_when_computing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    policy_cache.get_or_compute(SHELF, ("anna",), lambda: Shelf(asins=("B1",)))
    behind.finish()
    redis: Any = sync_client("cache")
    assert 899_000 < redis.pttl("recs:anna:0") <= 900_000
    redis.delete("recs:anna:0")
    later = entries.now_ms() + 901_000
    monkeypatch.setattr(entries, "now_ms", lambda: later)

    def broken() -> Shelf:
        raise LookupError

    assert policy_cache.get_or_compute(SHELF, ("anna",), broken) == Shelf(asins=("B1",))
    behind.finish()
    # But never after an invalidation: that value is wrong, not merely old.
    bump_now(["asin:B1"])
    with pytest.raises(LookupError):
        policy_cache.get_or_compute(SHELF, ("anna",), broken)


def test_a_dear_value_is_renewed_before_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    assert entries.refresh_is_due(age_ms=59_000, life=60_000, cost_ms=500, draw=0.1)
    assert not entries.refresh_is_due(age_ms=10_000, life=60_000, cost_ms=500, draw=0.1)
    policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("old"))
    behind.finish()
    monkeypatch.setattr(entries, "refresh_is_due", lambda *args: True)
    assert policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("renewed")) == facts("renewed")


@pytest.mark.parametrize(
    "foreign",
    [b"", b"12", b"pickle\x80\x04", b"a\tb\tc\td\te\tf\n{}", b"\xff" * 100],
)
def test_foreign_bytes_under_our_key_are_a_miss(foreign: bytes) -> None:
    sync_client("cache").set("product:B1", foreign)
    assert policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("right")) == facts("right")
    behind.finish()
    assert policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("unused")) == facts("right")


@pytest.mark.parametrize("key", ["product:B1", "product_cache_refs:B1", "cache:meta", "cache:tag:asin:B1"])
def test_a_foreign_type_under_our_key_does_no_harm(key: str) -> None:
    sync_client("cache").rpush(key, "a list")
    assert policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("right")) == facts("right")
    behind.finish()
    bump_now(["asin:B1"])
    assert policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("new")) == facts("new")


@pytest.mark.parametrize(
    ("jump_s", "is_served"),
    [(3, True), (-3, True), (3_000, True), (4_000, False), (400 * 86_400, False), (-60, False), (-400 * 86_400, False)],
)
def test_a_clock_that_jumps_never_prolongs_a_life(
    monkeypatch: pytest.MonkeyPatch, jump_s: int, is_served: bool
) -> None:
    """Forward: it expires as if the time had passed. Back by more than clocks may differ: not believed."""
    policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("old"))
    behind.finish()
    real = entries.now_ms
    monkeypatch.setattr(entries, "now_ms", lambda: real() + jump_s * 1000)
    found = policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("new"))
    assert found == facts("old" if is_served else "new")
    behind.finish()
    # And back in time again: what was stored under the wrong clock does no harm either.
    monkeypatch.setattr(entries, "now_ms", real)
    bump_now(["asin:B1"])
    assert policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("newest")) == facts("newest")


def test_a_full_redis_keeps_nothing_new_and_serves_what_it_has() -> None:
    policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("kept"))
    behind.finish()
    redis: Any = sync_client("cache")
    redis.config_set("maxmemory", 1)
    try:
        assert policy_cache.get_or_compute(FACTS, ("B2",), lambda: facts("new", "B2")) == facts("new", "B2")
        behind.finish()
        assert trust.breaker.state == "closed"
        assert policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("unused")) == facts("kept")
        # An invalidation that cannot be written down forbids reading, until it can.
        bump_now(["asin:B1"])
        assert policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("changed")) == facts("changed")
    finally:
        redis.config_set("maxmemory", 0)


def test_a_flushed_redis_starts_a_new_epoch() -> None:
    policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("old"))
    behind.finish()
    kept = sync_client("cache").dump("product:B1") or b""
    sync_client("cache").flushdb()
    sync_client("cache").restore("product:B1", 60_000, kept)
    assert policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("new")) == facts("new")


def test_a_value_that_is_too_large_is_served_and_not_stored() -> None:
    large = facts("x" * 300_000)
    assert policy_cache.get_or_compute(FACTS, ("B1",), lambda: large) == large
    behind.finish()
    assert not sync_client("cache").exists("product:B1")


def test_a_value_of_another_type_is_served_and_not_stored() -> None:
    wrong: Any = Shelf(asins=("B1",))
    assert policy_cache.get_or_compute(FACTS, ("B1",), lambda: wrong) is wrong
    behind.finish()
    assert not sync_client("cache").exists("product:B1")


def test_a_kind_that_was_not_registered_is_refused() -> None:
    import dataclasses

    with pytest.raises(CacheTypeRefused):
        policy_cache.get_or_compute(dataclasses.replace(FACTS), ("B1",), lambda: facts("x"))


def test_the_index_lists_what_shows_a_product_and_outlives_all_of_it() -> None:
    policy_cache.get_or_compute(SHELF, ("anna",), lambda: Shelf(asins=("B1",)))
    policy_cache.get_or_compute(FACTS, ("B1",), lambda: facts("Berserk 1"))
    policy_cache.get_or_compute(SHELF, ("ben",), lambda: Shelf(asins=("B1", "B2")))
    behind.finish()
    redis = sync_client("cache")
    assert set(redis.zrange("product_cache_refs:B1", 0, -1)) == {b"product:B1", b"recs:anna:0", b"recs:ben:0"}
    # A shorter-lived sibling does not shorten the index's life.
    assert redis.ttl("product_cache_refs:B1") > 3500
