"""Which volumes editions cover: what a reader has, what is missing between, what would be bought twice. Pure rules.

An edition number is no volume number: the second omnibus may hold volumes 4 to 6.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

LAST_VOLUME = 400


@dataclass(frozen=True, slots=True)
class Coverage:
    """``overlaps``: volumes that more than one of the editions holds."""

    volumes: frozenset[int]
    overlaps: frozenset[int]


def coverage(editions: Iterable[Collection[int]]) -> Coverage:
    """What several editions hold together; each is given by its volumes."""
    times = Counter(volume for volumes in editions for volume in set(volumes))
    return Coverage(frozenset(times), frozenset(volume for volume, count in times.items() if count > 1))


def gaps(volumes: Collection[int]) -> tuple[int, ...]:
    """What is missing before the last volume that one has."""
    return tuple(volume for volume in range(1, max(volumes, default=0)) if volume not in volumes)


def spans(volumes: Collection[int]) -> tuple[tuple[int, int], ...]:
    """Runs of volumes: 1, 2, 3, 6 → (1, 3), (6, 6)."""
    runs: list[tuple[int, int]] = []
    for volume in sorted(set(volumes)):
        if runs and runs[-1][1] == volume - 1:
            runs[-1] = (runs[-1][0], volume)
        else:
            runs.append((volume, volume))
    return tuple(runs)


def write_spans(volumes: Collection[int]) -> str:
    """The runs as text, short enough to be kept: "1-3,6"."""
    return ",".join(f"{first}-{last}" if first < last else str(first) for first, last in spans(volumes))


def gives_away(edition: Collection[int], has: Collection[int]) -> bool:
    """Whether the blurb of an edition (its volumes) tells of what lies behind the last volume that a reader has.

    Who has nothing has no ceiling: they get what they ask for.
    """
    return bool(has) and min(edition, default=1) > max(has)


_SPAN = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?")


def read_spans(text: str) -> frozenset[int]:
    """What :func:`write_spans` wrote; whatever else is in the text is passed over."""
    volumes: set[int] = set()
    for part in text.split(","):
        match = _SPAN.fullmatch(part)
        if match is not None:
            volumes.update(range(int(match[1]), min(int(match[2] or match[1]), LAST_VOLUME) + 1))
    return frozenset(volumes)
