"""What the figures say of a few handoffs whose times are known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from escalation.metrics import Spread, read_figures, spread
from escalation.models import Handoff, HandoffTransition, Trigger
from escalation.templatetags.deskfigures import duration, percent_of

NOW = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([], Spread(0, None, None)),
        ([7], Spread(1, 7, 7)),
        ([3, 1], Spread(2, 1, 3)),
        ([5, 1, 3], Spread(3, 3, 5)),
        (range(1, 11), Spread(10, 5, 9)),
        (range(1, 101), Spread(100, 50, 90)),
    ],
)
def test_median_and_ninety_percent(seconds: list[float], expected: Spread) -> None:
    assert spread(seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "–"), (0, "0:00"), (9.4, "0:09"), (59.6, "1:00"), (754, "12:34"), (3600, "1:00:00"), (11405, "3:10:05")],
)
def test_a_duration_in_words(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(("part", "whole", "percent"), [(0, 0, 0), (1, 3, 33), (2, 2, 100)])
def test_a_share(part: int, whole: int, percent: int) -> None:
    assert percent_of(part, whole) == percent


def handoff(
    *,
    hours_ago: float,
    answered_s: float | None = None,
    handled_s: float | None = None,
    agent: str = "",
    csat: int | None = None,
    status: str = "closed",
    trigger: str = Trigger.ASKED,
    handed_on_s: float | None = None,
) -> None:
    opened = NOW - timedelta(hours=hours_ago)
    answered = opened + timedelta(seconds=answered_s) if answered_s is not None else None
    ended = None
    if status in {"closed", "cancelled"}:
        ended = (answered or opened) + timedelta(seconds=handled_s or 60)
    row = Handoff.objects.create(
        conversation_id=f"c-{hours_ago}",
        status=status,
        trigger=trigger,
        opened_at=opened,
        closed_at=ended,
        taken_at=answered,
        agent_name=agent,
        csat=csat,
        close_reason="resolved" if status == "closed" else "",
    )
    for at in filter(None, (answered, opened + timedelta(seconds=handed_on_s) if handed_on_s else None)):
        HandoffTransition.objects.create(handoff=row, status="agent", by=agent, at=at)


@pytest.mark.django_db
def test_the_figures() -> None:
    handoff(hours_ago=1, answered_s=30, handled_s=300, agent="Aiko", csat=5)
    # Handed on meanwhile: the shopper waited until the first answer.
    handoff(hours_ago=2, answered_s=90, handled_s=600, agent="Ben", csat=2, handed_on_s=500)
    handoff(hours_ago=3, answered_s=60, agent="Aiko", status="agent", trigger=Trigger.SAFETY)
    handoff(hours_ago=4, status="cancelled")
    handoff(hours_ago=5, status="queued")
    handoff(hours_ago=24 * 6, answered_s=10, handled_s=20, agent="Aiko", csat=4)
    handoff(hours_ago=24 * 40, answered_s=10, handled_s=20, agent="Aiko", csat=1)

    today = read_figures(NOW, 1)
    assert today.since == NOW.replace(hour=0)
    assert (today.count, today.open, today.abandoned, today.cut) == (5, 2, 1, False)
    assert today.waiting == Spread(3, 60, 90)
    assert today.handling == Spread(2, 300, 600)
    assert (today.csat, today.rated, today.opinions) == (3.5, 2, (0, 1, 0, 0, 1))
    assert dict(today.triggers) == {"Asked for a person": 4, "Legal, self-harm or a minor's safety": 1}
    assert dict(today.endings) == {"Resolved": 2, "Cancelled by the shopper": 1}
    aiko, ben = today.agents
    assert (aiko.name, aiko.count, aiko.handling.median, aiko.csat) == ("Aiko", 2, 300, 5)
    assert (ben.name, ben.count, ben.handling.median, ben.csat) == ("Ben", 1, 600, 2)
    assert (read_figures(NOW, 7).count, read_figures(NOW, 30).count) == (6, 6)


@pytest.mark.django_db
def test_without_any_handoff_there_is_nothing_to_divide_by() -> None:
    figures = read_figures(NOW, 30)
    assert (figures.count, figures.csat, figures.waiting, figures.agents) == (0, None, Spread(0, None, None), ())
