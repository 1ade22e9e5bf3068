"""Listens to what is taken back: an answer that is kept for a retry holds words, and so does a message to a partner."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Q
from django.dispatch import receiver

from chat.models import Conversation
from chat.signals import conversation_erased
from partners.models import IdempotentRequest
from partners.webhooks.models import WebhookMessage


@receiver(conversation_erased, sender=Conversation)
def forget_conversation(sender: Any, conversation_id: str, turn_ids: Collection[str], **kwargs: Any) -> None:
    """What waits to be sent is not sent any more."""
    _forget_answers([conversation_id, *turn_ids])
    WebhookMessage.objects.filter(conversation_id=conversation_id).delete()


def _forget_answers(naming: Collection[str]) -> None:
    names = Q()
    for name in naming:
        names |= Q(answer__contains=name)
    if names:
        IdempotentRequest.objects.filter(names).delete()
