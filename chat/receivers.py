"""What chat does when people speak: a handoff's state becomes the conversation's, an agent's word a message of it.

Both in the sender's transaction; the doorbell then tells every web process that has the conversation open.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models.signals import post_delete
from django.dispatch import receiver

from chat.models import Conversation, Message
from chat.phrases import say
from chat.signals import BELL
from chat.summarising import ask_for_summary
from escalation.models import Handoff
from escalation.signals import agent_spoke, agent_typing, handoff_changed
from mangaassist.doorbell import ring, ring_after_commit

_STATES = {"queued": Conversation.State.QUEUED, "agent": Conversation.State.AGENT}


@receiver(handoff_changed)
def follow_handoff(
    sender: Any,
    handoff_id: str,
    conversation_id: str,
    status: str,
    before: str,
    by_email: bool,
    close_reason: str,
    language: str,
    at: datetime,
    **kwargs: Any,
) -> None:
    state = _STATES.get(status, Conversation.State.BOT)
    if by_email and state == Conversation.State.QUEUED:
        state = Conversation.State.BOT
    known = Conversation.objects.filter(pk=conversation_id).update(state=state)
    if known and not before:
        ask_for_summary(handoff_id)
    if known and status == "closed" and close_reason != "shopper_left":
        # Who is away just now reads on their return that nobody is with them any more.
        words = say("ja" if language == "ja" else "en", "human.closed")
        Message.objects.create(
            conversation_id=conversation_id, role=Message.Role.SYSTEM, content=words, template=words, created_at=at
        )
    ring_after_commit(BELL, conversation_id)


@receiver(post_delete, sender=Handoff)
def answer_again(sender: Any, instance: Handoff, **kwargs: Any) -> None:
    """An open request that is deleted and not closed must not leave its conversation with nobody who answers."""
    id = instance.conversation_id
    if Handoff.objects.open().filter(conversation_id=id).exists():
        return
    if Conversation.objects.filter(pk=id).exclude(state=Conversation.State.BOT).update(state=Conversation.State.BOT):
        ring_after_commit(BELL, id)


@receiver(agent_spoke)
def store_agents_word(
    sender: Any,
    conversation_id: str,
    text: str,
    cards: list[dict[str, Any]],
    agent_name: str,
    at: datetime,
    **kwargs: Any,
) -> None:
    if not Conversation.objects.filter(pk=conversation_id).update(updated_at=at):
        return
    Message.objects.create(
        conversation_id=conversation_id,
        role=Message.Role.AGENT,
        author=agent_name,
        content=text,
        template=text,
        cards=cards,
        created_at=at,
    )
    ring_after_commit(BELL, conversation_id)


@receiver(agent_typing)
def tell_typing(sender: Any, conversation_id: str, agent_name: str, active: bool, **kwargs: Any) -> None:
    ring(BELL, conversation_id, active=active, name=agent_name)
