"""Taking back what was said: one message's words, or a whole conversation, wherever we keep them.

Kept are rows (message, trace, feedback, handoffs), the hot and the durable copy of memory, the turn's stream, and what
waits in the outbox; analytics listen (chat.signals). What has left for others (a contact centre, Amazon Kinesis, a
partner) is theirs: it ends with the time that they keep things.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from functools import partial
from typing import Any

import redis
import structlog
from django.db import transaction
from django.utils import timezone

from caching.invalidation import invalidate
from chat import turn_stream
from chat.memory import forget_hot, forget_outside
from chat.models import Conversation, Feedback, Message, Turn
from chat.records import remembered_turns
from chat.signals import conversation_erased, message_redacted
from escalation.forgetting import forget_handoffs, forget_words
from mangaassist.outbox.forgetting import rewrite, unqueue

log = structlog.get_logger(__name__)
REDACTED = "[redacted]"
# Notes of a trace hold words under these names.
_WORDS = frozenset({"sentence", "about", "nearest", "reason"})


def redact_message(message_id: int) -> bool:
    """Takes a message's words out of everything that holds them; False when that has been done before.

    Raises ``Message.DoesNotExist``.
    """
    with transaction.atomic():
        message = Message.objects.select_for_update().get(pk=message_id)
        if message.redacted_at is not None:
            return False
        conversation_id, said = str(message.conversation_id), {message.content, message.template}
        message.content = message.template = REDACTED
        message.cards, message.quick_replies, message.citations = [], [], []
        message.redacted_at = timezone.now()
        message.save()
        turn_ids = [str(message.turn_id)] if message.turn_id else []
        sought: set[str] = set()
        for turn in Turn.objects.select_for_update().filter(pk__in=turn_ids):
            sought |= _sought(turn.trace)
            turn.trace = trace_without_words(turn.trace)
            turn.save(update_fields=["trace"])
        forget_words(conversation_id, said, REDACTED)
        _forget_memory(message.conversation_id, keep=True)
        transaction.on_commit(partial(_forget_copies, conversation_id, turn_ids))
    message_redacted.send_robust(
        sender=Message, conversation_id=conversation_id, turn_ids=turn_ids, said=sorted(said | sought), instead=REDACTED
    )
    return True


def erase_conversation(conversation_id: uuid.UUID) -> None:
    """Removes a conversation and all that was made of it; counts of opinions stay, they name nobody.

    Raises ``Conversation.DoesNotExist``.
    """
    with transaction.atomic():
        conversation = Conversation.objects.select_for_update().get(pk=conversation_id)
        id = str(conversation.pk)
        turn_ids = [str(pk) for pk in conversation.turns.values_list("pk", flat=True)]
        said = set(conversation.messages.filter(role=Message.Role.USER).values_list("content", flat=True))
        for trace in conversation.turns.values_list("trace", flat=True):
            said |= _sought(trace)
        opinions = [str(pk) for pk in Feedback.objects.filter(conversation=conversation).values_list("pk", flat=True)]
        forget_handoffs(id)
        for opinion in opinions:
            rewrite("feedback", opinion, _nothing)
            unqueue("feedback", opinion)
        _forget_memory(conversation.pk, keep=False)
        conversation.delete()
        transaction.on_commit(partial(_forget_copies, id, turn_ids))
    conversation_erased.send_robust(sender=Conversation, conversation_id=id, turn_ids=turn_ids, said=sorted(said))
    log.info("conversation_erased", conversation=id, turns=len(turn_ids))


def trace_without_words(trace: dict[str, Any]) -> dict[str, Any]:
    """Times, sources and counts stay; values that were said, and what the question was about, go."""
    asked = {name: value for name, value in trace.get("asked", {}).items() if name != "page"}
    notes = [{name: value for name, value in note.items() if name not in _WORDS} for note in trace.get("notes", [])]
    return trace | {"asked": asked, "notes": notes, "slots": []}


def _sought(trace: dict[str, Any]) -> set[str]:
    """What was not found, in the words under which operators read of it."""
    return {note["about"] for note in trace.get("notes", []) if isinstance(note.get("about"), str)}


def _nothing(payload: dict[str, Any]) -> None:
    return None


def _forget_memory(conversation_id: uuid.UUID, *, keep: bool) -> None:
    """``keep``: the store outside gets the last turns again, as they are now."""
    invalidate({f"conversation:{conversation_id}"})
    rewrite("memory", str(conversation_id), _nothing)
    forget_outside(str(conversation_id), remembered_turns(conversation_id) if keep else [])


def _forget_copies(conversation_id: str, turn_ids: Collection[str]) -> None:
    """In Redis, where they would be believed no more, or soon expire: gone at once where it answers."""
    try:
        forget_hot(conversation_id)
        turn_stream.forget(turn_ids)
    except redis.RedisError as error:
        log.warning("copies_not_removed", conversation=conversation_id, error=str(error))
