"""Our own desk: people answer from the admin's list of requests."""

from __future__ import annotations

from escalation.backends.base import HandoffBackend, QueueView
from escalation.models import Handoff


class Desk(HandoffBackend):
    """First come, first served. How long it takes is not known, so nothing is promised."""

    def look(self, handoff_id: str) -> QueueView:
        handoff = Handoff.objects.get(pk=handoff_id)
        if handoff.status != Handoff.Status.QUEUED:
            return QueueView(position=None, estimated_wait=None)
        ahead = Handoff.objects.filter(status=Handoff.Status.QUEUED, opened_at__lt=handoff.opened_at).count()
        return QueueView(position=ahead + 1, estimated_wait=None)
