"""What people were told of a conversation, taken back: some words of it, or all."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction

from escalation.handoffs import cancel_handoff
from escalation.models import Handoff
from escalation.package import quoted
from mangaassist.outbox.forgetting import rewrite
from mangaassist.redaction import redact

# A shorter text is taken out where it stands alone; it is part of too much else.
LONG_ENOUGH = 12


@transaction.atomic
def forget_words(conversation_id: str, said: Collection[str], instead: str) -> None:
    """Puts ``instead`` in the place of these texts in all handoffs of a conversation.

    A model's summary goes as a whole: it says the same in other words. What a contact centre was sent stays there.
    """
    needles = {form for text in said if text for form in (text, redact(text), quoted(text))}
    for handoff in Handoff.objects.select_for_update().filter(conversation_id=conversation_id):
        package = {name: value for name, value in handoff.package.items() if name != "written"}
        handoff.package = _without(package, needles, instead)
        handoff.reason = _without(handoff.reason, needles, instead)[:500]
        handoff.summary = _without(handoff.summary, needles, instead)
        handoff.save(update_fields=["package", "reason", "summary"])
        for line in handoff.lines.all():
            now = _without(line.text, needles, instead)
            if now != line.text:
                line.text, line.cards = now, []
                line.save(update_fields=["text", "cards"])
    rewrite("handoff-mail", conversation_id, lambda payload: _without(payload, needles, instead))


@transaction.atomic
def forget_handoffs(conversation_id: str) -> int:
    """Ends what is open, so that everybody hears of it, and removes a conversation's handoffs; how many."""
    cancel_handoff(conversation_id)
    handoffs = Handoff.objects.filter(conversation_id=conversation_id)
    count = handoffs.count()
    rewrite("handoff-mail", conversation_id, lambda payload: None)
    handoffs.delete()
    return count


def _without(value: Any, needles: Collection[str], instead: str) -> Any:
    """JSON or text with ``instead`` wherever a needle stands, longest first."""
    if isinstance(value, dict):
        return {name: _without(each, needles, instead) for name, each in value.items()}
    if isinstance(value, list):
        return [_without(each, needles, instead) for each in value]
    if not isinstance(value, str):
        return value
    if value.strip() in needles:
        return instead
    for needle in sorted(needles, key=len, reverse=True):
        if len(needle) >= LONG_ENOUGH:
            value = value.replace(needle, instead)
    return value
