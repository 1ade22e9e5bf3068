"""One turn, top to bottom. The same for browser, partners, terminal and tests."""

from __future__ import annotations

import time
import uuid
import zlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from caching.touched import follow
from chat.answers import plan_answer
from chat.answers.decided import as_decided, switched_off
from chat.assistant import AS_DELIVERED, Assistant, read_assistant_or_last, why_no_model
from chat.backends.base import Brief
from chat.cards import order_card, product_card, promotion_card, series_card
from chat.context import PageContext
from chat.dialogue import DialogueState, Request, read_state, resolve
from chat.events import Card, Delta, Event, Response, TypingIndicator
from chat.evidence import Evidence
from chat.gathering import gather
from chat.generation import generators, sentences
from chat.guard import Refused, numbers_in, release, slots_in
from chat.guardrails.screening import screen
from chat.handoff import plan_with_person
from chat.live import LiveValues
from chat.memory import load_memory, remember
from chat.memory_types import Memory
from chat.phrases import say
from chat.plan import AnswerPlan
from chat.records import Answer, TakenOver, person_answers, store_answer
from chat.tokens import Shopper
from chat.trace import Trace
from chat.understanding.language import language_of
from chat.understanding.types import Language, Understanding
from chat.understanding.understand import understand
from mangaassist.dbthreads import in_database
from mangaassist.redaction import redact
from mangaassist.rehearsal import is_rehearsal

log = structlog.get_logger(__name__)


