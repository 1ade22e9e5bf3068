"""Asking for a person: chat tells escalation plain values and says honestly what happens."""

from __future__ import annotations

import math
import re
import uuid
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import DatabaseError
from django.utils import timezone

from chat.dialogue import Request
from chat.evidence import Evidence
from chat.handing_over import involved_items, said_lines, tried_turns
from chat.memory_types import Memory
from chat.models import Conversation
from chat.phrases import say
from chat.plan import AnswerPlan, Line
from chat.understanding.moods import Felt, mood_of
from chat.understanding.types import Language, Understanding
from escalation.follow_up import leave_email, wait_here
from escalation.handoffs import cancel_handoff, open_handoff
from escalation.lines import shopper_spoke
from escalation.models import Priority, Trigger
from escalation.package import build_package
from escalation.rules import Decided, decided, last_decided
from escalation.standing import Standing, standing_of, standings_of
from escalation.triggers import LIKELY_MOOD, Need, Said, person_needed
from mangaassist.dbthreads import in_database
from mangaassist.rehearsal import is_rehearsal
from shop.offers import OffersUnavailable, aread_offers

log = structlog.get_logger(__name__)

LONG_TEXT = 300
# So long after its end a shopper who comes back is asked how a person's help was.
ASKED_AFTER_END = timedelta(hours=2)


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
    # The message is news though the state is the same.
    notice: bool = False

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
        if self.notice:
            frame["notice"] = True
        return frame

    def differs(self, told: HandoffState) -> bool:
        """Whether it is news at once, and not only another place in the queue."""
        now, before = [(each.state, each.agent_name, each.handoff_id, each.notice) for each in (self, told)]
        return now != before


# --- What is so ---------------------------------------------------------------------------------------------


def read_handoff(conversation_id: str) -> HandoffState:
    """How the conversation stands now, in the handoff's language."""
    return read_handoffs([conversation_id])[conversation_id]


def read_handoffs(conversation_ids: Collection[str]) -> dict[str, HandoffState]:
    """The same for many, in few queries."""
    standings = standings_of(conversation_ids)
    return {id: _state(standings[id]) if id in standings else HandoffState() for id in conversation_ids}


def read_ended(conversation_id: str) -> HandoffState | None:
    """A handoff that ended lately and was not rated: who was away then is asked on their return. Else None."""
    standing = standing_of(conversation_id)
    if standing is None or not standing.may_rate or standing.closed_at is None:
        return None
    return _state(standing) if timezone.now() - standing.closed_at < ASKED_AFTER_END else None


def _state(standing: Standing, *, already: bool = False) -> HandoffState:
    language: Language = "ja" if standing.language == "ja" else "en"
    return HandoffState(
        state=standing.status if standing.status in {"queued", "agent"} and not standing.by_email else "bot",
        message=say(language, _phrase(standing, already=already), **_words(standing, language)),
        estimated_wait=standing.estimated_wait,
        position=standing.position,
        agent_name=standing.agent_name if standing.status == "agent" else "",
        handoff_id=standing.handoff_id,
        rate=standing.may_rate,
        notice=standing.unreached,
    )


def _phrase(standing: Standing, *, already: bool = False) -> str:
    match standing.status:
        case "queued" if standing.by_email:
            return "human.by_email"
        case "queued" if standing.unreached:
            return "human.unreached"
        case "queued" if standing.opens_at is not None:
            return "human.away"
        case "queued" if not standing.attended:
            return "human.nobody"
        case "queued":
            return "human.again" if standing.waits_again else "human.already" if already else "human.queued"
        case "agent":
            return "human.agent"
        case "cancelled":
            return "human.cancelled"
    return "human.closed"


def _words(standing: Standing, language: Language) -> dict[str, str]:
    words = {"name": standing.agent_name or say(language, "human.someone"), "email": standing.email}
    if standing.opens_at is not None:
        at = standing.opens_at
        words["opens"] = (
            f"{at.month}月{at.day}日{at:%H:%M}（{at:%Z}）"
            if language == "ja"
            else f"{at:%A, %B} {at.day}, {at:%H:%M %Z}"
        )
    return words


# --- What the shopper wants ---------------------------------------------------------------------------------


def ask_for_person(conversation_id: str, *, reason: str, language: Language, need: Need | None = None) -> HandoffState:
    """Opens the conversation's handoff, or finds the open one; who was to be written to waits here again.

    ``need``: the rule that asks; None for the shopper.
    """
    conversation = Conversation.objects.get(pk=conversation_id)
    trigger = need.trigger if need else Trigger.ASKED
    package = build_package(
        trigger=trigger,
        detail=need.detail if need else "",
        reason=reason,
        language=language,
        tried=tried_turns(conversation),
        involved=involved_items(conversation),
    )
    opened = open_handoff(
        conversation_id=conversation_id,
        customer_id=conversation.customer_id,
        reason=package["reason"],
        language=language,
        summary=package["summary"][language],
        lines=said_lines(conversation),
        trigger=trigger,
        priority=need.priority if need else Priority.NORMAL,
        package=package,
    )
    is_new = opened.created or wait_here(conversation_id)
    standing = standing_of(conversation_id)
    assert standing is not None
    return _state(standing, already=not is_new)


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
    email = _email_in(text)
    if email and heard.status == "queued" and leave_email(conversation_id, email):
        return HandedOn(say(language, "human.by_email", email=email))
    if not heard.first_while_waiting:
        return HandedOn()
    return HandedOn(say(language, "human.noted"), (say(language, "reply.go_on"),))


