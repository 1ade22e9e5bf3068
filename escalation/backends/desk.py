"""Our own desk: people answer in this application."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db.models import F, OuterRef, Subquery, Sum
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
        return self.look_at_all([handoff])[0]

    def look_at_all(self, handoffs: Sequence[Handoff]) -> list[QueueView]:
        """In a handful of queries, however many wait: the queue and the agents are read once."""
        # Who is to be written to holds nobody up.
        queue = Handoff.objects.queued().filter(email="").values_list("priority", "opened_at")
        places = sorted((-priority, opened_at) for priority, opened_at in queue)
        wait = _waits()
        positions = [bisect_left(places, (-each.priority, each.opened_at)) + 1 for each in handoffs]
        return [QueueView(position=position, estimated_wait=wait(position)) for position in positions]


def _waits() -> Callable[[int], int | None]:
    """What somebody at a position (from 1) will wait, in seconds, as things stand now; None when unknown."""
    at_work = AgentPresence.objects.at_work()
    places = at_work.aggregate(places=Sum("capacity"))["places"] or 0
    if not places:
        return lambda position: None
    taken = Handoff.objects.filter(status=Handoff.Status.AGENT, agent__presence__in=at_work).count()
    times = _recent()
    handling_s = [(closed - taken_at).total_seconds() for _, _, taken_at, closed in times]
    pick_up_s = [(first - opened).total_seconds() for opened, first, _, _ in times]
    return lambda position: estimate_wait(
        position, places=places, taken=taken, handling_s=handling_s, pick_up_s=pick_up_s
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