class TurnLost(Exception):
    """Another process took this turn over or ended it: this one's answer is not to be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnInput:
    """An accepted question. ``hint``: the language to answer in when the text does not tell."""

    turn_id: str
    conversation_id: str
    text: str
    shopper: Shopper
    # The last finished turn when the question was accepted, empty for none.
    after_turn: str = ""
    # Thumbs down in this conversation so far.
    bad_ratings: int = 0
    # The turn of this conversation that is answered first, empty for none.
    waits_for: str = ""
    # More than one: the process that ran it is gone, and this one has taken it over.
    attempt: int = 1
    context: PageContext = field(default_factory=PageContext)
    hint: Language = "en"
    # The question's ``client_msg_id``: what all that is done for it is called in the logs (mangaassist.correlation).
    correlation: str = ""


@dataclass(slots=True)
class Draft:
    """What a turn has come to so far: what is stored when it is stopped half-way."""

    language: Language
    # As in TurnInput; a question that had to wait gets the id of the turn it waited for.
    after_turn: str = ""
    trace: Trace = field(default_factory=Trace)
    message_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    released: list[str] = field(default_factory=list)
    templates: list[str] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    recommendation_id: str = ""
    memory: Memory = field(default_factory=Memory)
    # What the shop has decided, as of this turn.
    assistant: Assistant = AS_DELIVERED
    heard: Understanding | None = None
    request: Request | None = None
    plan: AnswerPlan | None = None
    # What the screen saw in the question.
    noticed: tuple[str, ...] = ()
    engine: str = ""
    first_delta_ms: float | None = None
    # When it was last known that no person has taken over (time.monotonic): at first, when the question was accepted.
    state_asked_at: float = field(default_factory=time.monotonic)
    taken_over: bool = False


async def run_turn(turn: TurnInput, draft: Draft) -> AsyncIterator[Event]:
    """Answers one question: typing → memory → screen → understand → gather → generate → guard → store.

    Yields events in the order in which they leave; the last one is a :class:`Response`.
    """
    follow(draft.trace.touches)
    yield TypingIndicator(say(draft.language, "typing"))
    with draft.trace.step("memory"):
        draft.memory = await load_memory(turn.conversation_id, after_turn=draft.after_turn)
    try:
        async with aclosing(work_out(turn, draft)) as spoken:
            async for event in spoken:
                yield event
        response = await end_turn(turn, draft, "complete")
    except TakenOver:
        draft.taken_over = True
        draft.trace.note("taken_over")
        response = await end_turn(turn, draft, "stopped")
    yield response


async def work_out(turn: TurnInput, draft: Draft) -> AsyncGenerator[Event]:
    """The answer to a question whose memory is in the draft: everything between memory and the row.

    Raises :class:`TakenOver`.
    """
    trace = draft.trace
    trace.asked = {
        "page": turn.context.as_dict(),
        "hint": turn.hint,
        "signed_in": bool(turn.shopper.customer_id),
        "bad_ratings": turn.bad_ratings,
    }
    aside = trace.aside()
    with trace.step("understand") as step:
        said = await in_database(_hear, turn, read_state(draft.memory.dialogue), aside)
        draft.assistant, draft.noticed, draft.heard, draft.request = said
        draft.language = draft.heard.language
        step["intent"] = draft.request.intent
    trace.steps += aside.steps
    evidence, plan = await _think(turn, draft, draft.request, draft.heard)
    live = LiveValues(evidence, draft.language, trace)
    async with aclosing(_speak(turn, draft, plan, evidence, live)) as spoken:
        async for event in spoken:
            yield event


def _hear(
    turn: TurnInput, state: DialogueState, trace: Trace
) -> tuple[Assistant, tuple[str, ...], Understanding, Request]:
    """The shop's settings, what the screen noticed, and what the question means, in one visit to a database thread.

    Patterns on the loop would hold up other shoppers, and each visit more costs two changes of threads.
    """
    with trace.step("settings"):
        assistant = read_assistant_or_last()
    with trace.step("screen") as step:
        noticed = screen(turn.text)
        step["noticed"] = list(noticed)
    heard = understand(turn.text, hint=assistant.offered(turn.hint))
    heard = replace(heard, language=assistant.offered(heard.language))
    return assistant, noticed, heard, resolve(turn.text, heard, state, turn.context)


async def _think(turn: TurnInput, draft: Draft, request: Request, heard: Understanding) -> tuple[Evidence, AnswerPlan]:
    """Gathers and plans, within what the shop has decided, and brings a person in where one is needed."""
    assistant = draft.assistant
    evidence, plan = Evidence(), switched_off(request, assistant)
    if plan is None:
        evidence = await gather(request, turn.shopper, draft.trace, promotions=assistant.promotions)
        draft.trace.evidence = evidence.in_short()
        draft.engine, draft.recommendation_id = evidence.engine, evidence.recommendation_id
    with draft.trace.step("plan") as step:
        plan = plan or plan_answer(request, evidence, signed_in=bool(turn.shopper.customer_id))
        # Planned so far: what is stored of a turn that is stopped meanwhile.
        draft.plan = plan
        plan = await plan_with_person(
            turn.conversation_id, request, heard, draft.memory, evidence, plan,
            bad_ratings=turn.bad_ratings, people=assistant.handoff,
        )  # fmt: skip
        draft.plan = plan = as_decided(plan, request, assistant)
        step["lines"] = [line.phrase for line in plan.lines[:12]]
    return evidence, plan


async def _speak(
    turn: TurnInput, draft: Draft, plan: AnswerPlan, evidence: Evidence, live: LiveValues
) -> AsyncGenerator[Event]:
    """Generates, guards and releases sentence by sentence; the cards follow the first sentence."""
    assert draft.request is not None
    brief = Brief(
        request=draft.request,
        plan=plan,
        evidence=evidence,
        memory=draft.memory,
        variant=zlib.crc32(turn.turn_id.encode()),
        tone=draft.assistant.tone,
    )
    no_model = await why_no_model(draft.assistant) if generators["default"].writes_freely else ""
    # The shopper's own numbers may be repeated to them, a wait or a time told for the team, and the shop's words.
    known = [word for line in plan.lines if line.phrase.startswith(("human.", "own")) for word in line.words.values()]
    said = (
        *draft.request.volumes,
        *draft.request.gone,
        draft.request.state.age or "",
        draft.request.state.max_volumes or "",
        draft.request.unknown,
        *known,
    )
    proven = numbers_in([*evidence.texts(), *map(str, said)])
    with draft.trace.step("generate"):
        async with aclosing(sentences(brief, draft.trace, draft.noticed, no_model=no_model)) as written:
            async for sentence in written:
                first = not draft.released
                if first:
                    # However long a generator has thought: what is shown is read when it begins to be shown.
                    await live.read(_shown_live(plan, evidence, live))
                text = release(sentence, fill=live.fill, proven_numbers=proven)
                if isinstance(text, Refused):
                    log.warning("sentence_refused", turn=turn.turn_id, reason=text.reason)
                    # As in chat.generation: what is said may repeat what a shopper told.
                    draft.trace.note("sentence_refused", reason=text.reason, sentence=redact(text.sentence)[:600])
                    continue
                await _ask_whether_taken_over(turn, draft)
                draft.released.append(text)
                draft.templates.append(sentence)
                if first:
                    draft.first_delta_ms = draft.trace.elapsed_ms()
                yield Delta(text)
                if first:
                    for card in _cards(draft, plan, evidence, live):
                        yield card


# So long the state of the conversation is believed. What is stored at the end asks once more (chat.records).
STATE_BELIEVED_S = 0.1


def _shown_live(plan: AnswerPlan, evidence: Evidence, live: LiveValues) -> list[str]:
    """The editions whose price or stock this answer may show: a model may speak of all that were gathered."""
    wanted = [card.id for card in plan.cards if card.kind == "product"]
    wanted += live.needed_by(slot for line in plan.lines for word in line.words.values() for slot in slots_in(word))
    return wanted if not generators["default"].writes_freely else [*wanted, *evidence.products]


async def _ask_whether_taken_over(turn: TurnInput, draft: Draft) -> None:
    """At the very sending: a person may have taken over since the question. Raises :class:`TakenOver`."""
    now = time.monotonic()
    if is_rehearsal() or now - draft.state_asked_at < STATE_BELIEVED_S:
        return
    draft.state_asked_at = now
    if await in_database(person_answers, turn.conversation_id):
        raise TakenOver


def _cards(draft: Draft, plan: AnswerPlan, evidence: Evidence, live: LiveValues) -> list[Card]:
    orders = {order.id: order for order in evidence.orders}
    promotions = {rule.id: rule for rule in evidence.promotions}
    for ref in plan.cards:
        if ref.id in evidence.withheld:
            # Whatever a plan says: the age gate stands at the release as well.
            continue
        if ref.kind == "product" and ref.id in evidence.products:
            data = product_card(evidence.products[ref.id], live.offers.get(ref.id), reason=ref.reason)
        elif ref.kind == "series" and ref.id in evidence.series:
            data = series_card(evidence.series[ref.id], draft.language)
        elif ref.kind == "order" and ref.id in orders:
            data = order_card(orders[ref.id], draft.language)
        elif ref.kind == "promotion" and ref.id in promotions:
            data = promotion_card(promotions[ref.id], draft.language)
        else:
            continue
        draft.cards.append(Card(f"{ref.kind}-{ref.id}", ref.kind, data))
    return draft.cards


async def end_turn(turn: TurnInput, draft: Draft, status: str) -> Response:
    """Stores what there is and says the last word. ``status``: complete, stopped or failed.

    Raises :class:`TurnLost`: another process has the last word.
    """
    language = draft.language
    content = "".join(draft.released).strip()
    template = "".join(draft.templates).strip()
    if status == "failed":
        content = template = say(language, "failed.turn")
    elif not content:
        stopped = "human.taken_over" if draft.taken_over else "stopped"
        content = template = say(language, stopped if status == "stopped" else "failed.turn")
    plan = draft.plan if status == "complete" else None
    state = plan.state if plan else read_state(draft.memory.dialogue)
    dialogue = replace(state, language=language).as_dict()
    answer = Answer(
        message_id=draft.message_id,
        content=content,
        template=template,
        cards=[reference_of(card, draft.recommendation_id) for card in draft.cards],
        quick_replies=list(plan.quick_replies) if plan else [],
        citations=list(plan.citations) if plan else [],
        status=status,
        intent=draft.request.intent if draft.request else "",
        confidence=round(draft.heard.confidence, 3) if draft.heard else None,
        language=language,
        generator=draft.trace.generation.get("generator", ""),
        engine=draft.engine,
        trace=draft.trace.as_dict(),
        dialogue=dialogue,
        latency_ms=draft.trace.elapsed_ms(),
        first_delta_ms=draft.first_delta_ms,
    )
    ending = await in_database(
        store_answer, turn.turn_id, turn.conversation_id, turn.text, answer, attempt=turn.attempt
    )
    if not ending:
        raise TurnLost(turn.turn_id)
    if ending == "stored":
        remember(turn.conversation_id, draft.memory.after(turn.text, template, dialogue), after_turn=turn.turn_id)
    return Response(
        content=content,
        message_id=draft.message_id,
        cards=tuple(draft.cards),
        quick_replies=tuple(answer.quick_replies),
        citations=tuple(answer.citations),
        status=status,  # type: ignore[arg-type]
        retryable=status == "failed",
    )


def reference_of(card: Card, recommendation_id: str) -> dict[str, Any]:
    """What is kept of a card: which it was, and what was quoted when; it is never shown again as current."""
    told = {"recommendation_id": recommendation_id} if recommendation_id and card.kind == "product" else {}
    return told | {
        "card_id": card.card_id,
        "kind": card.kind,
        "id": card.data["asin" if card.kind == "product" else "id"],
        "reason": card.data.get("reason", ""),
        "quoted": card.data.get("price"),
    }


def new_draft(turn: TurnInput) -> Draft:
    return Draft(language=language_of(turn.text, hint=turn.hint), after_turn=turn.after_turn)
