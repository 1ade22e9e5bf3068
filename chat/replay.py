"""A turn answered once more: the question and the memory of then, by the code and with the data of now.

It is a rehearsal (mangaassist.rehearsal): nothing is stored, sent or counted, and the cache is read past. A model is
really asked, and paid. Kept values of then are not touched: what is compared is the row.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings

from caching.touched import follow
from chat.context import read_context
from chat.events import Delta
from chat.memory_types import REMEMBERED_TURNS, Memory, Remembered
from chat.models import Message, Turn
from chat.tokens import Shopper
from chat.turn import Draft, TurnInput, new_draft, reference_of, work_out
from chat.understanding.types import Language
from mangaassist.dbthreads import in_database
from mangaassist.rehearsal import rehearsal

log = structlog.get_logger(__name__)


class NothingToReplay(Exception):
    """The turn has no question any more: it was redacted, or never stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What the turn comes to now. ``cards`` as in a message's row; ``failure``: why it did not come
    to its end, else empty; ``trace`` as on a turn's row.
    """

    content: str
    template: str
    cards: list[dict[str, Any]]
    quick_replies: list[str]
    citations: list[dict[str, str]]
    intent: str
    confidence: float | None
    language: str
    generator: str
    engine: str
    latency_ms: float
    first_delta_ms: float | None
    trace: dict[str, Any]
    failure: str = ""


async def replay(turn_id: uuid.UUID) -> Replayed:
    """Runs within the turn's own time limit. Raises ``Turn.DoesNotExist`` and :class:`NothingToReplay`."""
    return await rehearse(*await in_database(as_it_was, turn_id))


async def rehearse(turn: TurnInput, memory: Memory) -> Replayed:
    """The answer to a question, in a rehearsal, within the turn's own time limit."""
    draft = new_draft(turn)
    draft.memory = memory
    failure = ""
    with rehearsal():
        follow(draft.trace.touches)
        try:
            async with asyncio.timeout(settings.TURN_LIMITS_S["turn"]):
                await _work(turn, draft)
        except TimeoutError:
            failure = "time"
        except Exception as error:  # Whatever breaks is what the operator wants to see.
            log.exception("replay_failed", turn=turn.turn_id)
            failure = type(error).__name__
        finally:
            follow([])
    return _outcome(draft, failure)


async def _work(turn: TurnInput, draft: Draft) -> None:
    async with aclosing(work_out(turn, draft)) as events:
        async for event in events:
            if isinstance(event, Delta) and draft.first_delta_ms is None:
                draft.first_delta_ms = draft.trace.elapsed_ms()


def as_it_was(turn_id: uuid.UUID) -> tuple[TurnInput, Memory]:
    """The question with what it came with, and the memory before it."""
    turn = Turn.objects.select_related("conversation").get(pk=turn_id)
    question = turn.messages.filter(role=Message.Role.USER).first()
    if question is None or question.redacted_at is not None:
        raise NothingToReplay
    conversation, asked = turn.conversation, turn.trace.get("asked", {})
    # A guest may have signed in since; a turn of before this was kept is answered as who they are now.
    customer_id = conversation.customer_id if asked.get("signed_in", True) else ""
    hint: Language = "ja" if asked.get("hint", conversation.locale) == "ja" else "en"
    shopper = Shopper(session_id=conversation.session_id, customer_id=customer_id, tenant=conversation.tenant)
    taken_up = TurnInput(
        turn_id=str(turn.pk),
        conversation_id=str(conversation.pk),
        text=question.content,
        shopper=shopper,
        bad_ratings=int(asked.get("bad_ratings", 0)),
        context=read_context(asked.get("page", conversation.context)),
        hint=hint,
    )
    return taken_up, _memory_before(turn, question)


def _memory_before(turn: Turn, question: Message) -> Memory:
    before = Turn.objects.filter(conversation=turn.conversation_id, messages__role=Message.Role.USER)
    before = before.filter(messages__id__lt=question.pk).exclude(status=Turn.Status.RUNNING)
    lines = (
        Message.objects.filter(conversation=turn.conversation_id, turn__isnull=False, id__lt=question.pk)
        .filter(role__in=(Message.Role.USER, Message.Role.ASSISTANT))
        .order_by("-id")
        .values_list("role", "content", "template")[: 2 * REMEMBERED_TURNS]
    )
    return Memory(
        lines=tuple(
            Remembered(role="assistant" if role == "assistant" else "user", text=template or content)
            for role, content, template in reversed(lines)
        ),
        dialogue=before.last_dialogue(),
    )


def _outcome(draft: Draft, failure: str) -> Replayed:
    plan = draft.plan
    return Replayed(
        content="".join(draft.released).strip(),
        template="".join(draft.templates).strip(),
        cards=[reference_of(card, draft.recommendation_id) for card in draft.cards],
        quick_replies=list(plan.quick_replies) if plan else [],
        citations=list(plan.citations) if plan else [],
        intent=draft.request.intent if draft.request else "",
        confidence=round(draft.heard.confidence, 3) if draft.heard else None,
        language=draft.language,
        generator=draft.trace.generation.get("generator", ""),
        engine=draft.engine,
        latency_ms=draft.trace.elapsed_ms(),
        first_delta_ms=draft.first_delta_ms,
        trace=draft.trace.as_dict(),
        failure=failure,
    )
