"""How a conversation's handoff stands, in plain values: what its shopper may be told."""

from __future__ import annotations

from dataclasses import dataclass

from escalation.backends import handoff_backends
from escalation.backends.base import HandoffUnavailable, QueueView
from escalation.models import Handoff

_UNKNOWN = QueueView(position=None, estimated_wait=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """``status``: of Handoff.Status. ``position`` from 1 and ``estimated_wait`` in seconds, None when unknown.

    ``waits_again``: an agent had it and gave it back. ``may_rate``: it is over, an agent had answered, and the
    shopper has not said what they think of it.
    """

    handoff_id: str
    status: str
    language: str
    agent_name: str
    waits_again: bool
    may_rate: bool
    position: int | None = None
    estimated_wait: int | None = None


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
        position=place.position,
        estimated_wait=place.estimated_wait,
    )


def _look(handoff: Handoff) -> QueueView:
    try:
        return handoff_backends["default"].look(handoff)
    except HandoffUnavailable:
        return _UNKNOWN


def open_conversations() -> set[str]:
    """Conversations that wait for a person or talk with one."""
    return set(Handoff.objects.open().values_list("conversation_id", flat=True))
