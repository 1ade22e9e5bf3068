"""What a TTL would do: the recorded reads of caching/reuse.py, played again through a cache with that TTL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from caching.reuse import Event


@dataclass(frozen=True, slots=True)
class Forecast:
    """Over the reads that could be judged. Ages in seconds; None without a single read."""

    ttl_s: int
    reads: int
    hit_ratio: float | None
    # Of what would be served, fresh values (age 0) included.
    median_age_s: float | None
    p95_age_s: float | None


def replay(events: Iterable[Event], ttl_s: int) -> Forecast:
    """``events`` by time. An invalidated value is computed at its next read, an expired one too.

    What happened before a key's first event is known only if nothing of it was ever kept (``first``: a miss);
    else its first read is not judged.
    """
    computed_ms: dict[str, int] = {}
    ages: list[int] = []
    hits = 0
    for event in events:
        stored = computed_ms.get(event.key)
        if event.what == "stored":
            computed_ms[event.key] = event.at_ms
            continue
        if stored is not None and event.what == "same" and event.at_ms - stored < ttl_s * 1000:
            hits += 1
            ages.append(event.at_ms - stored)
            continue
        if stored is not None or event.what != "same":
            ages.append(0)
        computed_ms[event.key] = event.at_ms
    if not ages:
        return Forecast(ttl_s, 0, None, None, None)
    ages.sort()
    return Forecast(ttl_s, len(ages), hits / len(ages), _at(ages, 0.5) / 1000, _at(ages, 0.95) / 1000)


def _at(ordered: list[int], share: float) -> int:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
