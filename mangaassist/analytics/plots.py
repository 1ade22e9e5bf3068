"""Plots of a period: shapes for an SVG that stretches with the page, and the same values as a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from caching.charts import Chart, chart

# Of a point, in the SVG's own units; it is stretched to the width there is.
STEP = 12
HEIGHT = 120
Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Series:
    """``style``: columns, line, second or before (see overview.css). ``texts``: a value each."""

    name: str
    style: str
    shape: Chart
    texts: list[str]


@dataclass(frozen=True, slots=True)
class Plot:
    """``axis``: a text or nothing for each point. ``ticks``: from the top down. ``rows``: (point, its values)."""

    name: str
    title: str
    series: list[Series]
    axis: list[str]
    ticks: list[str]
    rows: list[tuple[str, list[str]]]

    @property
    def is_empty(self) -> bool:
        return all(each.shape.is_empty for each in self.series)


def plot(
    name: str,
    title: str,
    points: Sequence[datetime],
    lines: Sequence[tuple[str, str, Values]],
    *,
    told: Callable[[float], str],
    top: float | None = None,
) -> Plot:
    """``lines``: (name, style, values), all on one scale; ``top``: its end, if not what is highest."""
    highest = max((value for _, _, values in lines for value in values if value is not None), default=0.0)
    top = top or round_up(highest)
    series = [
        Series(
            label,
            style,
            chart(values, top=top, width=STEP * len(points), height=HEIGHT),
            ["–" if value is None else told(value) for value in values],
        )
        for label, style, values in lines
    ]
    names = [point_name(point, points) for point in points]
    rows = [(names[place], [each.texts[place] for each in series]) for place in range(len(points))]
    return Plot(name, title, series, axis(points), [told(top), told(top / 2), told(0)], rows)


def spark(values: Values, *, top: float | None = None) -> Chart:
    return chart(values, top=top, width=STEP * len(values), height=HEIGHT)


def round_up(value: float) -> float:
    """To 1, 2, 4, 5 or 10 of its power of ten: half of it is a round number as well."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 5, 10) if step * power >= value * 0.999)


def point_name(point: datetime, points: Sequence[datetime]) -> str:
    local = timezone.localtime(point)
    if _is_a_day(points):
        return date_format(local, "H:i")
    # Translators: a day with its weekday, in Django's format letters.
    return date_format(local, gettext("D, M j"))


def axis(points: Sequence[datetime]) -> list[str]:
    """Every sixth hour, every day of a week, every week's day of a month."""
    if _is_a_day(points):
        local = [timezone.localtime(point) for point in points]
        return [date_format(at, "H:i") if at.hour % 6 == 0 else "" for at in local]
    every = 1 if len(points) <= 7 else 7
    last = len(points) - 1
    return [
        # Translators: a short day of the year, in Django's format letters.
        date_format(timezone.localtime(point), gettext("M j")) if (last - place) % every == 0 else ""
        for place, point in enumerate(points)
    ]


def _is_a_day(points: Sequence[datetime]) -> bool:
    return len(points) > 1 and points[1] - points[0] <= timedelta(hours=1)
