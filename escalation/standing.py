"""How a conversation's handoff stands, in plain values: what its shopper may be told."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone

from escalation.backends import handoff_backends
from escalation.contacts import centre
from escalation.models import AgentPresence, Handoff, HandoffTransition, OfficeHours
from escalation.office_hours import next_opening


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """``status``: of Handoff.Status. ``position`` from 1 and ``estimated_wait`` in seconds, None when unknown.

    ``waits_again``: an agent had it and gave it back. ``may_rate``: it is over, an agent had answered, and the
    shopper has not said what they think of it. ``closed_at``: when it ended. ``by_email``: the shopper has left an
    address (``email``) and need not wait here. ``unreached``: the contact centre does not answer; it is tried again.
    ``opens_at``: outside office hours, when they begin. ``attended``: somebody is at work, as far as known.
    """

    handoff_id: str
    status: str
    language: str
    agent_name: str
    waits_again: bool
    may_rate: bool
    closed_at: datetime | None = None
    email: str = ""
    unreached: bool = False
    opens_at: datetime | None = None
    attended: bool = True
    position: int | None = None
    estimated_wait: int | None = None

    @property
    def by_email(self) -> bool:
        return self.status == Handoff.Status.QUEUED and bool(self.email)


def standing_of(conversation_id: str) -> Standing | None:
    """Of the conversation's newest handoff."""
    return standings_of([conversation_id]).get(conversation_id)


def standings_of(conversation_ids: Collection[str]) -> dict[str, Standing]:
    """Of the newest handoff of each conversation that has one, in a handful of queries however many they are."""
    handoffs = Handoff.objects.filter(conversation_id__in=conversation_ids).order_by("opened_at")
    newest = {handoff.conversation_id: handoff for handoff in handoffs}
    queued = [handoff for handoff in newest.values() if handoff.status == Handoff.Status.QUEUED]
    if not queued:
        return {id: _standing(handoff) for id, handoff in newest.items()}
    places = dict(zip((each.pk for each in queued), handoff_backends["default"].look_at_all(queued), strict=True))
    again = set(
        HandoffTransition.objects.filter(handoff__in=queued, from_status=Handoff.Status.AGENT).values_list(
            "handoff_id", flat=True
        )
    )
    opening, attended = opens_at(), somebody_is_at_work()
    return {
        id: replace(
            _standing(handoff),
            waits_again=handoff.pk in again,
            unreached=bool(handoff.contact.get("unreached")),
            opens_at=opening,
            attended=attended,
            position=places[handoff.pk].position,
            # Whatever a queue says at night: what is promised is the opening.
            estimated_wait=places[handoff.pk].estimated_wait if opening is None else None,
        )
        if handoff.pk in places
        else _standing(handoff)
        for id, handoff in newest.items()
    }


def _standing(handoff: Handoff) -> Standing:
    """What the row alone tells."""
    return Standing(
        handoff_id=str(handoff.pk),
        status=handoff.status,
        language=handoff.language,
        agent_name=handoff.agent_name,
        waits_again=False,
        may_rate=handoff.closed_at is not None and handoff.taken_at is not None and handoff.csat is None,
        closed_at=handoff.closed_at,
        email=handoff.email,
    )


def opens_at() -> datetime | None:
    """When office hours begin; None within them."""
    return next_opening([each.opening for each in OfficeHours.objects.all()], timezone.now())


def somebody_is_at_work() -> bool:
    """Also when it is not known, in a contact centre whose people answer there."""
    backend = centre()
    if backend is not None and backend.carries_words:
        return True
    return AgentPresence.objects.at_work().exists()


def open_conversations() -> set[str]:
    """Conversations that wait for a person or talk with one."""
    return set(Handoff.objects.open().values_list("conversation_id", flat=True))
