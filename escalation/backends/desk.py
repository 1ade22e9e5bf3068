"""Our own desk: people answer in this application."""

from __future__ import annotations

from django.db.models import Q, Sum

from escalation.backends.base import HandoffBackend, QueueView
from escalation.models import AgentPresence, Handoff
from escalation.wait import estimate_wait

# So many recent handoffs are experience.
RECENT = 20


class Desk(HandoffBackend):
    """The urgent first, then first come, first served."""

    def look(self, handoff: Handoff) -> QueueView:
        earlier = Q(priority=handoff.priority, opened_at__lt=handoff.opened_at)
        ahead = Handoff.objects.queued().filter(Q(priority__gt=handoff.priority) | earlier).count()
        return QueueView(position=ahead + 1, estimated_wait=_wait(ahead + 1))


def _wait(position: int) -> int | None:
    at_work = AgentPresence.objects.at_work()
    places = at_work.aggregate(places=Sum("capacity"))["places"] or 0
    if not places:
        return None
    taken = Handoff.objects.filter(status=Handoff.Status.AGENT, agent__presence__in=at_work).count()
    ended = Handoff.objects.filter(taken_at__isnull=False, closed_at__isnull=False).order_by("-closed_at")
    times = list(ended.values_list("opened_at", "taken_at", "closed_at")[:RECENT])
    return estimate_wait(
        position,
        places=places,
        taken=taken,
        handling_s=[(closed - taken_at).total_seconds() for _, taken_at, closed in times if closed and taken_at],
        pick_up_s=[(taken_at - opened).total_seconds() for opened, taken_at, _ in times if taken_at],
    )
