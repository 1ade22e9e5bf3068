"""What the cache does, per kind: counted in each process, added up in Redis, where every process' part counts.

A bucket of time is one hash ``cache:counters:{start}`` with fields ``{kind}:{event}``. Times are counted as events
too, ``hit_us.{n}`` and ``miss_us.{n}`` for the n-th bucket of mangaassist.quantiles.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal, get_args

from caching.later import Later
from caching.redis_scripts import prefixed
from caching.trust import UNAVAILABLE, trust
from mangaassist.quantiles import BUCKETS, bucket_of, middle_of, quantile
from mangaassist.redis import sync_client

Event = Literal[
    "hit",
    "miss",
    "stale",
    "bypass",
    "corrupt",
    "stored",
    "stale_fill_refused",
    "value_refused",
    "too_large",
    "not_stored",
    "invalidated",
    "evicted",
]
# The "kind" of what happens to the cache as a whole.
WHOLE = "*"

Times = Literal["hit_us", "miss_us"]
_TIMES: dict[Times, list[str]] = {name: [f"{name}.{step}" for step in range(BUCKETS)] for name in get_args(Times)}


@dataclass(frozen=True, slots=True)
class Period:
    """The last ``buckets`` × ``bucket_s`` seconds, the running bucket included."""

    name: str
    bucket_s: int
    buckets: int

    def starts(self, now_s: float) -> list[int]:
        """Unix times at which the buckets began, oldest first."""
        last = int(now_s) // self.bucket_s * self.bucket_s
        return [last - back * self.bucket_s for back in reversed(range(self.buckets))]


HOUR = Period("hour", 300, 12)
DAY = Period("day", 3600, 24)

Counts = Counter[str]


class Counters:
    """Thread-safe. What an outage of Redis or a crash loses is a few seconds of statistics."""

    def __init__(self) -> None:
        # A timer, not the next event: the last counts of a process that falls idle are seen as well.
        self._later = Later(self.flush)
        self._counts: Counter[tuple[str, str]] = Counter()
        # What has left for Redis, or was lost on its way.
        self._flushed: Counter[tuple[str, str]] = Counter()
        self._start_over()
        os.register_at_fork(after_in_child=self._start_over)

    def add(self, kind: str, event: Event, number: int = 1) -> None:
        if number:
            with self._lock:
                self._counts[kind, event] += number
            self._later.soon()

    def asked(self, kind: str, hits: int, misses: int, seconds: float, *, computed: bool) -> None:
        """One question to the cache (of one key or many), from the call to its answer."""
        steps = _TIMES["miss_us" if computed else "hit_us"]
        step = steps[bucket_of(seconds * 1e6)]
        with self._lock:
            counts = self._counts
            if hits:
                counts[kind, "hit"] += hits
            if misses:
                counts[kind, "miss"] += misses
            counts[kind, step] += 1
        self._later.soon()

    def flush(self) -> None:
        """Adds what was counted here to the totals in Redis."""
        if trust.is_open():
            return
        with self._lock:
            counts, self._counts = self._counts, Counter()
            self._flushed.update(counts)
        if not counts:
            return
        now_s = time.time()
        pipeline = sync_client("cache").pipeline(transaction=False)
        for period in (HOUR, DAY):
            key = _key(period, period.starts(now_s)[-1])
            for (kind, event), number in counts.items():
                pipeline.hincrby(key, f"{kind}:{event}", number)
            pipeline.expire(key, period.bucket_s * (period.buckets + 1))
        try:
            pipeline.execute()
        except UNAVAILABLE as error:
            trust.failed(error)

    def of_this_process(self) -> Counter[tuple[str, str]]:
        """All (kind, event) since it began, times included; for Prometheus, which adds processes up itself."""
        with self._lock:
            return self._flushed + self._counts

    def series(self, period: Period, now_s: float | None = None) -> list[dict[str, Counts]]:
        """By bucket (oldest first, see :meth:`Period.starts`) and kind, over all processes; empty buckets without
        Redis."""
        self.flush()
        found: list[dict[str, Counts]] = [{} for _ in range(period.buckets)]
        pipeline: Any = sync_client("cache").pipeline(transaction=False)
        for start in period.starts(time.time() if now_s is None else now_s):
            pipeline.hgetall(_key(period, start))
        try:
            rows = pipeline.execute()
        except UNAVAILABLE as error:
            trust.failed(error)
            return found
        for bucket, row in zip(found, rows, strict=True):
            for field, number in row.items():
                kind, _, event = field.decode().partition(":")
                bucket.setdefault(kind, Counter())[event] += int(number)
        return found

    def _start_over(self) -> None:
        self._lock = threading.Lock()
        self._counts = Counter()
        self._flushed = Counter()


def total(series: list[dict[str, Counts]], kind: str) -> Counts:
    return sum((bucket[kind] for bucket in series if kind in bucket), Counter())


def quantile_us(counts: Counts, times: Times, share: float) -> float | None:
    """The time, in microseconds, within which this share of the answers came; None without any."""
    return quantile([counts[name] for name in _TIMES[times]], share)


def spent_us(counts: Counts, times: Times) -> tuple[int, float]:
    """(how many answers, the microseconds that they took together, within 9 %)."""
    steps = [counts[name] for name in _TIMES[times]]
    return sum(steps), sum(number * middle_of(step) for step, number in enumerate(steps) if number)


def _key(period: Period, start: int) -> str:
    return prefixed(f"cache:counters:{period.name}:{start}")


counters = Counters()
