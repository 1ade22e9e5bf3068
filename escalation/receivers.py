"""What a contact centre must hear of a handoff (it begins, it is over), and rules that were changed."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from escalation.contacts import tell_centre
from escalation.models import EscalationRule, Handoff, HandoffPolicy
from escalation.signals import handoff_changed


@receiver(handoff_changed, sender=Handoff)
def tell_of_change(sender: Any, handoff_id: str, status: str, before: str, **kwargs: Any) -> None:
    if not before:
        tell_centre(Handoff.objects.get(pk=handoff_id), "start")
    elif status != before and status not in Handoff.OPEN:
        tell_centre(Handoff.objects.get(pk=handoff_id), "stop")


@receiver([post_save, post_delete], sender=EscalationRule)
def tell_of_rules(sender: Any, **kwargs: Any) -> None:
    """In the same transaction: every process reads the rules again at its next turn."""
    HandoffPolicy.mark_changed()
