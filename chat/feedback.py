"""What shoppers think of answers: stored and acknowledged at once, processed behind the queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from chat.feedback_processing import process
from chat.models import Conversation, Feedback, Message
from chat.signals import BELL, feedback_received
from mangaassist.doorbell import ring_after_commit
from mangaassist.outbox.delivery import enqueue
from mangaassist.outbox.fitting import fit
from mangaassist.typed_text import without_controls

LONGEST_COMMENT = 2000
LONGEST_REASON = 64
# Of the message to the queue: fields are added without a new version, a changed meaning gets one.
SCHEMA = 1
# Far below the 1 MiB of SQS, and below the 256 KiB that a queue may be set to.
LARGEST_BODY = 250_000


class FeedbackRefused(ValueError):
    """Says which field is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """``rating``: 1, -1, or None to withdraw."""

    rating: int | None
    reason: str = ""
    comment: str = ""

    def as_told(self) -> tuple[str | None, str]:
        """(rating, reason) as frames say them: a withdrawn opinion has no reason."""
        rating = {1: "up", -1: "down"}.get(self.rating or 0)
        return rating, self.reason if rating else ""


_RATINGS: dict[object, int | None] = {"up": 1, "down": -1, 1: 1, -1: -1, None: None}


def read_opinion(rating: object, reason: object = "", comment: object = "") -> Opinion:
    """From untrusted JSON. Raises :class:`FeedbackRefused`."""
    if isinstance(rating, bool) or not isinstance(rating, (str, int, type(None))) or rating not in _RATINGS:
        raise FeedbackRefused("rating must be up, down, 1, -1 or null.")
    reason, comment = reason or "", comment or ""
    if not isinstance(reason, str) or len(reason) > LONGEST_REASON:
        raise FeedbackRefused(f"reason must be text of at most {LONGEST_REASON} characters.")
    if not isinstance(comment, str) or len(comment) > LONGEST_COMMENT:
        raise FeedbackRefused(f"comment must be text of at most {LONGEST_COMMENT} characters.")
    return Opinion(rating=_RATINGS[rating], reason=without_controls(reason), comment=without_controls(comment))


def save_feedback(conversation: Conversation, message_id: str, opinion: Opinion) -> Feedback:
    """Stores an opinion and its delivery in one transaction; a second one on the same answer replaces the first.

    Raises ``Message.DoesNotExist`` when the conversation has no such answer.
    """
    with transaction.atomic():
        message = Message.objects.get(
            conversation=conversation,
            public_id=message_id,
            role__in=(Message.Role.ASSISTANT, Message.Role.AGENT),
        )
        now = timezone.now()
        feedback, _ = Feedback.objects.update_or_create(
            message=message,
            defaults={
                "conversation": conversation,
                "rating": opinion.rating,
                "reason": opinion.reason,
                "comment": opinion.comment,
                "updated_at": now,
                "processed_at": None,
            },
        )
        if opinion.rating is not None:
            enqueue("feedback", _body(feedback, message), key=str(feedback.pk))
        else:
            # The queue knows ratings only: what is withdrawn is taken out of the counts here.
            process(message.public_id)
        ring_after_commit(BELL, str(conversation.pk))
        # Inside the transaction: what a receiver writes down of it and the opinion are one.
        feedback_received.send(
            sender=Feedback,
            feedback_id=str(feedback.pk),
            conversation_id=str(conversation.pk),
            customer_id=conversation.customer_id,
            tenant=conversation.tenant,
            turn_id=str(message.turn_id or ""),
            message_id=str(message.public_id),
            rating=opinion.rating,
            reason=opinion.reason,
            comment=opinion.comment,
            at=now,
        )
    return feedback


def _body(feedback: Feedback, message: Message) -> dict[str, Any]:
    """As the contract fixes it for SQS. A comment that is too long for it stands whole in the row ``feedback_id``."""
    body = {
        "schema": SCHEMA,
        "feedback_id": str(feedback.pk),
        "session_id": str(feedback.conversation_id),
        "turn_id": str(message.turn_id or ""),
        "message_id": str(message.public_id),
        "rating": feedback.rating,
        "reason": feedback.reason,
        "comment": feedback.comment,
        "timestamp": feedback.updated_at.isoformat(),
    }
    return fit(body, limit=LARGEST_BODY, texts=["comment"])
