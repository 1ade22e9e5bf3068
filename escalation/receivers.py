"""What a contact centre must hear of a handoff: it begins, and it is over."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from escalation.contacts import tell_centre
from escalation.models import Handoff
from escalation.signals import handoff_changed


@receiver(handoff_changed, sender=Handoff)
def tell_of_change(sender: Any, handoff_id: str, status: str, before: str, **kwargs: Any) -> None:
    if not before:
        tell_centre(Handoff.objects.get(pk=handoff_id), "start")
    elif status != before and status not in Handoff.OPEN:
        tell_centre(Handoff.objects.get(pk=handoff_id), "stop")
