"""Listens to conversations and people, and writes down what partners are to hear.

In the transaction of what happened: a message is sent when, and only when, that commits. A conversation that belongs
to no partner costs nothing, and its handoff one look.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from chat.models import Conversation, Feedback
from chat.signals import conversation_started, feedback_received
from escalation.models import Handoff
from escalation.signals import handoff_changed
from mangaassist.redaction import redact
from partners.webhooks.messages import publish

_RATINGS = {1: "up", -1: "down"}


@receiver(conversation_started, sender=Conversation)
def tell_start(
    sender: Any,
    conversation_id: str,
    customer_id: str,
    tenant: str,
    locale: str,
    channel: str,
    at: datetime,
    **kwargs: Any,
) -> None:
    if tenant:
        data = {"locale": locale, "channel": channel}
        publish("conversation.started", tenant, conversation_id, at, _about(conversation_id, customer_id) | data)


@receiver(handoff_changed, sender=Handoff)
def tell_handoff(
    sender: Any,
    handoff_id: str,
    conversation_id: str,
    status: str,
    before: str,
    trigger: str,
    by_email: bool,
    close_reason: str,
    language: str,
    at: datetime,
    **kwargs: Any,
) -> None:
    is_over = status not in Handoff.OPEN and before in Handoff.OPEN
    if before and not is_over:
        return
    conversation = Conversation.objects.filter(pk=conversation_id).exclude(tenant="").first()
    if conversation is None:
        return
    data = _about(conversation_id, conversation.customer_id) | {"handoff_id": handoff_id}
    if is_over:
        data |= {"outcome": status, "reason": close_reason or None}
    else:
        data |= {"trigger": trigger, "language": language, "by_email": by_email}
    event = "handoff.closed" if is_over else "handoff.requested"
    publish(event, conversation.tenant, conversation_id, at, data)


@receiver(feedback_received, sender=Feedback)
def tell_opinion(
    sender: Any,
    feedback_id: str,
    conversation_id: str,
    customer_id: str,
    tenant: str,
    turn_id: str,
    message_id: str,
    rating: int | None,
    reason: str,
    comment: str,
    at: datetime,
    **kwargs: Any,
) -> None:
    if not tenant:
        return
    data = {
        "feedback_id": feedback_id,
        "message_id": message_id,
        "turn_id": turn_id or None,
        "rating": None if rating is None else _RATINGS[rating],
        "reason": redact(reason),
        "comment": redact(comment),
    }
    publish("feedback.received", tenant, conversation_id, at, _about(conversation_id, customer_id) | data)


def _about(conversation_id: str, customer_id: str) -> dict[str, Any]:
    return {"conversation_id": conversation_id, "customer_id": customer_id or None}
