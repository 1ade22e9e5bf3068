"""The policy cache against a raw redis-py GET of the same bytes, and against deleting by reference sets."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache

from bench.pairing import Timings, ain_turns, in_turns
from bench.tables import Table
from caching.behind import behind
from caching.invalidation import bump_now
from caching.policy_cache import policy_cache
from caching.registry import CacheKind, register_kind
from mangaassist.redis import async_client, sync_client

REFERENCES = (10, 1_000, 100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """About as large as a product's facts."""

    asin: str
    title: str
    description: str
    genres: tuple[str, ...]
    pages: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    asins: tuple[str, ...]


FACTS = CacheKind(
    name="bench_facts",
    label="",
    key=lambda asin: f"bench:facts:{asin}",
    value_type=Facts,
    tags=lambda facts: frozenset({f"asin:{facts.asin}"}),
    known_tags=lambda asin: frozenset({f"asin:{asin}"}),
    default_ttl_s=3600,
    max_ttl_s=3600,
)
SHELF = CacheKind(
    name="bench_shelf",
    label="",
    key=lambda customer: f"bench:shelf:{customer}",
    value_type=Shelf,
    tags=lambda shelf: frozenset(f"asin:{asin}" for asin in shelf.asins),
    default_ttl_s=3600,
    max_ttl_s=3600,
)


def facts(asin: str) -> Facts:
    return Facts(
        asin=asin, title="Berserk, Vol. 1", description="x" * 600, genres=("dark fantasy", "horror"), pages=224
    )


SHELF_OF_20 = Shelf(asins=tuple(f"BENCH{number:05}" for number in range(20)))


def run() -> list[Table]:
    register_kind(FACTS)
    register_kind(SHELF)
    policy_cache.get_or_compute(FACTS, ("hit",), lambda: facts("hit"))
    policy_cache.get_or_compute(SHELF, ("hit",), lambda: SHELF_OF_20)
    behind.finish()
    cache.set("bench", facts("hit"), 3600)
    return [reads(), asyncio.run(async_reads()), invalidations()]


def reads() -> Table:
    client = sync_client("cache")
    fresh = itertools.count()

    def miss() -> object:
        asin = f"miss{next(fresh)}"
        return policy_cache.get_or_compute(FACTS, (asin,), lambda: facts(asin))

    def miss_and_store() -> object:
        value = miss()
        behind.finish()
        return value

    baseline = "raw redis-py GET"
    timings = in_turns(
        {
            baseline: lambda: client.get("bench:facts:hit"),
            "Django cache.get (django-redis)": lambda: cache.get("bench"),
            "hit, known tags": lambda: policy_cache.get_or_compute(FACTS, ("hit",), _unused),
            "hit, 20 tags inside the value": lambda: policy_cache.get_or_compute(SHELF, ("hit",), _unused),
            "miss, until the answer": miss,
            "miss, until it is stored": miss_and_store,
        }
    )
    behind.finish()
    return _ratios(
        "Cache: one caller",
        timings,
        baseline,
        "A hit checks epoch, tags, type and the policy in force, and decodes a frozen dataclass. A miss reads, takes "
        "the lease of its key and computes (here: nothing); the store goes on behind the answer.",
    )


async def async_reads() -> Table:
    client = async_client("cache")
    baseline = "raw redis.asyncio GET"
    timings = await ain_turns(
        {
            baseline: lambda: client.get("bench:facts:hit"),
            "Django cache.aget (django-redis)": lambda: cache.aget("bench"),
            "async hit, known tags": lambda: policy_cache.aget_or_compute(FACTS, ("hit",), _aunused),
            "async hit, 20 tags inside the value": lambda: policy_cache.aget_or_compute(SHELF, ("hit",), _aunused),
        }
    )
    return _ratios("Cache: 32 concurrent callers on one event loop", timings, baseline, "")


def invalidations() -> Table:
    rows = []
    for number in REFERENCES:
        ours = _invalidation(number, _refer_by_index, lambda: bump_now(["asin:BENCH"]))
        naive = _invalidation(number, _refer_by_set, _delete_by_set)
        rows.append([f"{number:,} references", *(f"{figure:.2f}" for figure in (*ours, *naive))])
    return Table(
        title="Cache: invalidating one product (ms)",
        columns=["", "clock bump", "others stalled", "SMEMBERS + DEL", "others stalled "],
        rows=rows,
        note="`Others stalled`: the longest GET of a second client meanwhile (scheduling noise of the machine "
        "included). Medians of 5. The bump makes the entries misses; a background task gives their memory back.",
    )


def _invalidation(number: int, refer: Callable[[int], None], invalidate: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds that it takes, and the longest wait of another client meanwhile."""
    took, stalled = [], []
    for _ in range(5):
        refer(number)
        # Redis still writes its log of what was just filled in.
        time.sleep(0.3)
        with Bystander() as bystander:
            began = time.perf_counter()
            invalidate()
            took.append((time.perf_counter() - began) * 1000)
        stalled.append(bystander.longest_ms)
    sync_client("cache").flushdb()
    return statistics.median(took), statistics.median(stalled)


class Bystander:
    """Another client that GETs in a loop and remembers its longest wait."""

    def __enter__(self) -> Bystander:
        self.longest_ms = 0.0
        self._going = True
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *error: object) -> None:
        self._going = False
        self._thread.join()

    def _ask(self) -> None:
        client = sync_client("cache")
        client.get("bystander")
        self._started.set()
        while self._going:
            began = time.perf_counter()
            client.get("bystander")
            self.longest_ms = max(self.longest_ms, (time.perf_counter() - began) * 1000)


def _refer_by_index(number: int) -> None:
    expiry = (time.time() + 3600) * 1000
    _fill(number, lambda pipeline, key: pipeline.zadd("product_cache_refs:BENCH", {key: expiry}))


def _refer_by_set(number: int) -> None:
    _fill(number, lambda pipeline, key: pipeline.sadd("bench:refs", key))


def _fill(number: int, refer: Callable[[Any, str], object]) -> None:
    pipeline = sync_client("cache").pipeline(transaction=False)
    for place in range(number):
        pipeline.set(f"bench:ref:{place}", b"x" * 100)
        refer(pipeline, f"bench:ref:{place}")
        if place % 5_000 == 4_999:
            pipeline.execute()
    pipeline.execute()


def _delete_by_set() -> None:
    client: Any = sync_client("cache")
    client.delete(*client.smembers("bench:refs"), "bench:refs")


def _ratios(title: str, timings: Timings, baseline: str, note: str) -> Table:
    return Table(
        title=title,
        columns=["", "µs", f"× {baseline}"],
        rows=[[name, f"{timings.micros(name):.1f}", f"{timings.ratio(name, baseline):.2f}"] for name in timings.rounds],
        note=note,
    )


def _unused() -> Any:
    raise AssertionError("a hit computes nothing")


async def _aunused() -> Any:
    raise AssertionError("a hit computes nothing")
