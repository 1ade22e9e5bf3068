"""What somebody has made of a conversation in their own words, beside the structured summary of the package."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from escalation.contacts import tell_centre
from escalation.handoffs import DESK_BELL
from escalation.models import Handoff
from mangaassist.doorbell import ring_after_commit


@transaction.atomic
def keep_summary(handoff_id: str, words: Mapping[str, str], *, by: str) -> bool:
    """``words``: language → text without personal data; ``by``: the model that wrote it. False when it comes too late,
    or there is one already. The desk shows it at once; a contact centre hears of it once the contact has begun.
    """
    handoff = Handoff.objects.select_for_update().filter(pk=handoff_id, status__in=Handoff.OPEN).first()
    if handoff is None or "written" in handoff.package:
        return False
    handoff.package = handoff.package | {"written": {"by": by[:100], "text": dict(words)}}
    handoff.save(update_fields=["package"])
    tell_centre(handoff, "describe")
    ring_after_commit(DESK_BELL, str(handoff.pk))
    return True
