"""Who runs a turn: its row is the lease, renewed by signs of life and taken over when they stop.

``Turn.attempt`` is the fencing token: what a process writes or streams for a turn counts only while its attempt is
the row's. A question may have ended the process that tried to answer it: hence no third attempt.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from chat.context import read_context
from chat.models import Message, Turn
from chat.phrases import say
from chat.records import fail_abandoned, running_before
from chat.signals import BELL
from chat.tokens import Shopper
from chat.turn import TurnInput
from chat.understanding.types import Language
from mangaassist.doorbell import ring
from mangaassist.instruments import turns_left

MOST_ATTEMPTS = 2
# The worker leaves abandoned turns to web processes for so long: one that has a shopper waiting answers the question.
LEFT_TO_OTHERS_S = 2


@dataclass(frozen=True, slots=True)
class Sign:
    """``mine``: the turn still runs in this attempt. ``stopping``: the shopper asked elsewhere to stop it."""

    mine: bool
    stopping: bool


def sign_of_life(turn_id: str, attempt: int) -> Sign:
    mine = Turn.objects.running().filter(pk=turn_id, attempt=attempt)
    if not mine.update(alive_at=timezone.now()):
        return Sign(False, False)
    return Sign(True, mine.filter(stopping=True).exists())


def ask_to_stop(turn_id: str, conversation_id: str) -> bool:
    """For the process that runs it. False when it is not this conversation's, or over."""
    running = Turn.objects.running().filter(pk=turn_id, conversation_id=conversation_id)
    return bool(running.update(stopping=True))


@dataclass(frozen=True, slots=True)
class Seen:
    """A turn as its row is now. ``abandoned``: running, but its process is silent."""

    running: bool
    abandoned: bool


def look_at(turn_id: str) -> Seen:
    turn = Turn.objects.filter(pk=turn_id).only("status", "alive_at").first()
    if turn is None or turn.status != Turn.Status.RUNNING:
        return Seen(False, False)
    return Seen(True, turn.alive_at < timezone.now() - timedelta(seconds=Turn.SILENT_AFTER_S))


def take_over(turn_id: str) -> TurnInput | None:
    """The question of an abandoned turn, for one process only: to be answered there now.

    None when it is alive or ended, when another was quicker, or when this ended it as failed for good.
    """
    now = timezone.now()
    turn = Turn.objects.abandoned(now).filter(pk=turn_id).select_related("conversation").first()
    if turn is None:
        return None
    conversation = turn.conversation
    language: Language = "ja" if conversation.locale == "ja" else "en"
    question = turn.messages.filter(role=Message.Role.USER).first()
    # Words that were taken out are answered by nobody.
    if question is None or question.redacted_at is not None or turn.attempt >= MOST_ATTEMPTS:
        fail_abandoned(turn_id, say(language, "failed.turn"))
        return None
    again = Turn.objects.abandoned(now).filter(pk=turn_id, attempt=turn.attempt)
    if not again.update(attempt=turn.attempt + 1, alive_at=now):
        return None
    return TurnInput(
        turn_id=turn_id,
        conversation_id=str(conversation.pk),
        text=question.content,
        shopper=Shopper(
            session_id=conversation.session_id, customer_id=conversation.customer_id, tenant=conversation.tenant
        ),
        after_turn=str(conversation.last_turn_id or ""),
        bad_ratings=conversation.feedback.filter(rating=-1).count(),
        context=read_context(conversation.context),
        hint=language,
        attempt=turn.attempt + 1,
        correlation=str(question.client_msg_id or ""),
        waits_for=running_before(conversation.pk, question.pk),
    )


def fail_left() -> int:
    """Ends the turns that nobody took over, with an honest answer → their number. For the worker, every few seconds."""
    since = timezone.now() - timedelta(seconds=LEFT_TO_OTHERS_S)
    left = Turn.objects.abandoned(since).values_list("pk", "conversation", "conversation__locale")
    failed = 0
    for turn_id, conversation_id, locale in left:
        if fail_abandoned(str(turn_id), say("ja" if locale == "ja" else "en", "failed.turn")):
            ring(BELL, str(conversation_id), turn=str(turn_id))
            failed += 1
            turns_left.inc()
    return failed
