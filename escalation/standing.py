"""How a conversation's handoff stands, in plain values: what its shopper may be told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from escalation.backends import handoff_backends
from escalation.backends.base import HandoffUnavailable, QueueView
from escalation.contacts import centre
from escalation.models import AgentPresence, Handoff, OfficeHours
from escalation.office_hours import next_opening

_UNKNOWN = QueueView(position=None, estimated_wait=None)


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
    handoff = Handoff.objects.filter(conversation_id=conversation_id).order_by("-opened_at").first()
    if handoff is None:
        return None
    queued = handoff.status == Handoff.Status.QUEUED
    place = _look(handoff) if queued else _UNKNOWN
    return Standing(
        handoff_id=str(handoff.pk),
        status=handoff.status,
        language=handoff.language,
        agent_name=handoff.agent_name,
        waits_again=queued and handoff.transitions.filter(from_status=Handoff.Status.AGENT).exists(),
        may_rate=handoff.closed_at is not None and handoff.taken_at is not None and handoff.csat is None,
        closed_at=handoff.closed_at,
        email=handoff.email,
        unreached=queued and bool(handoff.contact.get("unreached")),
        opens_at=opens_at() if queued else None,
        attended=not queued or somebody_is_at_work(),
        position=place.position,
        estimated_wait=place.estimated_wait,
    )


def opens_at() -> datetime | None:
    """When office hours begin; None within them."""
    return next_opening([each.opening for each in OfficeHours.objects.all()], timezone.now())


def somebody_is_at_work() -> bool:
    """Also when it is not known: in a contact centre of its own, and where nobody has ever been at our desk."""
    backend = centre()
    if backend is not None and backend.carries_words:
        return True
    return AgentPresence.objects.at_work().exists() or not AgentPresence.objects.exists()


def _look(handoff: Handoff) -> QueueView:
    try:
        return handoff_backends["default"].look(handoff)
    except HandoffUnavailable:
        return _UNKNOWN


def open_conversations() -> set[str]:
    """Conversations that wait for a person or talk with one."""
    return set(Handoff.objects.open().values_list("conversation_id", flat=True))
