"""What people were told of a conversation, taken back: some words of it, or all."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from escalation.handoffs import cancel_handoff
from escalation.models import Handoff
from escalation.package import quoted
from mangaassist.outbox.forgetting import rewrite
from mangaassist.privacy.erasing import erase
from mangaassist.privacy.models import Erasure
from mangaassist.privacy.words import REDACTED, Words, without_words
from mangaassist.redaction import redact


def redact_rating_comment(handoff_id: uuid.UUID, *, by: str) -> Erasure | None:
    """Takes what a shopper wrote beside their stars out of everything that holds it. The stars stay, and count.

    None when there are no such words. Raises ``Handoff.DoesNotExist``.
    """
    handoff = Handoff.objects.get(pk=handoff_id)
    if handoff.csat_comment in ("", REDACTED):
        return None
    words = Words(
        until=timezone.now(),
        conversation=handoff.conversation_id,
        said=frozenset({handoff.csat_comment}),
        handoff=str(handoff.pk),
    )
    return erase(words, by=by)


@transaction.atomic
def forget_words(conversation_id: str, said: Collection[str]) -> None:
    """Takes these texts out of all handoffs of a conversation.

    A model's summary goes as a whole: it says the same in other words. What a contact centre was sent stays there.
    """
    needles = {form for text in said if text for form in (text, redact(text), quoted(text))}
    for handoff in Handoff.objects.select_for_update().filter(conversation_id=conversation_id):
        package = {name: value for name, value in handoff.package.items() if name != "written"}
        handoff.package = without_words(package, needles)
        handoff.reason = without_words(handoff.reason, needles)[:500]
        handoff.summary = without_words(handoff.summary, needles)
        handoff.csat_comment = without_words(handoff.csat_comment, needles)
        handoff.save(update_fields=["package", "reason", "summary", "csat_comment"])
        for line in handoff.lines.all():
            now = without_words(line.text, needles)
            if now != line.text:
                line.text, line.cards = now, []
                line.save(update_fields=["text", "cards"])
    rewrite("handoff-mail", conversation_id, lambda payload: without_words(payload, needles))


@transaction.atomic
def forget_handoffs(conversation_id: str) -> int:
    """Ends what is open, so that everybody hears of it, and removes a conversation's handoffs; how many."""
    cancel_handoff(conversation_id)
    handoffs = Handoff.objects.filter(conversation_id=conversation_id)
    count = handoffs.count()
    rewrite("handoff-mail", conversation_id, lambda payload: None)
    handoffs.delete()
    return count
