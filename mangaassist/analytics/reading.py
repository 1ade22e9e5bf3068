"""Reads the tallies of a period and of the one before it, up to the same time of day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from mangaassist.analytics.models import Tally, TallyMark
from mangaassist.analytics.shop_time import beginning_of, hours_in, same_time
from mangaassist.analytics.tallying import Counted, Numbers, add

Grain = Tally.Grain
HOUR = timedelta(hours=1)
# Subjects of which figures are shown beside those of the period before.
COMPARED = ("turns", "handoffs", "generator")


@dataclass(frozen=True, slots=True)
class Period:
    """The last ``days`` days of the shop's, today included."""

    name: str
    days: int

    def dates(self, today: date) -> list[date]:
        return [today - timedelta(days=back) for back in reversed(range(self.days))]


PERIODS = {period.name: period for period in (Period("today", 1), Period("week", 7), Period("month", 30))}


@dataclass(frozen=True, slots=True)
class Read:
    """``points``: the period by day, or one day by hour. ``before``: as many days before them, and of the last as much
    as has passed of today; None when nothing was counted so far back. ``counted_at``: None, never."""

    period: Period
    begins: datetime
    now: datetime
    whole: Counted
    points: list[tuple[datetime, Counted]]
    before: Counted | None
    points_before: list[Counted]
    counted_at: datetime | None


def read(period: Period, now: datetime) -> Read:
    dates = period.dates(timezone.localdate(now))
    dates_before = [day - timedelta(days=period.days) for day in dates]
    begins = beginning_of(dates[0])
    by_day = _tallies(Grain.DAY, beginning_of(dates_before[0]), now, all_since=begins)
    cut = same_time(now, days_before=period.days)
    last_day = beginning_of(dates_before[-1])
    # Of one day all hours are shown.
    by_hour = _tallies(Grain.HOUR, last_day, now if period.days == 1 else cut, all_since=begins)
    if period.days == 1:
        points = [(hour, by_hour.get(hour, {})) for hour in hours_in(dates[0])]
        points_before = [by_hour.get(hour, {}) for hour in hours_in(dates_before[0])]
    else:
        points = [(beginning_of(day), by_day.get(beginning_of(day), {})) for day in dates]
        points_before = [by_day.get(beginning_of(day), {}) for day in dates_before]
    before = None
    if Tally.objects.filter(grain=Grain.DAY, start__lte=beginning_of(dates_before[0])).exists():
        before = summed(by_day.get(beginning_of(day), {}) for day in dates_before[:-1])
        for start, counted in by_hour.items():
            if last_day <= start < cut:
                add(before, counted, share=min(1.0, (cut - start) / HOUR))
    return Read(
        period=period,
        begins=begins,
        now=now,
        whole=summed(by_day.get(beginning_of(day), {}) for day in dates),
        points=points,
        before=before,
        points_before=points_before,
        counted_at=TallyMark.objects.filter(source="turns").values_list("ran_at", flat=True).first(),
    )


def summed(parts: Iterable[Counted]) -> Counted:
    whole: Counted = {}
    for part in parts:
        add(whole, part)
    return whole


def labelled(counted: Counted, subject: str) -> dict[str, Numbers]:
    """By label."""
    return {label: numbers for (of, label), numbers in counted.items() if of == subject}


def total(parts: Iterable[Numbers], name: str) -> float:
    return sum(part.get(name, 0) for part in parts)


def values(points: Sequence[tuple[datetime, Counted]], now: datetime) -> list[Numbers | None]:
    """What was counted of the turns at each point; None for the hours to come."""
    return [counted.get(("turns", ""), {}) if start <= now else None for start, counted in points]


def _tallies(grain: Grain, since: datetime, until: datetime, *, all_since: datetime) -> dict[datetime, Counted]:
    """Before ``all_since`` only what is compared."""
    rows = Tally.objects.filter(grain=grain, start__gte=since, start__lte=until)
    wanted = rows.filter(Q(start__gte=all_since) | Q(subject__in=COMPARED))
    found: dict[datetime, Counted] = {}
    for start, subject, label, numbers in wanted.values_list("start", "subject", "label", "numbers"):
        found.setdefault(start, {})[subject, label] = numbers
    return found