def _email_in(text: str) -> str:
    """The one address in a message; empty for none, several or a wrong one."""
    found = set(re.findall(r"[^\s<>(),;:、。「」（）]+@[^\s<>(),;:、。「」（）]+", text))
    if len(found) != 1:
        return ""
    email: str = found.pop().strip(".!?'\"")
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email


def _wants_the_assistant(text: str) -> bool:
    said = text.strip(" .!。！").casefold()
    return said in {say(language, "reply.go_on").casefold() for language in ("en", "ja")}


# --- In a turn ----------------------------------------------------------------------------------------------


def _read_decided(conversation_id: str) -> Decided:
    """The shop's own rules and thresholds; those of before when the database does not say."""
    try:
        return decided()
    except DatabaseError:
        log.exception("escalation_rules_not_read", conversation=conversation_id)
        return last_decided()


def _rules_and_mood(conversation_id: str, text: str, language: Language) -> tuple[Decided, Felt]:
    return _read_decided(conversation_id), mood_of(text, language)


async def plan_with_person(
    conversation_id: str, request: Request, heard: Understanding, memory: Memory, evidence: Evidence, plan: AnswerPlan,
    *, bad_ratings: int, people: bool,
) -> AnswerPlan:  # fmt: skip
    """The plan with a person brought in or offered, where one is needed. ``people``: whether there are any."""
    # The mood's first time may have to read or learn the model: not in the loop.
    of_shop, felt = await in_database(_rules_and_mood, conversation_id, request.text, request.language)
    rules = of_shop.rules
    said = Said(
        text=request.text,
        intent=request.intent,
        confidence=1.0 if request.by_words else heard.confidence,
        misses=plan.state.misses,
        bad_ratings=bad_ratings,
        before=[line.text for line in memory.lines if line.role == "user"],
        order_values=await _order_values(evidence) if any(rule.value for rule in rules) else (),
        offered=request.state.offered,
        frustrated=felt.frustration,
        complains=felt.complaint,
    )
    # The patterns take milliseconds on a long text: not in the loop, where other shoppers wait.
    is_long = len(said.text) > LONG_TEXT
    asked = (said, rules, of_shop.policy)
    need = await in_database(person_needed, *asked) if is_long else person_needed(*asked)
    if need is not None and not people:
        # Nobody comes; who may be in danger is told where help is all the same.
        return replace(plan, lines=(Line("human.care"), *plan.lines)) if need.care else plan
    if need is None:
        return plan if max(felt.complaint, felt.frustration) >= LIKELY_MOOD else _without_regret(request, plan)
    if need.action == "open":
        return await _opened(conversation_id, request, plan, need)
    offered = tuple(dict.fromkeys((*plan.state.offered, need.trigger)))
    reply = say(request.language, "reply.human")
    return replace(
        plan,
        lines=(*plan.lines, Line("human.offer")) if need.trigger not in request.state.offered else plan.lines,
        state=replace(plan.state, offered=offered),
        quick_replies=tuple(dict.fromkeys((reply, *plan.quick_replies))),
    )


def _without_regret(request: Request, plan: AnswerPlan) -> AnswerPlan:
    """Nobody is told that we are sorry for what they do not complain of: "do you replace damaged books?" asks."""
    regret = Line("complaint")
    if request.intent != "complaint" or regret not in plan.lines:
        return plan
    lines = tuple(line for line in plan.lines if line != regret)
    # A request to sign in is no answer to a question either.
    answers = any(line.phrase != "complaint.sign_in" for line in lines)
    return replace(plan, lines=lines if answers else (Line("unclear"),))


async def _opened(conversation_id: str, request: Request, plan: AnswerPlan, need: Need) -> AnswerPlan:
    """The handoff is opened first, then what is true is said."""
    language = request.language
    if is_rehearsal():
        care = (Line("human.care"),) if need.care else ()
        return replace(plan, lines=(*care, Line("human.queued")), cards=(), citations=(), quick_replies=())
    try:
        standing = await in_database(_open_for, conversation_id, request.text, language, need)
    except DatabaseError:
        log.exception("handoff_not_opened", conversation=conversation_id)
        return plan if need.trigger != Trigger.ASKED else replace(plan, lines=(Line("human.failed"),))
    lines = [Line("human.care")] if need.care else []
    lines.append(Line(_phrase(standing), _words(standing, language)))
    if standing.estimated_wait is not None:
        minutes = max(1, math.ceil(standing.estimated_wait / 60))
        lines.append(Line("human.wait", {"minutes": str(minutes)}) if minutes > 1 else Line("human.soon"))
    return replace(plan, lines=tuple(lines), cards=(), citations=(), quick_replies=(say(language, "reply.go_on"),))


def _open_for(conversation_id: str, reason: str, language: Language, need: Need) -> Standing:
    ask_for_person(conversation_id, reason=reason, language=language, need=need)
    standing = standing_of(conversation_id)
    assert standing is not None
    return standing


async def _order_values(evidence: Evidence) -> list[tuple[Decimal, str]]:
    """What each order would cost today: orders do not tell what was paid. Without live prices: nothing."""
    asins = {line.asin for order in evidence.orders for line in order.lines}
    try:
        offers = await aread_offers(sorted(asins)) if asins else {}
    except OffersUnavailable:
        return []
    values: list[tuple[Decimal, str]] = []
    for order in evidence.orders:
        totals: defaultdict[str, Decimal] = defaultdict(Decimal)
        for line in order.lines:
            price = offers[line.asin].price if line.asin in offers else None
            if price is not None:
                totals[price.currency] += price.amount * line.quantity
        values += [(total, currency) for currency, total in totals.items()]
    return values
