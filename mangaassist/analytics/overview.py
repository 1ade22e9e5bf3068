"""The page with which an operator's day begins, put together from the tallies and a few live figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.models import FeedbackCount
from mangaassist import breaker
from mangaassist.analytics import wording
from mangaassist.analytics.panels import Panel, Wanted, panels, wanted
from mangaassist.analytics.plots import Plot, plot
from mangaassist.analytics.reading import Period, Read, read, values
from mangaassist.analytics.tallying import Numbers, quantile_ms
from mangaassist.analytics.tiles import Opinions, Tile, answered, ended, handed, share, tiles
from mangaassist.outbox.summary import MOST_COUNTED, glance

# The task runs each minute.
LATE = timedelta(minutes=5)
# A row of the outbox that is older is not on its way any more.
STUCK_S = 300


@dataclass(frozen=True, slots=True)
class Light:
    """How something stands at this moment. ``is_bad``: somebody should look."""

    label: str
    value: str
    is_bad: bool
    href: str


@dataclass(frozen=True, slots=True)
class Overview:
    period: Period
    now: datetime
    # None: never.
    counted_at: datetime | None
    is_late: bool
    is_empty: bool
    is_compared: bool
    lights: list[Light]
    tiles: list[Tile]
    plots: list[Plot]
    wanted: list[Wanted]
    panels: list[Panel]

    @property
    def troubles(self) -> int:
        return sum(light.is_bad for light in self.lights)


def overview(period: Period, now: datetime, link: Callable[..., str]) -> Overview:
    """``link(model, pk=None, **filters)``: the address of a change list or row, empty for who may not see it."""
    figures = read(period, now)
    return Overview(
        period=period,
        now=now,
        counted_at=figures.counted_at,
        is_late=figures.counted_at is not None and figures.counted_at < now - LATE,
        is_empty=not figures.whole and not figures.before,
        is_compared=figures.before is not None,
        lights=lights(link),
        tiles=tiles(figures, _thumbs(figures), link),
        plots=plots(figures),
        wanted=wanted(figures, link),
        panels=panels(figures, link),
    )


def _thumbs(figures: Read) -> Opinions:
    """Counted by day only: the day before is whole, and there is no line within a day."""
    days = figures.period.days
    first = timezone.localdate(figures.begins)
    rows = FeedbackCount.objects.filter(day__gte=first - timedelta(days=days)).values_list("day")
    by_day = {day: (bad, good) for day, bad, good in rows.annotate(Sum("down"), Sum("up"))}
    nobody = (0, 0)
    now = [by_day.get(first + timedelta(days=place), nobody) for place in range(days)]
    before = [by_day.get(first - timedelta(days=place + 1), nobody) for place in range(days)]
    return Opinions(
        bad=sum(bad for bad, _good in now),
        good=sum(good for _bad, good in now),
        share_before=share(sum(good for _bad, good in before), sum(map(sum, before))) if figures.before else None,
        shares=[share(good, bad + good) for bad, good in now] if days > 1 else None,
    )


# --- Now --------------------------------------------------------------------------------------------------------------


def lights(link: Callable[..., str]) -> list[Light]:
    outbox = glance()
    open_ones = sorted(name for name, each in breaker.registry.items() if each.state != "closed")
    oldest_s = outbox.oldest_s or 0
    return [
        Light(
            _("On its way out"),
            _several(outbox.waiting),
            oldest_s > STUCK_S,
            link("outbox.outboxmessage", status__exact="waiting"),
        ),
        Light(
            _("Oldest of it"),
            wording.duration(oldest_s) if outbox.waiting else "–",
            oldest_s > STUCK_S,
            link("outbox.outboxmessage", status__exact="waiting"),
        ),
        Light(
            _("Parked"),
            _several(outbox.parked),
            outbox.parked > 0,
            link("outbox.outboxmessage", status__exact="parked"),
        ),
        Light(
            _("Services that fail"),
            ", ".join(open_ones) or _("none"),
            bool(open_ones),
            "",
        ),
    ]


def _several(number: int) -> str:
    return f"{wording.count(number)}+" if number >= MOST_COUNTED else wording.count(number)


# --- Over time --------------------------------------------------------------------------------------------------------


def plots(figures: Read) -> list[Plot]:
    points = [start for start, _counted in figures.points]
    turns = values(figures.points, figures.now)
    before = [counted.get(("turns", ""), {}) for counted in figures.points_before]
    volume: list[tuple[str, str, list[float | None]]] = [
        (_("Questions"), "columns", [_of(each, ended) for each in turns]),
        (_("Conversations"), "line", [_of(each, lambda numbers: numbers.get("begun", 0)) for each in turns]),
    ]
    if figures.before is not None:
        # Where the clocks changed, one of the two days is an hour longer.
        whole: list[float | None] = [_of(each, ended) for each in before[: len(points)]]
        volume.append((_("Questions before"), "before", whole + [None] * (len(points) - len(whole))))
    past = [counted if start <= figures.now else None for start, counted in figures.points]
    quality: list[tuple[str, str, list[float | None]]] = [
        (_("Answered"), "line", [_of(each, answered) for each in turns]),
        (
            _("To a person"),
            "second",
            [None if each is None else handed(each) for each in past],
        ),
    ]
    speed: list[tuple[str, str, list[float | None]]] = [
        (_("Half within"), "line", [_of(each, lambda numbers: quantile_ms(numbers, "first", 0.5)) for each in turns]),
        (_("19 of 20"), "second", [_of(each, lambda numbers: quantile_ms(numbers, "first", 0.95)) for each in turns]),
    ]
    return [
        plot("volume", _("Questions and conversations"), points, volume, told=wording.count),
        plot("quality", _("Answered, and handed to a person"), points, quality, told=wording.percent, top=1.0),
        plot("speed", _("Until the first words"), points, speed, told=wording.milliseconds),
    ]


def _of(numbers: Numbers | None, figure: Callable[[Numbers], float | None]) -> float | None:
    return None if numbers is None else figure(numbers)
