"""Takes over what the policy cache counts in Redis, where it stays for a day: its own hours, as they are now."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from caching.counters import DAY, WHOLE, Counts, counters, spent_us
from mangaassist.analytics.models import Tally, TallyMark
from mangaassist.analytics.shop_time import hour_of
from mangaassist.analytics.tallying import Numbers
from mangaassist.analytics.totals import Totals


def count_slice(mark: TallyMark, totals: Totals) -> bool:
    """Adds what came since the last time. Redis that has lost an hour's counters counts less than is known: then
    nothing is added until it has caught up."""
    now_s = time.time()
    starts = [datetime.fromtimestamp(start, UTC) for start in DAY.starts(now_s)]
    series = counters.series(DAY, now_s)
    # Hours that were over at the last run have not changed.
    fresh = [
        (start, kinds)
        for start, kinds in zip(starts, series, strict=True)
        if mark.upto is None or hour_of(start) >= hour_of(mark.upto)
    ]
    known: dict[tuple[datetime, str], Numbers] = {
        (start, label): numbers
        for start, label, numbers in Tally.objects.filter(
            grain=Tally.Grain.HOUR, subject="cache", start__in=[hour_of(start) for start, _ in fresh]
        ).values_list("start", "label", "numbers")
    }
    for start, kinds in fresh:
        for kind, counts in kinds.items():
            if kind != WHOLE:
                before = known.get((hour_of(start), kind), {})
                more = {name: number - before.get(name, 0) for name, number in _numbers(counts).items()}
                if all(number >= 0 for number in more.values()) and any(more.values()):
                    totals.add(start, {("cache", kind): more})
    # Counters of the last seconds of an hour arrive a little later.
    mark.upto = datetime.fromtimestamp(now_s - 120, UTC)
    return False


def _numbers(counts: Counts) -> Numbers:
    hit_n, hit_us = spent_us(counts, "hit_us")
    miss_n, miss_us = spent_us(counts, "miss_us")
    return {
        "hits": counts["hit"],
        "misses": counts["miss"],
        "hit_n": hit_n,
        "hit_us": round(hit_us),
        "miss_n": miss_n,
        "miss_us": round(miss_us),
    }
