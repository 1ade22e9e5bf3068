"""What the operator's page shows, put together from the counters of all processes, the policies and the keys."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import redis
from django.utils.translation import gettext

from caching import census
from caching.census import Census, Held
from caching.charts import Chart, chart
from caching.counters import DAY, HOUR, WHOLE, Counts, Period, Times, counters, quantile_us, total
from caching.durations import human
from caching.forecast import Forecast, replay
from caching.models import CachePolicy
from caching.registry import CacheKind, find_kind, key_pattern
from caching.reuse import Event, reuse
from caching.trust import UNAVAILABLE, trust
from mangaassist.redis import sync_client

PERIODS = {period.name: period for period in (HOUR, DAY)}
# TTLs to forecast, as multiples of the one in force.
FACTORS = ((0.5, "½×"), (1.0, "now"), (2.0, "2×"), (4.0, "4×"))
_TROUBLES = (
    ("stale_fill_refused", "stale fills refused"),
    ("stale", "expired values served"),
    ("bypass", "computed without the cache"),
    ("corrupt", "corrupt entries"),
    ("too_large", "too large to keep"),
    ("value_refused", "refused types"),
    ("not_stored", "stores lost"),
)


@dataclass(frozen=True, slots=True)
class WhatIf:
    """``is_offered``: the operator may switch to this TTL with one click."""

    label: str
    life: str
    forecast: Forecast
    is_offered: bool

    @property
    def ratio(self) -> str:
        return percent(self.forecast.hit_ratio)

    @property
    def median_age(self) -> str:
        return _age(self.forecast.median_age_s)

    @property
    def p95_age(self) -> str:
        return _age(self.forecast.p95_age_s)


@dataclass(frozen=True, slots=True)
class Row:
    """One kind. ``kind`` is None for a policy whose kind no app registers any more."""

    policy: CachePolicy
    kind: CacheKind[Any] | None
    counts: Counts
    ratios: Chart
    volume: Chart
    held: Held | None
    what_ifs: list[WhatIf]

    @property
    def pattern(self) -> str:
        return key_pattern(self.kind) if self.kind is not None else "–"

    @property
    def life(self) -> str:
        return human(self.policy.ttl_s)

    @property
    def bounds(self) -> str:
        return bounds(self.kind)

    @property
    def asked(self) -> int:
        return self.counts["hit"] + self.counts["miss"]

    @property
    def ratio(self) -> str:
        return percent(_ratio(self.counts))

    @property
    def times(self) -> list[tuple[str, str, str]]:
        """(hit or miss, p50, p99)."""
        rows = []
        names: tuple[tuple[str, Times], ...] = (("hit", "hit_us"), ("miss", "miss_us"))
        for label, name in names:
            median = quantile_us(self.counts, name, 0.5)
            if median is not None:
                rows.append((label, micros(median), micros(quantile_us(self.counts, name, 0.99) or median)))
        return rows

    @property
    def troubles(self) -> list[tuple[str, int]]:
        return [(label, self.counts[event]) for event, label in _TROUBLES if self.counts[event]]


@dataclass(frozen=True, slots=True)
class Dashboard:
    rows: list[Row]
    is_away: bool
    ratio: str
    asked: int
    invalidated: int
    invalidations: Chart
    evicted: int
    refused: int
    memory: str
    keys: int | None
    is_estimate: bool


def dashboard(period: Period) -> Dashboard:
    CachePolicy.objects.create_missing()
    series = counters.series(period)
    found, used, records = _ask_redis()
    rows = [_row(policy, series, found, records) for policy in CachePolicy.objects.all()]
    whole = total(series, WHOLE)
    all_kinds = sum((row.counts for row in rows), Counter())
    return Dashboard(
        rows=rows,
        is_away=trust.is_open(),
        ratio=percent(_ratio(all_kinds)),
        asked=all_kinds["hit"] + all_kinds["miss"],
        invalidated=whole["invalidated"],
        invalidations=chart([float(_of(bucket, WHOLE)["invalidated"]) for bucket in series]),
        evicted=whole["evicted"],
        refused=all_kinds["stale_fill_refused"],
        memory=used,
        keys=found.keys if found is not None else None,
        is_estimate=found is not None and not found.is_complete,
    )


def bounds(kind: CacheKind[Any] | None) -> str:
    if kind is None:
        return "–"
    return gettext("{least} to {most}").format(least=human(kind.min_ttl_s), most=human(kind.max_ttl_s))


def percent(share: float | None) -> str:
    if share is None:
        return "–"
    # 99.96 % must not read as if nothing were missing.
    return f"{share:.1%}" if 0.99 <= share < 1 else f"{share:.0%}"


def micros(microseconds: float) -> str:
    if microseconds < 1000:
        return f"{microseconds:.0f} µs"
    return f"{microseconds / 1000:.1f} ms" if microseconds < 1e6 else f"{microseconds / 1e6:.1f} s"


def _age(seconds: float | None) -> str:
    """Coarse: its first unit says enough."""
    if seconds is None:
        return "–"
    return " ".join(human(seconds).split()[:2])


def _ask_redis() -> tuple[Census | None, str, dict[str, list[Event]]]:
    if trust.is_open():
        return None, "–", {}
    try:
        found = census.take()
        records = {name: reuse.record(kind) for name in found.by_kind if (kind := find_kind(name)) is not None}
        memory: Any = sync_client("cache").info("memory")
    except redis.ResponseError:
        # A hosted Redis may forbid SCAN or INFO: the cache itself needs neither.
        return None, "–", {}
    except UNAVAILABLE as error:
        trust.failed(error)
        return None, "–", {}
    return found, str(memory.get("used_memory_human", "–")), records


def _row(
    policy: CachePolicy, series: list[dict[str, Counts]], found: Census | None, records: dict[str, list[Event]]
) -> Row:
    buckets = [_of(bucket, policy.kind) for bucket in series]
    return Row(
        policy=policy,
        kind=find_kind(policy.kind),
        counts=total(series, policy.kind),
        ratios=chart([_ratio(bucket) for bucket in buckets], top=1.0),
        volume=chart([float(bucket["hit"] + bucket["miss"]) for bucket in buckets]),
        held=found.by_kind.get(policy.kind) if found is not None else None,
        what_ifs=_what_ifs(policy, records.get(policy.kind, [])),
    )


def _what_ifs(policy: CachePolicy, events: list[Event]) -> list[WhatIf]:
    kind = find_kind(policy.kind)
    if kind is None:
        return []
    found = []
    for factor, label in FACTORS:
        ttl_s = max(1, round(policy.ttl_s * factor))
        is_offered = ttl_s != policy.ttl_s and kind.min_ttl_s <= ttl_s <= kind.max_ttl_s
        found.append(WhatIf(label, human(ttl_s), replay(events, ttl_s), is_offered))
    return found


def _of(bucket: dict[str, Counts], kind: str) -> Counts:
    return bucket.get(kind) or Counter()


def _ratio(counts: Counts) -> float | None:
    asked = counts["hit"] + counts["miss"]
    return counts["hit"] / asked if asked else None
