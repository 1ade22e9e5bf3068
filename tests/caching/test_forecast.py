"""What another TTL would do, told from a record of reads."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

import pytest

from caching import census
from caching.behind import behind
from caching.counters import HOUR, counters, quantile_us, total
from caching.durations import human, seconds_of
from caching.forecast import replay
from caching.invalidation import bump_now
from caching.policy_cache import policy_cache
from caching.reuse import Event, What, is_recorded, reuse
from mangaassist.redis import sync_client
from tests.caching.conftest import FACTS, SHELF, Facts, Shelf


def reads(key: str, *at_s: float, changed: frozenset[float] = frozenset()) -> list[Event]:
    whats: list[What] = ["changed" if second in changed else "same" for second in at_s]
    return [Event(key, int(second * 1000), what) for second, what in zip(at_s, ["first", *whats[1:]], strict=True)]


@pytest.mark.parametrize(
    ("events", "ttl_s", "hit_ratio", "median_age_s"),
    [
        # Every 10 s: with 15 s each second read hits, with 35 s three of four.
        (reads("a", *range(0, 80, 10)), 15, 0.5, 10.0),
        (reads("a", *range(0, 80, 10)), 35, 0.75, 20.0),
        (reads("a", *range(0, 80, 10)), 5, 0.0, 0.0),
        # A change makes the next read a miss whatever the TTL.
        (reads("a", 0, 1, 2, 3, changed=frozenset({2})), 60, 0.5, 1.0),
        # Two keys do not help each other.
        (sorted(reads("a", 0, 2) + reads("b", 1, 3), key=lambda event: event.at_ms), 60, 0.5, 2.0),
        # Something of it was kept before the record begins: its first read is not judged.
        ([Event("a", 0, "same"), Event("a", 1000, "same")], 60, 1.0, 1.0),
        ([Event("a", 0, "changed"), Event("a", 1000, "same")], 60, 0.5, 1.0),
        # A value that its owner put there was not computed at the first read.
        ([Event("a", 0, "stored"), Event("a", 2000, "same"), Event("a", 3000, "stored")], 60, 1.0, 2.0),
        ([], 60, None, None),
    ],
)
def test_a_replay(events: list[Event], ttl_s: int, hit_ratio: float | None, median_age_s: float | None) -> None:
    forecast = replay(events, ttl_s)
    assert (forecast.hit_ratio, forecast.median_age_s) == (hit_ratio, median_age_s)


def test_a_forecast_agrees_with_a_cache_that_really_had_that_ttl() -> None:
    """Random reads and changes, and an independent model of a cache, second by second."""
    chance = random.Random(7)
    events: list[Event] = []
    cache: dict[str, int] = {}
    hits = asked = 0
    changed: set[str] = set()
    seen: set[str] = set()
    for second in range(4_000):
        key = f"k{chance.randrange(12)}"
        if chance.random() < 0.02:
            changed.add(key)
            cache.pop(key, None)
            continue
        asked += 1
        if key in cache and second - cache[key] < 40:
            hits += 1
        else:
            cache[key] = second
        what: What = "first" if key not in seen else "changed" if key in changed else "same"
        events.append(Event(key, second * 1000, what))
        seen.add(key)
        changed.discard(key)
    assert replay(events, 40).hit_ratio == pytest.approx(hits / asked)


def sampled(pattern: str) -> Iterator[str]:
    return (each for number in range(1000) if is_recorded(FACTS, pattern.format(each := f"X{number}")))


@pytest.mark.django_db(transaction=True)
def test_reads_of_sampled_keys_are_recorded_with_the_changes_between_them() -> None:
    asin, other = (next(keys) for keys in [sampled("product:{}")] * 2)
    for key in (asin, asin, other, asin):
        policy_cache.get_or_compute(FACTS, (key,), partial(Facts, asin=key, series="s", title="t"))
        behind.finish()
        reuse.flush()
    bump_now([f"asin:{asin}"])
    policy_cache.get_or_compute(FACTS, (asin,), lambda: Facts(asin=asin, series="s", title="t"))
    assert [event.what for event in reuse.record(FACTS)] == ["first", "same", "first", "same", "changed"]
    assert len({event.key for event in reuse.record(FACTS)}) == 2
    # Another process' clock is this one's too: the whole cache forgotten is a change as well.
    bump_now(["everything:*"])
    policy_cache.get_or_compute(FACTS, (asin,), lambda: Facts(asin=asin, series="s", title="t"))
    assert reuse.record(FACTS)[-1].what == "changed"


@pytest.mark.django_db(transaction=True)
def test_tags_that_only_the_value_knows_count_as_changes_too() -> None:
    customer = next(sampled("recs:{}:0"))
    for _ in range(2):
        policy_cache.get_or_compute(SHELF, (customer,), lambda: Shelf(asins=("B7",)))
        behind.finish()
        reuse.flush()
        bump_now(["asin:B7"])
    policy_cache.get_or_compute(SHELF, (customer,), lambda: Shelf(asins=("B8",)))
    assert [event.what for event in reuse.record(SHELF)] == ["first", "changed", "changed"]


@pytest.mark.django_db(transaction=True)
def test_the_record_says_nothing_of_who_asked() -> None:
    customer = next(sampled("recs:{}:0"))
    policy_cache.get_or_compute(SHELF, (customer,), lambda: Shelf(asins=("B7",)))
    reuse.flush()
    kept = [key for key in sync_client("cache").keys("cache:*") if b"sample" in key or b"trace" in key]
    assert len(kept) == 2
    assert not any(customer.encode() in key for key in kept)


@pytest.mark.django_db(transaction=True)
def test_entries_and_their_memory_are_counted_by_kind() -> None:
    for number in range(30):
        policy_cache.get_or_compute(
            FACTS, (f"B{number}",), partial(Facts, asin=f"B{number}", series="s", title="x" * 1000)
        )
    policy_cache.get_or_compute(SHELF, ("c1",), lambda: Shelf(asins=("B1",)))
    behind.finish()
    sync_client("cache").set("somebody:else", "x" * 50_000)
    found = census.take()
    assert (found.by_kind[FACTS.name].entries, found.by_kind[SHELF.name].entries) == (30, 1)
    assert 30_000 < (found.by_kind[FACTS.name].bytes or 0) < 60_000
    assert 100 < (found.by_kind[SHELF.name].bytes or 0) < 1_000
    assert found.is_complete


def test_a_walk_cut_short_is_extrapolated() -> None:
    own = sync_client("cache").dbsize()
    pipeline = sync_client("cache").pipeline()
    for number in range(20_000):
        pipeline.set(f"product:{number}" if number % 4 == 0 else f"other:{number}", "x")
    pipeline.execute()
    found = census.take(budget_s=0)
    assert not found.is_complete
    assert found.keys == own + 20_000
    # Of about 1,000 keys seen: six standard deviations.
    assert found.by_kind[FACTS.name].entries == pytest.approx(5_000, rel=0.33)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (90, "1 min 30 s"), (5400, "1 h 30 min"), (604_800, "7 d")])
def test_durations_are_read_as_they_are_written(seconds: int, text: str) -> None:
    assert human(seconds) == text
    assert seconds_of(text) == seconds


def test_times_of_all_calls_are_known_within_a_bucket() -> None:
    for _ in range(98):
        counters.asked("kind", 1, 0, 150e-6, computed=False)
    for _ in range(2):
        counters.asked("kind", 0, 1, 0.02, computed=False)
    counts = total(counters.series(HOUR), "kind")
    assert quantile_us(counts, "hit_us", 0.5) == pytest.approx(150, rel=0.1)
    assert quantile_us(counts, "hit_us", 0.99) == pytest.approx(20_000, rel=0.1)
    assert quantile_us(counts, "miss_us", 0.5) is None
