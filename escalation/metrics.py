"""How people's help goes: waits, handling, reasons, opinions. One query, and at most ``MOST`` rows of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Min, Q

from escalation.models import Handoff

MOST = 5000


@dataclass(frozen=True, slots=True)
class Spread:
    """Of durations in seconds: how many, the median, and what nine in ten do not exceed; None without any."""

    count: int
    median: float | None
    ninety: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFigures:
    name: str
    count: int
    handling: Spread
    csat: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskFigures:
    """Of the handoffs that were opened since ``since``.

    ``waiting``: from the request to the first agent. ``handling``: from there to the end. ``abandoned``: over before
    anybody had answered. ``csat``: mean of 1-5; ``opinions``: how many gave each of 1 to 5. ``cut``: there were more
    than ``MOST``; these are the newest.
    """

    since: datetime
    count: int
    open: int
    abandoned: int
    waiting: Spread
    handling: Spread
    csat: float | None
    rated: int
    opinions: tuple[int, int, int, int, int]
    triggers: tuple[tuple[str, int], ...]
    endings: tuple[tuple[str, int], ...]
    agents: tuple[AgentFigures, ...]
    cut: bool


def read_figures(now: datetime, days: int) -> DeskFigures:
    """``days`` 1: since midnight in ``now``'s time zone; n: the n - 1 days before as well."""
    since = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    answered = Min("transitions__at", filter=Q(transitions__status=Handoff.Status.AGENT))
    # taken_at is the newest agent's: a transfer must not shorten the first one's time.
    rows: list[Any] = list(
        Handoff.objects.filter(opened_at__gte=since).annotate(answered_at=answered).order_by("-opened_at")[: MOST + 1]
    )
    rows, cut = rows[:MOST], len(rows) > MOST
    opinions = Counter(row.csat for row in rows if row.csat)
    return DeskFigures(
        since=since,
        count=len(rows),
        open=sum(row.closed_at is None for row in rows),
        abandoned=sum(row.closed_at is not None and row.answered_at is None for row in rows),
        waiting=spread((row.answered_at - row.opened_at).total_seconds() for row in rows if row.answered_at),
        handling=_handling(rows),
        csat=_mean([row.csat for row in rows if row.csat]),
        rated=opinions.total(),
        opinions=(opinions[1], opinions[2], opinions[3], opinions[4], opinions[5]),
        triggers=_counted(row.get_trigger_display() for row in rows),
        endings=_counted(_ending(row) for row in rows if row.closed_at),
        agents=_by_agent(rows),
        cut=cut,
    )


def spread(seconds: Iterable[float]) -> Spread:
    """By nearest rank (the smallest value that at least that share does not exceed)."""
    ordered = sorted(seconds)
    return Spread(len(ordered), _rank(ordered, 0.5), _rank(ordered, 0.9))


def _rank(ordered: Sequence[float], share: float) -> float | None:
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None


def _handling(rows: Iterable[Any]) -> Spread:
    return spread(
        (row.closed_at - row.answered_at).total_seconds() for row in rows if row.answered_at and row.closed_at
    )


def _mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None


def _counted(labels: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(labels).most_common())


def _ending(row: Handoff) -> str:
    if row.status == Handoff.Status.CANCELLED:
        return str(Handoff.Status.CANCELLED.label)
    return row.get_close_reason_display()


def _by_agent(rows: Iterable[Any]) -> tuple[AgentFigures, ...]:
    """The one who had it last; busiest first."""
    held: dict[str, list[Any]] = {}
    for row in rows:
        if row.agent_name:
            held.setdefault(row.agent_name, []).append(row)
    figures = (
        AgentFigures(
            name=name, count=len(own), handling=_handling(own), csat=_mean([row.csat for row in own if row.csat])
        )
        for name, own in held.items()
    )
    return tuple(sorted(figures, key=lambda each: (-each.count, each.name)))
