"""When people answer. Pure rules; without any opening, they always do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Opening:
    """``weekday``: 0 is Monday. ``closes``: 00:00 is the day's end. ``zone``: an IANA name, whose wall clock counts."""

    weekday: int
    opens: time
    closes: time
    zone: str


def is_open(openings: Sequence[Opening], now: datetime) -> bool:
    """``now``: aware."""
    return not openings or any(start <= now < end for each in openings for start, end in _around(each, now))


def next_opening(openings: Sequence[Opening], now: datetime) -> datetime | None:
    """When it opens next, in that opening's zone; None when it is open or always is."""
    if is_open(openings, now):
        return None
    starts = [start for each in openings for start, _ in _around(each, now) if start > now]
    return min(starts, default=None)


def _around(opening: Opening, now: datetime) -> list[tuple[datetime, datetime]]:
    """The opening on its days around ``now``: the last one, this one and the next."""
    zone = ZoneInfo(opening.zone)
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    days = [monday + timedelta(days=opening.weekday + 7 * week) for week in (-1, 0, 1)]
    return [_on(opening, day, zone) for day in days]


def _on(opening: Opening, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    last = day + timedelta(days=1) if opening.closes == time.min else day
    return datetime.combine(day, opening.opens, zone), datetime.combine(last, opening.closes, zone)
