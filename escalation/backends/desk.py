"""Our own desk: people answer in this application."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from escalation.backends.base import HandoffBackend, QueueView
from escalation.models import AgentPresence, Handoff, HandoffTransition, OfficeHours
from escalation.office_hours import is_open
from escalation.wait import estimate_wait

# So many recent handoffs are experience.
RECENT = 20


class Desk(HandoffBackend):
    """The urgent first, then first come, first served; who is answered by e-mail is in nobody's way."""

    def look(self, handoff: Handoff) -> QueueView:
        earlier = Q(priority=handoff.priority, opened_at__lt=handoff.opened_at)
        here = Handoff.objects.queued().filter(email="")
        ahead = here.filter(Q(priority__gt=handoff.priority) | earlier).count()
        return QueueView(position=ahead + 1, estimated_wait=_wait(ahead + 1))


def _wait(position: int) -> int | None:
    at_work = AgentPresence.objects.at_work()
    places = at_work.aggregate(places=Sum("capacity"))["places"] or 0
    if not places:
        return None
    taken = Handoff.objects.filter(status=Handoff.Status.AGENT, agent__presence__in=at_work).count()
    times = _recent()
    return estimate_wait(
        position,
        places=places,
        taken=taken,
        handling_s=[(closed - taken_at).total_seconds() for _, _, taken_at, closed in times],
        pick_up_s=[(first - opened).total_seconds() for opened, first, _, _ in times],
    )


def _recent() -> list[tuple[datetime, datetime, datetime, datetime]]:
    """(opened, first taken, last taken, closed) of the last ones: ``taken_at`` is the newest agent's.

    Who asked at night waited for the morning, which tells nothing of a day's wait.
    """
    agents = HandoffTransition.objects.filter(handoff=OuterRef("pk"), status=Handoff.Status.AGENT).order_by("id")
    ended = (
        Handoff.objects.filter(taken_at__isnull=False, closed_at__isnull=False, email="")
        .annotate(first=Coalesce(Subquery(agents.values("at")[:1]), F("taken_at")))
        .order_by("-closed_at")
    )
    openings = [each.opening for each in OfficeHours.objects.all()]
    times = ended.values_list("opened_at", "first", "taken_at", "closed_at")[:RECENT]
    return [
        (opened, first, taken_at, closed)
        for opened, first, taken_at, closed in times
        if taken_at and closed and is_open(openings, opened)
    ]
