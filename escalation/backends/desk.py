"""Our own desk: people answer in this application."""

from __future__ import annotations

from django.db.models import Q

from escalation.backends.base import HandoffBackend, QueueView
from escalation.models import Handoff


class Desk(HandoffBackend):
    """The urgent first, then first come, first served."""

    def look(self, handoff: Handoff) -> QueueView:
        earlier = Q(priority=handoff.priority, opened_at__lt=handoff.opened_at)
        ahead = Handoff.objects.queued().filter(Q(priority__gt=handoff.priority) | earlier).count()
        return QueueView(position=ahead + 1, estimated_wait=None)
