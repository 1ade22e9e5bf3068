"""Which agents are at work, and what happens to the conversations of one who is not any more."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from escalation.actors import SYSTEM, Actor
from escalation.contacts import centre
from escalation.handoffs import return_handoff
from escalation.models import AgentPresence, Handoff, HandoffQuerySet


def set_presence(by: Actor, *, status: str | None = None, capacity: int | None = None) -> AgentPresence:
    """Also the desk's sign of life, with neither. Raises ``ValidationError`` for a status or number that is none."""
    assert by.user_id is not None
    presence, _ = AgentPresence.objects.get_or_create(user_id=by.user_id)
    presence.status = status or presence.status
    presence.capacity = presence.capacity if capacity is None else capacity
    presence.seen_at = timezone.now()
    presence.full_clean()
    presence.save()
    return presence


def return_silent() -> int:
    """Conversations whose agent has not been heard of for long, or is no user any more, go back to the queue; the
    number of them.

    Only of agents who work at our desk: those of a contact centre, who are no users here, are its own affair.
    """
    since = timezone.now() - timedelta(seconds=AgentPresence.SILENT_AFTER_S)
    # Who never opened the desk is not heard of either: a lead gave it to them.
    silent = Q(agent__presence__seen_at__lt=since) | Q(agent__isnull=False, agent__presence__isnull=True)
    backend = centre()
    theirs = Q(contact_id__gt="") if backend is not None and backend.carries_words else Q(pk__in=())
    held = Handoff.objects.filter(silent | (Q(agent__isnull=True) & ~theirs), status=Handoff.Status.AGENT)
    ids = list(held.values_list("pk", flat=True))
    return sum(_return(handoff_id, held.filter(pk=handoff_id)) for handoff_id in ids)


@transaction.atomic
def _return(handoff_id: UUID, still_held: HandoffQuerySet) -> bool:
    handoff = still_held.select_for_update(of=("self",)).first()
    if handoff is None:  # Closed or transferred meanwhile.
        return False
    return_handoff(str(handoff_id), by=SYSTEM, detail=f"{handoff.agent_name} went silent")
    return True
