"""What becomes of an opinion behind the queue: joined with how the answer came about, counted, flagged for a person.

The rows are the truth, not the messages: they may come late, twice or in another order. Each opinion is counted in
one bucket at a time, and remembers in which.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from chat.models import Feedback, FeedbackCount, Turn
from mangaassist.outbox.consumers import MessageRefused
from recommendations.experiments import parts_of
from recommendations.interactions import owner_of

# A second bad answer in one conversation is one too many.
REPEATED = 2
# Words that want a person, whatever was rated.
_COMPLAINT = re.compile(
    r"\b(?:damaged|broken|torn|missing|refund|complain|complaint|lawyer|legal|scam|fraud|angry|charged twice|rude|"
    r"offensive|unsafe)\b|返金|破損|壊れ|苦情|クレーム|詐欺|弁護士|二重|不快|届かない|届いていない",
    re.IGNORECASE,
)
_ABOUT_ORDERS = frozenset({"order_status", "human"})


def apply_feedback(body: dict[str, Any]) -> None:
    """What the queue's consumer does with one message. Raises :class:`MessageRefused` for nonsense.

    A message of a later schema is taken as long as it names its answer as this one does: the row is the truth.
    """
    try:
        message_id = UUID(str(body["message_id"]))
    except (KeyError, ValueError) as error:
        schema = body.get("schema", "unknown")
        raise MessageRefused(f"message_id is missing or no UUID (schema: {schema})") from error
    process(message_id)


def process(message_id: UUID) -> None:
    """Takes in the opinion on this answer as it is now. Raises :class:`MessageRefused` for an unknown answer."""
    with transaction.atomic():
        feedback = (
            Feedback.objects.select_for_update(of=("self",))
            .select_related("message__turn", "conversation")
            .filter(message__public_id=message_id)
            .first()
        )
        if feedback is None:
            raise MessageRefused("there is no feedback on this message")
        feedback.facts = facts_of(feedback)
        flag = flag_of(feedback, bad_answers=_bad_answers(feedback))
        if flag != feedback.flag:
            # Another reason to look than the one that somebody has looked at.
            feedback.flag, feedback.handled_at, feedback.handled_by = flag, None, ""
        _count(feedback)
        feedback.processed_at = timezone.now()
        feedback.save(update_fields=["facts", "flag", "handled_at", "handled_by", "counted", "processed_at"])


def facts_of(feedback: Feedback) -> dict[str, Any]:
    """How the answer came about: intent, language, engines, experiment arms, cached entries."""
    turn: Turn | None = feedback.message.turn
    conversation = feedback.conversation
    owner = owner_of(conversation.customer_id, conversation.session_id)
    return {
        "intent": turn.intent if turn else "",
        "language": turn.language if turn else conversation.locale,
        "generator": turn.generator if turn else feedback.message.role,
        "engine": turn.engine if turn else "",
        "latency_ms": turn.latency_ms if turn else None,
        "arms": list(parts_of(owner, turn.started_at)) if turn else [],
        "cache": turn.trace.get("cache", []) if turn else [],
        "cards": [card["id"] for card in feedback.message.cards],
    }


def flag_of(feedback: Feedback, *, bad_answers: int) -> str:
    """Why a person should look at it; empty when none need."""
    flags = Feedback.Flag
    if _COMPLAINT.search(feedback.comment):
        return flags.COMPLAINT
    if feedback.rating != -1:
        return flags.NONE
    if feedback.reason == Feedback.Reason.WRONG:
        return flags.WRONG_FACTS
    if feedback.facts.get("intent") in _ABOUT_ORDERS:
        return flags.ORDER
    return flags.REPEATED if bad_answers >= REPEATED else flags.NONE


def _bad_answers(feedback: Feedback) -> int:
    return Feedback.objects.filter(conversation_id=feedback.conversation_id, rating=-1).count()


# --- Counting -----------------------------------------------------------------------------------------------------


def known_reason(reason: str) -> str:
    """As it is counted: a partner may give reasons of its own."""
    return reason if reason in Feedback.Reason.values else Feedback.Reason.OTHER


def _count(feedback: Feedback) -> None:
    """Moves the opinion from the bucket where it is counted to the one where it belongs now."""
    facts = feedback.facts
    bucket = {
        "day": timezone.localdate(feedback.updated_at).isoformat(),
        "intent": facts["intent"],
        "language": facts["language"],
        "engine": facts["engine"] or facts["generator"],
        "arm": "; ".join(facts["arms"])[:200],
        "reason": known_reason(feedback.reason),
    }
    now = {} if feedback.rating is None else bucket | {"rating": feedback.rating}
    if now == feedback.counted:
        return
    for counted, by in ((feedback.counted, -1), (now, 1)):
        if counted:
            # What was counted before reasons were told apart is found without one.
            where = {"reason": ""} | {name: value for name, value in counted.items() if name != "rating"}
            row, _ = FeedbackCount.objects.get_or_create(**where)
            column = "up" if counted["rating"] > 0 else "down"
            FeedbackCount.objects.filter(pk=row.pk).update(**{column: F(column) + by})
    feedback.counted = now
