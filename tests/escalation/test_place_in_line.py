"""Where a waiting shopper stands at our own desk, and what is experience of how long it takes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from escalation.backends.desk import Desk
from escalation.follow_up import leave_email
from escalation.handoffs import take_handoff, transfer_handoff
from escalation.models import Handoff, HandoffTransition, OfficeHours
from escalation.presence import set_presence
from tests.escalation.people import agent, at_desk, conversation, waiting

pytestmark = pytest.mark.django_db
# A Monday.
MORNING = datetime(2026, 11, 23, 10, tzinfo=UTC)


def answered(opened: datetime, *, after_s: int, transferred_after_s: int = 0, email: str = "") -> None:
    """A handoff that was taken, perhaps transferred, and closed five minutes after its last agent had it."""
    id = waiting()
    take_handoff(id, by=agent())
    if transferred_after_s:
        transfer_handoff(id, to=at_desk("ben"), by=agent())
    moments = [opened, opened + timedelta(seconds=after_s), opened + timedelta(seconds=transferred_after_s)]
    trail = Handoff.objects.get(pk=id).transitions.order_by("id")
    for transition, at in zip(trail, moments, strict=False):
        HandoffTransition.objects.filter(pk=transition.pk).update(at=at)
    taken_at = moments[2] if transferred_after_s else moments[1]
    Handoff.objects.filter(pk=id).update(
        status="closed", opened_at=opened, taken_at=taken_at, closed_at=taken_at + timedelta(minutes=5), email=email
    )


def look() -> tuple[int | None, int | None]:
    view = Desk().look(Handoff.objects.get(pk=waiting()))
    return view.position, view.estimated_wait


def test_who_is_answered_by_email_is_not_ahead() -> None:
    by_email = conversation()
    waiting(by_email)
    assert look()[0] == 2
    leave_email(by_email, "ada@shop.example")
    assert look()[0] == 2  # The one before.


def test_a_transfer_does_not_lengthen_the_first_ones_wait() -> None:
    for _ in range(3):
        answered(MORNING, after_s=20, transferred_after_s=600)
    set_presence(agent(), status="available")
    assert look() == (1, 20)


def test_who_asked_at_night_or_left_an_address_is_no_experience() -> None:
    OfficeHours.objects.create(weekday=0, opens=time(9), closes=time(18), zone="UTC")
    set_presence(agent(), status="available", capacity=20)
    for _ in range(3):
        answered(MORNING.replace(hour=1), after_s=8 * 3600)
        answered(MORNING, after_s=7200, email="ada@shop.example")
    assert look() == (1, None)
    for _ in range(3):
        answered(MORNING, after_s=40)
    assert look() == (2, 40)
