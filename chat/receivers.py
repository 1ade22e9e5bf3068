"""What chat does when others speak: a handoff's state becomes the conversation's."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from chat.models import Conversation
from escalation.signals import handoff_changed

_STATES = {"queued": Conversation.State.QUEUED, "agent": Conversation.State.AGENT}


@receiver(handoff_changed)
def follow_handoff(sender: Any, conversation_id: str, status: str, **kwargs: Any) -> None:
    state = _STATES.get(status, Conversation.State.BOT)
    Conversation.objects.filter(pk=conversation_id).update(state=state)
