"""What is stored of a turn, in one transaction each: the question before it is acknowledged, the answer at its end."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from chat.backends.base import RememberedTurn
from chat.handoff import HandedOn, hand_on
from chat.memory import memory_is_outside, write_durably
from chat.memory_types import REMEMBERED_TURNS
from chat.models import Conversation, Message, Turn
from chat.signals import turn_finished
from chat.statements import (
    conversation_now,
    end_turn,
    last_turn,
    new_answer,
    new_question,
    new_turn,
    owner_of_turn,
    running_turns,
    thumbs_down,
    touch,
    touch_with_turn,
    with_a_person,
)
from chat.trace import trace_without_words
from chat.transcripts import frames_of
from mangaassist.privacy.words import REDACTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A stored question. ``turn_id`` is empty while a person is to answer: then the assistant is silent.

    ``notice``: the ``message`` frame of what the shopper was told of that, if anything.
    """

    message_id: str
    turn_id: str
    duplicate: bool
    # The conversation's last finished turn, empty for none: which memory to believe.
    after_turn: str = ""
    # Thumbs down in the conversation so far.
    bad_ratings: int = 0
    notice: dict[str, Any] | None = None
    # The turn that is answered first, empty for none.
    waits_for: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a turn came to."""

    message_id: str
    content: str
    template: str
    cards: list[dict[str, Any]]
    quick_replies: list[str]
    citations: list[dict[str, str]]
    status: str
    intent: str
    confidence: float | None
    language: str
    generator: str
    engine: str
    trace: dict[str, Any]
    dialogue: dict[str, Any]
    latency_ms: float
    first_delta_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRecord:
    """A finished turn as the outside may know it. ``response`` has its slots unfilled; nothing is redacted yet."""

    session_id: str  # the conversation's id, as the contract names it
    turn_id: str
    customer_id: str
    message: str
    response: str
    status: str
    intent: str
    confidence: float | None
    language: str
    generator: str
    engine: str
    latency_ms: float
    first_delta_ms: float | None
    steps: list[dict[str, Any]]
    notes: list[dict[str, Any]]
    # Who wrote: generator, model, prompt, read, written, cached, stored, cost, stopped, fallback (chat.generation).
    generation: dict[str, Any]
    cards: list[dict[str, Any]]
    # [{"kind", "key", "hit"}]: entries of the policy cache.
    cache: list[dict[str, Any]]
    at: datetime
    # Its words were taken out while it was answered.
    is_redacted: bool = False


def accept_message(conversation_id: str, client_msg_id: str, text: str) -> Accepted:
    """Stores a question and opens its turn, once per ``client_msg_id``.

    Raises ``Conversation.DoesNotExist``.
    """
    id, client_id = uuid.UUID(conversation_id), uuid.UUID(client_msg_id)
    try:
        with transaction.atomic():
            found = conversation_now.first(id)
            if found is None:
                raise Conversation.DoesNotExist
            state, last_finished = found
            bad_ratings = len(thumbs_down.rows(id))
            handed_on, notice = None, None
            if state != Conversation.State.BOT:
                conversation = Conversation.objects.get(pk=id)
                handed_on = hand_on(conversation, client_id, text)
            now = timezone.now()
            # The row's lock: questions that arrive together in several processes get an order.
            touch(id, updated_at=now)
            if connection.features.has_select_for_update:
                # A turn may have ended while the row was waited for.
                ((last_finished,),) = last_turn.rows(id)
            turn, waits_for = None, ""
            if handed_on is None:
                waits_for = running_before(id)
                turn = new_turn(id, now)
            message_id = new_question(id, turn, text, client_id, now)
            if handed_on and handed_on.notice:
                notice = _notice(conversation, handed_on)
    except IntegrityError:
        known = Message.objects.filter(conversation_id=conversation_id, client_msg_id=client_msg_id).first()
        if known is None:  # The conversation was erased meanwhile.
            raise Conversation.DoesNotExist from None
        return Accepted(message_id=str(known.public_id), turn_id=str(known.turn_id or ""), duplicate=True)
    return Accepted(
        message_id=str(message_id),
        turn_id=str(turn or ""),
        duplicate=False,
        after_turn=str(last_finished or ""),
        bad_ratings=bad_ratings,
        notice=notice,
        waits_for=waits_for,
    )


def running_before(conversation_id: uuid.UUID, question: int | None = None) -> str:
    """The turn of the newest question that is being answered, empty for none; of those older than ``question`` (a
    message's row) if that is there already."""
    # Nearly always there is none: that is told without looking at messages.
    running = [turn for (turn,) in running_turns.rows(conversation_id)]
    if not running:
        return ""
    asked = Message.objects.filter(turn__in=running, role=Message.Role.USER)
    if question is not None:
        asked = asked.filter(pk__lt=question)
    return str(asked.order_by("-pk").values_list("turn_id", flat=True).first() or "")


def _notice(conversation: Conversation, handed_on: HandedOn) -> dict[str, Any]:
    message = Message.objects.create(
        conversation=conversation,
        role=Message.Role.SYSTEM,
        content=handed_on.notice,
        quick_replies=list(handed_on.replies),
    )
    return frames_of(conversation, [message])[0]


class TakenOver(Exception):
    """A person answers now: the assistant's answer is not to be said any more."""


def person_answers(conversation_id: str) -> bool:
    return bool(with_a_person.rows(uuid.UUID(conversation_id)))


Ending = Literal["", "stored", "redacted"]


def store_answer(turn_id: str, conversation_id: str, question: str, answer: Answer, *, attempt: int = 1) -> Ending:
    """Ends a running turn; "" when it had ended or was taken over in another process: then nothing is stored.

    "redacted": words of the conversation were taken out while it ran (chat.forgetting). Then what it read of them is
    not stored: its memory is wrong, and the row's is right. Raises :class:`TakenOver` for a complete answer when a
    person has taken over meanwhile.
    """
    now, turn, conversation = timezone.now(), uuid.UUID(turn_id), uuid.UUID(conversation_id)
    with transaction.atomic():
        ended = end_turn(
            turn,
            attempt,
            status=answer.status,
            intent=answer.intent,
            confidence=answer.confidence,
            language=answer.language,
            generator=answer.generator,
            engine=answer.engine,
            trace=answer.trace,
            dialogue=answer.dialogue,
            latency_ms=answer.latency_ms,
            first_delta_ms=answer.first_delta_ms,
            finished_at=now,
        )
        if not ended:
            return ""
        # The row's lock: a person takes over either before its state is read or after the answer is stored.
        touch_with_turn(conversation, updated_at=now, last_turn_id=turn)
        ((customer_id, state, is_redacted),) = owner_of_turn.rows(turn)
        if answer.status == Turn.Status.COMPLETE and state == Conversation.State.AGENT:
            raise TakenOver
        if is_redacted:
            question, answer = _redacted(turn, conversation, answer)
        new_answer(
            uuid.UUID(answer.message_id), conversation, turn, answer.content, answer.template,
            answer.cards, answer.quick_replies, answer.citations, now,
        )  # fmt: skip
        if memory_is_outside():
            write_durably(_remembered(conversation, turn, question, answer.template, answer.dialogue, now))
    record = _record(turn_id, conversation_id, customer_id, question, answer, now)
    turn_finished.send_robust(sender=Turn, record=replace(record, is_redacted=is_redacted))
    return "redacted" if is_redacted else "stored"


def _redacted(turn: uuid.UUID, conversation: uuid.UUID, answer: Answer) -> tuple[str, Answer]:
    """(the question as its row has it now, the answer without what was heard in it), the turn's row with them.

    The dialogue goes back to where the turns before have left it: what this one made of them is not told apart.
    """
    said = Message.objects.filter(turn=turn, role=Message.Role.USER).values_list("content", flat=True).first()
    before = Turn.objects.filter(conversation=conversation, finished_at__isnull=False).exclude(pk=turn)
    answer = replace(answer, trace=trace_without_words(answer.trace), dialogue=before.last_dialogue())
    Turn.objects.filter(pk=turn).update(trace=answer.trace, dialogue=answer.dialogue)
    return said or REDACTED, answer


def _remembered(
    conversation: uuid.UUID, turn: uuid.UUID, said: str, answered: str, dialogue: dict[str, Any], at: datetime
) -> RememberedTurn:
    """Called when the conversation's row was written: that lock makes turns which end together wait for one another.

    The number counts turns that have ended, and not those before ``at``: hosts' clocks differ.
    """
    return RememberedTurn(
        conversation_id=str(conversation),
        number=Turn.objects.filter(conversation=conversation, finished_at__isnull=False).count(),
        turn_id=str(turn),
        said=said,
        answered=answered,
        dialogue=dialogue,
        at=at,
    )


def remembered_turns(conversation_id: uuid.UUID) -> list[RememberedTurn]:
    """What a store outside keeps of a conversation's last turns, from their rows; oldest first."""
    ended = Turn.objects.filter(conversation=conversation_id, finished_at__isnull=False).order_by("finished_at")
    number = ended.count()
    recent = list(reversed(ended.reverse().prefetch_related("messages")[:REMEMBERED_TURNS]))
    return [_from_row(turn, place) for place, turn in enumerate(recent, start=number - len(recent) + 1)]


def _from_row(turn: Turn, number: int) -> RememberedTurn:
    by_role = {message.role: message for message in turn.messages.all()}
    question, answer = by_role.get(Message.Role.USER), by_role.get(Message.Role.ASSISTANT)
    return RememberedTurn(
        conversation_id=str(turn.conversation_id),
        number=number,
        turn_id=str(turn.pk),
        said=question.content if question else "",
        answered=(answer.template or answer.content) if answer else "",
        dialogue=turn.dialogue,
        at=turn.finished_at or turn.started_at,
    )


def _record(
    turn_id: str, conversation_id: str, customer_id: str, question: str, answer: Answer, at: datetime
) -> TurnRecord:
    return TurnRecord(
        session_id=conversation_id,
        turn_id=turn_id,
        customer_id=customer_id,
        message=question,
        response=answer.template,
        status=answer.status,
        intent=answer.intent,
        confidence=answer.confidence,
        language=answer.language,
        generator=answer.generator,
        engine=answer.engine,
        latency_ms=answer.latency_ms,
        first_delta_ms=answer.first_delta_ms,
        steps=answer.trace.get("steps", []),
        notes=answer.trace.get("notes", []),
        generation=answer.trace.get("generation", {}),
        cards=answer.cards,
        cache=answer.trace.get("cache", []),
        at=at,
    )


def fail_abandoned(turn_id: str, content: str) -> bool:
    """Ends a turn whose process died with an honest, retryable answer. False when it is alive or ended."""
    now = timezone.now()
    with transaction.atomic():
        ended = Turn.objects.abandoned(now).filter(pk=turn_id).update(status=Turn.Status.FAILED, finished_at=now)
        if ended:
            turn = Turn.objects.get(pk=turn_id)
            Message.objects.create(
                conversation_id=turn.conversation_id, turn=turn, role=Message.Role.ASSISTANT, content=content
            )
            Conversation.objects.filter(pk=turn.conversation_id).update(updated_at=now, last_turn_id=turn.pk)
            if memory_is_outside():
                question = turn.messages.filter(role=Message.Role.USER).values_list("content", flat=True).first()
                dialogue = Turn.objects.filter(conversation=turn.conversation_id).last_dialogue()
                write_durably(_remembered(turn.conversation_id, turn.pk, question or "", content, dialogue, now))
    return bool(ended)
