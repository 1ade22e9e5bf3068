"""Asking for a person: chat tells escalation plain values and says honestly what happens."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import structlog
from django.db import DatabaseError

from chat.models import Conversation, Message
from chat.phrases import say
from chat.plan import AnswerPlan, Line
from chat.understanding.types import Language
from escalation.handoffs import HandoffTicket, cancel_handoff, open_handoff
from mangaassist.dbthreads import in_database

log = structlog.get_logger(__name__)

HANDED_OVER_LINES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffState:
    """A ``handoff_state`` frame's body. ``estimated_wait``: seconds, or None when nobody knows."""

    state: str
    message: str
    estimated_wait: int | None = None
    position: int | None = None

    def as_frame(self) -> dict[str, Any]:
        return {
            "type": "handoff_state",
            "state": self.state,
            "message": self.message,
            "estimated_wait": self.estimated_wait,
            "position": self.position,
        }


def ask_for_person(conversation_id: str, *, reason: str, language: Language) -> HandoffTicket:
    """Opens the conversation's handoff, or finds the open one."""
    conversation = Conversation.objects.get(pk=conversation_id)
    recent = Message.objects.filter(conversation=conversation).order_by("-id")[:HANDED_OVER_LINES]
    lines = [(message.role, message.content) for message in reversed(recent)]
    said = [text for role, text in lines if role == Message.Role.USER]
    return open_handoff(
        conversation_id=conversation_id,
        customer_id=conversation.customer_id,
        reason=reason,
        language=language,
        summary=" / ".join(said[-3:]),
        lines=lines,
    )


def withdraw_request(conversation_id: str, language: Language) -> HandoffState:
    cancel_handoff(conversation_id)
    return HandoffState(state="bot", message=say(language, "human.cancelled"))


def state_of(ticket: HandoffTicket, language: Language) -> HandoffState:
    return HandoffState(
        state="queued",
        message=" ".join(say(language, line.phrase, **line.words) for line in _lines(ticket)),
        estimated_wait=ticket.estimated_wait,
        position=ticket.position,
    )


def _lines(ticket: HandoffTicket) -> tuple[Line, ...]:
    opening = Line("human.queued" if ticket.created else "human.already")
    if ticket.estimated_wait is None:
        return opening, Line("human.wait.unknown")
    return opening, Line("human.wait", {"minutes": str(max(1, math.ceil(ticket.estimated_wait / 60)))})


async def plan_with_handoff(conversation_id: str, plan: AnswerPlan, text: str, language: Language) -> AnswerPlan:
    """The answer to "a person, please": the handoff is opened first, then what is true is said."""
    try:
        ticket = await in_database(ask_for_person, conversation_id, reason=text[:200], language=language)
    except DatabaseError:
        log.exception("handoff_not_opened", conversation=conversation_id)
        return plan
    return replace(plan, lines=_lines(ticket))
