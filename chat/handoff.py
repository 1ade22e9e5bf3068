"""Asking for a person: chat tells escalation plain values and says honestly what happens."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, replace
from typing import Any

import structlog
from django.db import DatabaseError

from chat.models import Conversation, Message
from chat.phrases import say
from chat.plan import AnswerPlan, Line
from chat.understanding.types import Language
from escalation.handoffs import SaidLine, cancel_handoff, open_handoff
from escalation.lines import shopper_spoke
from escalation.standing import Standing, standing_of
from mangaassist.dbthreads import in_database

log = structlog.get_logger(__name__)

HANDED_OVER_LINES = 10
# Message's roles as escalation calls them.
_ROLES = {"user": "shopper", "assistant": "assistant", "agent": "agent", "system": "notice"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffState:
    """A ``handoff_state`` frame's body. ``estimated_wait``: seconds, or None when nobody knows.

    ``rate``: it is over and the shopper may say what they think of it (``action`` ``rate_handoff``).
    """

    state: str = "bot"
    message: str = ""
    estimated_wait: int | None = None
    position: int | None = None
    agent_name: str = ""
    handoff_id: str = ""
    rate: bool = False

    def as_frame(self) -> dict[str, Any]:
        frame: dict[str, Any] = {
            "type": "handoff_state",
            "state": self.state,
            "message": self.message,
            "estimated_wait": self.estimated_wait,
            "position": self.position,
        }
        if self.agent_name:
            frame["agent_name"] = self.agent_name
        if self.handoff_id:
            frame["handoff_id"] = self.handoff_id
        if self.rate:
            frame["rate"] = True
        return frame

    def differs(self, told: HandoffState) -> bool:
        """Whether it is news at once, and not only another place in the queue."""
        return (self.state, self.agent_name, self.handoff_id) != (told.state, told.agent_name, told.handoff_id)


# --- What is so ---------------------------------------------------------------------------------------------


def read_handoff(conversation_id: str) -> HandoffState:
    """How the conversation stands now, in the handoff's language."""
    standing = standing_of(conversation_id)
    return HandoffState() if standing is None else _state(standing)


def _state(standing: Standing, *, already: bool = False) -> HandoffState:
    language: Language = "ja" if standing.language == "ja" else "en"
    return HandoffState(
        state=standing.status if standing.status in {"queued", "agent"} else "bot",
        message=say(language, _phrase(standing, already=already), name=standing.agent_name),
        estimated_wait=standing.estimated_wait,
        position=standing.position,
        agent_name=standing.agent_name if standing.status == "agent" else "",
        handoff_id=standing.handoff_id,
        rate=standing.may_rate,
    )


def _phrase(standing: Standing, *, already: bool = False) -> str:
    match standing.status:
        case "queued":
            return "human.again" if standing.waits_again else "human.already" if already else "human.queued"
        case "agent":
            return "human.agent"
        case "cancelled":
            return "human.cancelled"
    return "human.closed"


# --- What the shopper wants ---------------------------------------------------------------------------------


def ask_for_person(conversation_id: str, *, reason: str, language: Language) -> HandoffState:
    """Opens the conversation's handoff, or finds the open one."""
    conversation = Conversation.objects.get(pk=conversation_id)
    recent = Message.objects.filter(conversation=conversation).order_by("-id")[:HANDED_OVER_LINES]
    lines = [
        SaidLine(role=_ROLES[message.role], text=message.content, cards=message.cards, author=message.author)
        for message in reversed(recent)
    ]
    opened = open_handoff(
        conversation_id=conversation_id,
        customer_id=conversation.customer_id,
        reason=reason,
        language=language,
        summary=" / ".join([line.text for line in lines if line.role == "shopper"][-3:]),
        lines=lines,
    )
    standing = standing_of(conversation_id)
    assert standing is not None
    return _state(standing, already=not opened.created)


def withdraw_request(conversation_id: str, language: Language) -> HandoffState:
    cancel_handoff(conversation_id)
    standing = standing_of(conversation_id)
    if standing is None:
        return HandoffState(message=say(language, "human.cancelled"))
    return _state(standing)


@dataclass(frozen=True, slots=True)
class HandedOn:
    """A message that a person is to answer. ``notice``: what the shopper is told of it, if anything."""

    notice: str = ""
    replies: tuple[str, ...] = ()


def hand_on(conversation: Conversation, client_msg_id: uuid.UUID, text: str) -> HandedOn | None:
    """Gives a shopper's word to whoever answers; None when nobody does and the assistant is to answer.

    While they wait, "go on with the assistant" is the way out for those who have no button.
    """
    conversation_id = str(conversation.pk)
    language: Language = "ja" if conversation.locale == "ja" else "en"
    if conversation.state == Conversation.State.QUEUED and _wants_the_assistant(text):
        cancel_handoff(conversation_id)
        return HandedOn(say(language, "human.cancelled"))
    heard = shopper_spoke(conversation_id, text, client_id=client_msg_id)
    if heard is None:
        return None
    if not heard.first_while_waiting:
        return HandedOn()
    return HandedOn(say(language, "human.noted"), (say(language, "reply.go_on"),))


def _wants_the_assistant(text: str) -> bool:
    said = text.strip(" .!。！").casefold()
    return said in {say(language, "reply.go_on").casefold() for language in ("en", "ja")}


# --- In a turn ----------------------------------------------------------------------------------------------


async def plan_with_handoff(conversation_id: str, plan: AnswerPlan, text: str, language: Language) -> AnswerPlan:
    """The answer to "a person, please": the handoff is opened first, then what is true is said."""
    try:
        state = await in_database(ask_for_person, conversation_id, reason=text[:200], language=language)
    except DatabaseError:
        log.exception("handoff_not_opened", conversation=conversation_id)
        return plan
    standing = await in_database(standing_of, conversation_id)
    assert standing is not None
    lines = [Line(_phrase(standing))]
    if state.estimated_wait is not None:
        lines.append(Line("human.wait", {"minutes": str(max(1, math.ceil(state.estimated_wait / 60)))}))
    return replace(plan, lines=tuple(lines), quick_replies=(say(language, "reply.go_on"),))
