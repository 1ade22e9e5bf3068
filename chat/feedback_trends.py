"""Opinions over weeks: how many answers were rated bad, by reason, intent, engine or language. From counts of days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Sum
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat.models import Feedback, FeedbackCount
from mangaassist.names import intent_name

WEEKS = (8, 13, 26, 52)
# Lines of their own; the rest is one.
MOST_LINES = 10
BY: dict[str, Promise] = {
    "reason": _("Reason"),
    "intent": _("Intent"),
    "engine": _("Engine"),
    "language": _("Language"),
}
OTHERS = "…"


@dataclass(frozen=True, slots=True)
class Column:
    """One week; heights in percent of the highest one. ``x`` and ``width`` in percent of the chart."""

    begins: date
    up: int
    down: int
    x: float
    width: float
    up_height: float
    down_height: float

    @property
    def share(self) -> float | None:
        """Of good ones, 0-1; None where nobody said anything."""
        return self.up / (self.up + self.down) if self.up + self.down else None


@dataclass(frozen=True, slots=True)
class Row:
    """What one value of the dimension did: its columns, its sum, and how the last four weeks stand to those before."""

    name: str
    columns: tuple[Column, ...]
    up: int
    down: int
    recent: int
    before: int

    @property
    def share(self) -> float | None:
        return self.up / (self.up + self.down) if self.up + self.down else None


@dataclass(frozen=True, slots=True)
class Trends:
    """``rows``: the most bad ones first."""

    by: str
    weeks: int
    whole: Row
    rows: tuple[Row, ...]


def trends(by: str, weeks: int, *, today: date | None = None) -> Trends:
    """``by`` of ``BY``; the weeks begin on Mondays, the last one is the present one."""
    today = today or timezone.localdate()
    monday = today - timedelta(days=today.weekday())
    mondays = [monday - timedelta(weeks=weeks - 1 - number) for number in range(weeks)]
    counts: defaultdict[str, dict[date, list[int]]] = defaultdict(lambda: {day: [0, 0] for day in mondays})
    rows = FeedbackCount.objects.filter(day__gte=mondays[0]).values("day", by)
    for row in rows.annotate(ups=Sum("up"), downs=Sum("down")).order_by():
        # A count may be below nothing for a moment, when a mind was changed.
        week = counts[row[by]].get(row["day"] - timedelta(days=row["day"].weekday()))
        if week is not None:
            week[0] += max(0, row["ups"])
            week[1] += max(0, row["downs"])
    ranked = sorted(counts, key=lambda name: (-sum(week[1] for week in counts[name].values()), name))
    shown = [name for name in ranked if any(sum(week) for week in counts[name].values())]
    lines = [_row(_name(by, name), counts[name]) for name in shown[:MOST_LINES]]
    if len(shown) > MOST_LINES:
        lines.append(_row(OTHERS, _sum(counts[name] for name in shown[MOST_LINES:])))
    return Trends(by=by, weeks=weeks, whole=_row("", _sum(counts.values(), mondays)), rows=tuple(lines))


def _name(by: str, value: str) -> str:
    if by == "reason":
        return Feedback(reason=value).reason_in_words or "—"
    return (intent_name(value) if by == "intent" else value) or "—"


def _sum(counts: Iterable[dict[date, list[int]]], days: Iterable[date] = ()) -> dict[date, list[int]]:
    summed: dict[date, list[int]] = {day: [0, 0] for day in days}
    for each in counts:
        for day, (up, down) in each.items():
            week = summed.setdefault(day, [0, 0])
            week[0] += up
            week[1] += down
    return summed


def _row(name: str, weeks: dict[date, list[int]]) -> Row:
    highest = max((sum(week) for week in weeks.values()), default=0) or 1
    step = 100 / len(weeks)
    columns = tuple(
        Column(
            begins=day,
            up=up,
            down=down,
            x=round(number * step + step * 0.14, 2),
            width=round(step * 0.72, 2),
            up_height=round(100 * up / highest, 1),
            down_height=round(100 * down / highest, 1),
        )
        for number, (day, (up, down)) in enumerate(sorted(weeks.items()))
    )
    downs = [column.down for column in columns]
    return Row(
        name=name,
        columns=columns,
        up=sum(column.up for column in columns),
        down=sum(downs),
        recent=sum(downs[-4:]),
        before=sum(downs[-8:-4]),
    )
