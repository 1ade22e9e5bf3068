"""Taking back what was said: a message's words, an opinion's comment, or a whole conversation, wherever we keep them.

Kept are rows (message, trace, dialogue, feedback, handoffs), the hot and the durable copy of memory, the turn's stream,
and what waits in the outbox; each app takes out of its own (mangaassist.privacy.registry). What has left for others (a
contact centre, Amazon Kinesis, a partner) is theirs: it ends with the time that they keep things.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from caching.invalidation import invalidate
from chat import turn_stream
from chat.memory import forget_hot, forget_outside
from chat.models import Conversation, Feedback, FeedbackNote, Message, Turn
from chat.records import remembered_turns
from chat.signals import BELL
from chat.state import without_turn
from chat.trace import trace_without_words
from escalation.forgetting import forget_handoffs
from escalation.models import Handoff
from mangaassist.doorbell import ring
from mangaassist.outbox.forgetting import rewrite
from mangaassist.outbox.models import QueuedMessage
from mangaassist.privacy.erasing import erase
from mangaassist.privacy.models import Erasure
from mangaassist.privacy.subject import Subject
from mangaassist.privacy.words import REDACTED, Words, without_words
from mangaassist.redaction import redact

CLOCKS_DIFFER = timedelta(minutes=1)

# --- Words ----------------------------------------------------------------------------------------------------


def redact_message(message_id: int, *, by: str) -> Erasure | None:
    """Takes a message's words out of everything that holds them; None when that has been done before.

    Raises ``Message.DoesNotExist``.
    """
    message = Message.objects.select_related("turn").get(pk=message_id)
    if message.redacted_at is not None:
        return None
    said = {message.content, message.template}
    if message.turn is not None:
        said |= _sought(message.turn.trace)
    words = Words(
        until=timezone.now(),
        conversation=str(message.conversation_id),
        said=frozenset(said - {""}),
        message=str(message.pk),
        turn=str(message.turn_id or ""),
    )
    return erase(words, by=by)


def redact_opinion(feedback_id: uuid.UUID, *, by: str) -> Erasure | None:
    """The same for an opinion's comment, and for a reason in a partner's own words. The rating stays, and counts.

    None when there are no such words. Raises ``Feedback.DoesNotExist``.
    """
    feedback = Feedback.objects.get(pk=feedback_id)
    said = frozenset(feedback.own_words)
    if not said:
        return None
    words = Words(until=timezone.now(), conversation=str(feedback.conversation_id), said=said, opinion=str(feedback.pk))
    return erase(words, by=by)


def take_out(words: Words) -> None:
    """Out of what chat itself keeps. Raises ``redis.RedisError`` when copies could not be reached."""
    if words.opinion:
        _take_out_of_opinion(words)
        return
    id = uuid.UUID(words.conversation)
    if words.handoff:
        # Said of a person, and to nobody here: only operators' notes may quote it.
        _take_out_of_notes(id, words.said)
        return
    with transaction.atomic():
        # A turn's row before its message's, as where its answer is stored: neither undoes the other.
        # Not those that began well after it: they have read nothing of it. (Hosts' clocks differ a little.)
        running = Turn.objects.running().filter(conversation=id, started_at__lte=words.until + CLOCKS_DIFFER)
        running.update(is_redacted=True)
        if words.turn:
            _take_out_of_turns(id, uuid.UUID(words.turn))
        Message.objects.filter(pk=words.message, conversation=id, redacted_at=None).update(
            content=REDACTED, template=REDACTED, cards=[], quick_replies=[], citations=[], redacted_at=timezone.now()
        )
        _take_out_of_notes(id, words.said)
        if Conversation.objects.filter(pk=id).exists():
            _forget_memory(id, keep=True)
    _forget_copies(words.conversation, [words.turn] if words.turn else [])


def _take_out_of_turns(conversation_id: uuid.UUID, turn_id: uuid.UUID) -> None:
    """Of its trace, and of what the dialogue has known since because of it."""
    turns = Turn.objects.select_for_update().filter(conversation=conversation_id)
    own = turns.filter(pk=turn_id).first()
    if own is None:
        return
    before = Turn.objects.filter(conversation=conversation_id, started_at__lt=own.started_at).last_dialogue()
    brought = own.dialogue
    own.trace, own.dialogue = trace_without_words(own.trace), without_turn(brought, before, brought)
    own.save(update_fields=["trace", "dialogue"])
    for later in turns.filter(started_at__gt=own.started_at).exclude(dialogue={}).order_by("started_at").defer("trace"):
        later.dialogue = without_turn(later.dialogue, before, brought)
        later.save(update_fields=["dialogue"])


def _take_out_of_opinion(words: Words) -> None:
    needles = words.said | {redact(text) for text in words.said}
    with transaction.atomic():
        feedback = Feedback.objects.select_for_update().filter(pk=words.opinion).first()
        if feedback is not None:
            if feedback.comment in words.said:
                feedback.comment = REDACTED
            if feedback.reason in words.said:
                # It is counted as that already (chat.feedback_processing).
                feedback.reason = Feedback.Reason.OTHER
            feedback.save(update_fields=["comment", "reason"])
            for note in feedback.notes.all():
                _put_note(note, needles)
        rewrite("feedback", words.opinion, lambda payload: without_words(payload, needles))
        for queued in QueuedMessage.objects.filter(queue="feedback", body__feedback_id=words.opinion):
            QueuedMessage.objects.filter(pk=queued.pk).update(body=without_words(queued.body, needles))


def _take_out_of_notes(conversation_id: uuid.UUID, needles: Collection[str]) -> None:
    for note in FeedbackNote.objects.filter(feedback__conversation=conversation_id):
        _put_note(note, needles)


def _put_note(note: FeedbackNote, needles: Collection[str]) -> None:
    """Operators quote what they write about."""
    text = without_words(note.text, needles)
    if text != note.text:
        FeedbackNote.objects.filter(pk=note.pk).update(text=text)


def _sought(trace: dict[str, Any]) -> set[str]:
    """What was not found, in the words under which operators read of it."""
    return {note["about"] for note in trace.get("notes", []) if isinstance(note.get("about"), str)}


# --- A conversation -------------------------------------------------------------------------------------------


def erase_conversation(conversation_id: uuid.UUID, *, by: str) -> Erasure:
    """Removes a conversation and all that was made of it; counts of opinions stay, they name nobody.

    Raises ``Conversation.DoesNotExist``.
    """
    conversation = Conversation.objects.get(pk=conversation_id)
    id = str(conversation.pk)
    turns = conversation.turns.values_list("pk", flat=True)
    handoffs = Handoff.objects.filter(conversation_id=id).values_list("pk", flat=True)
    subject = Subject(until=timezone.now(), conversations=frozenset({id}))
    return erase(subject.with_more(turns=map(str, turns), handoffs=map(str, handoffs)), by=by)


def remove(conversation_ids: Iterable[uuid.UUID], turn_ids: Collection[str]) -> int:
    """Rows and copies of chat's own; how many conversations there were. Once more it removes what came since.

    Raises ``redis.RedisError`` when copies could not be reached.
    """
    ids = list(conversation_ids)
    _stop_turns(ids)
    removed = sum(map(_remove, ids))
    for id in ids:
        forget_hot(str(id))
    turn_stream.forget(turn_ids)
    return removed


@transaction.atomic
def _remove(id: uuid.UUID) -> bool:
    # Running turns before the conversation, as where an answer is stored.
    list(Turn.objects.running().select_for_update().filter(conversation=id).order_by("pk").values_list("pk"))
    conversation = Conversation.objects.select_for_update().filter(pk=id).first()
    if conversation is None:
        return False
    forget_handoffs(str(id))
    _forget_memory(id, keep=False)
    conversation.delete()
    return True


def _stop_turns(conversation_ids: list[uuid.UUID]) -> None:
    """Whoever runs one hears of it at once, or with the next sign of life; what it would store finds no row."""
    running = Turn.objects.running().filter(conversation__in=conversation_ids)
    running.update(stopping=True)
    for turn_id, conversation_id in running.values_list("pk", "conversation_id"):
        ring(BELL, str(conversation_id), stop=str(turn_id))


def _nothing(payload: dict[str, Any]) -> None:
    return None


def _forget_memory(conversation_id: uuid.UUID, *, keep: bool) -> None:
    """``keep``: the store outside gets the last turns again, as they are now."""
    invalidate({f"conversation:{conversation_id}"})
    rewrite("memory", str(conversation_id), _nothing)
    forget_outside(str(conversation_id), remembered_turns(conversation_id) if keep else [])


def _forget_copies(conversation_id: str, turn_ids: Collection[str]) -> None:
    """In Redis, where they would be believed no more, or soon expire: gone at once."""
    forget_hot(conversation_id)
    turn_stream.forget(turn_ids)
