"""Conversations: opened for a shop's customer or guest, asked as JSON or as server-sent events."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from math import ceil
from typing import Any, Literal
from uuid import UUID

import orjson
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Router

from chat.assistant import read_assistant
from chat.context import read_context
from chat.events import Frame
from chat.feedback import read_opinion, save_feedback
from chat.handoff import ask_for_person
from chat.models import Conversation, Message
from chat.plain import turn_frames, turn_of
from chat.records import Accepted, accept_message
from chat.room import Busy
from chat.runner import runner
from chat.sessions import Session, open_session, start_conversation
from chat.tokens import Claims, Shopper, new_session_id
from chat.transcripts import frames_of, messages_page
from mangaassist.dbthreads import in_database, in_question_lane
from partners.authentication import authorized
from partners.idempotency import JSON, Claim, claim_key, once
from partners.models import ApiKey
from partners.problems import Problem
from partners.schemas import (
    ConversationIn,
    ConversationOut,
    FeedbackIn,
    FeedbackOut,
    HandoffIn,
    HandoffOut,
    MessageIn,
    MessagesOut,
    TurnOut,
)

router = Router(tags=["conversations"])
HEARTBEAT_S = 15.0


def _conversation(key: ApiKey, conversation_id: str) -> Conversation:
    """This tenant's conversation; another's is not told from an unknown one."""
    try:
        found = Conversation.objects.filter(pk=conversation_id, tenant=key.tenant).first()
    except ValidationError:
        found = None
    if found is None:
        raise Problem(404, "not-found", "There is no such conversation.")
    return found


def _session(key: ApiKey, conversation_id: str) -> Session:
    conversation = _conversation(key, conversation_id)
    shopper = Shopper(session_id=conversation.session_id, customer_id=conversation.customer_id, tenant=key.tenant)
    return open_session(Claims(shopper=shopper, conversation_id=str(conversation.pk), context=conversation.context))


@router.post("/conversations", response={201: ConversationOut})
async def create_conversation(request: HttpRequest, body: ConversationIn | None = None) -> Any:
    """Opens a conversation; its token lets a browser join it."""
    key = authorized(request, "conversations")
    body = body or ConversationIn(customer_id=None)
    page = body.context.model_dump() if body.context else {}
    context = read_context(page | ({"locale": body.locale} if body.locale else {}))
    shopper = Shopper(session_id=new_session_id(), customer_id=body.customer_id or "", tenant=key.tenant)

    def start() -> ConversationOut:
        conversation = start_conversation(shopper, context, channel=Conversation.Channel.PARTNER)
        session = _session(key, str(conversation.pk))
        return ConversationOut(
            conversation_id=UUID(session.conversation_id), token=session.token(), expires_in=settings.WIDGET_TOKEN_TTL_S
        )

    return await once(request, 201, start)


@router.post("/conversations/{conversation_id}/messages", response={200: TurnOut})
async def send_message(request: HttpRequest, conversation_id: str, body: MessageIn) -> Any:
    """Asks a question: the finished turn, or its frames as server-sent events (``Accept: text/event-stream``)."""
    key = authorized(request, "conversations")
    session = await in_database(_session, key, conversation_id)
    text = body.text
    after = _last_event_id(request)
    streamed = "text/event-stream" in request.headers.get("Accept", "")
    claim = await claim_key(request)
    if claim and claim.answer and not streamed:
        return claim.replayed()
    client_msg_id = str(body.client_msg_id or (claim.message_id if claim else uuid.uuid4()))
    try:
        return await _answer(session, client_msg_id, text, claim, after=after if streamed else None)
    except BaseException:
        # The question keeps its client_msg_id: sent again, it finds its turn.
        if claim:
            await in_database(claim.release)
        raise


async def _answer(session: Session, client_msg_id: str, text: str, claim: Claim | None, *, after: int | None) -> Any:
    """``after``: the last event that a reader of events has; None for one who waits for the whole answer."""
    if runner.draining:
        raise Problem(503, "unavailable", "This process ends: another one answers.", retry_after_s=1)
    try:
        with runner.room.for_question():
            accepted = await in_question_lane(accept_message, session.conversation_id, client_msg_id, text)
    except Busy as busy:
        detail = "Too many questions are being answered; this one was not stored."
        raise Problem(429, "too-many", detail, retry_after_s=ceil(busy.retry_after_s)) from busy
    if after is not None:
        if claim and claim.answer is None:
            await in_database(claim.record, 200, "")
        stream = StreamingHttpResponse(
            _events(session, accepted, text, client_msg_id, after), content_type="text/event-stream"
        )
        stream["Cache-Control"] = "no-store"
        stream["X-Accel-Buffering"] = "no"
        return stream
    answer = TurnOut(**await _finished(session, accepted, text, client_msg_id)).model_dump_json(exclude_unset=True)
    if claim and claim.answer is None:
        await in_database(claim.record, 200, answer)
    return HttpResponse(answer, content_type=JSON)


def _last_event_id(request: HttpRequest) -> int:
    """The ``seq`` that a reader got last, who sends the same ``client_msg_id`` again after a drop; 0 for none."""
    said = request.headers.get("Last-Event-ID", "0")
    if not said.isascii() or not said.isdigit() or len(said) > 9:
        raise Problem(422, "invalid", "Last-Event-ID must be the id of an event of this turn.")
    return int(said)


async def _finished(session: Session, accepted: Accepted, text: str, client_msg_id: str) -> dict[str, Any]:
    # While a person is to answer there is no turn: their words come with the messages.
    notice = accepted.notice or {}
    last: dict[str, Any] = {"type": "accepted", "status": "with_agent", "content": notice.get("content", "")}
    async for frame in turn_frames(session, accepted, text, client_msg_id):
        last = frame
    return {key: value for key, value in last.items() if key not in {"type", "seq"}} | {
        "question_id": accepted.message_id
    }


async def _events(
    session: Session, accepted: Accepted, text: str, client_msg_id: str, after: int
) -> AsyncIterator[bytes]:
    """The turn's frames behind ``seq`` ``after``; a comment now and then, so that nobody takes the line for dead.

    The end is told in any case: who takes a turn over can end it in fewer frames than its reader has.
    """
    told = await turn_of(session, accepted, text, client_msg_id)
    if told is None:
        # A person is to answer: their words come with the messages.
        question = {"client_msg_id": client_msg_id, "message_id": accepted.message_id, "turn_id": None}
        yield _event({"type": "accepted", **question, "duplicate": accepted.duplicate, "status": "with_agent"})
        if accepted.notice:
            yield _event(accepted.notice)
    ended = False
    while told is not None:
        for frame in told.frames[after:]:
            after, ended = frame["seq"], frame["type"] == "response"
            yield _event(frame)
        if told.finished.is_set() and after >= len(told.frames):
            if not ended and told.frames and told.frames[-1]["type"] == "response":
                yield _event(told.frames[-1] | {"seq": after + 1})
            return
        if not await told.wait_for_more(after, HEARTBEAT_S):
            yield b": still here\n\n"


def _event(frame: Frame) -> bytes:
    """Only a turn's frames are numbered, and can be asked for again."""
    numbered = b"id: %d\n" % frame["seq"] if "seq" in frame else b""
    return b"event: %s\n%sdata: %s\n\n" % (frame["type"].encode(), numbered, orjson.dumps(frame))


@router.get("/conversations/{conversation_id}/messages", response={200: MessagesOut}, exclude_unset=True)
async def list_messages(request: HttpRequest, conversation_id: str, after: UUID | Literal[""] = "") -> Any:
    """What was said, oldest first, with cards read live now.

    A page at a time: pass ``next`` as ``after`` for what follows; it is null where nothing followed so far.
    """
    key = authorized(request, "conversations")

    def read() -> dict[str, Any]:
        conversation = _conversation(key, conversation_id)
        try:
            messages, is_all = messages_page(conversation, str(after))
        except Message.DoesNotExist as error:
            raise Problem(404, "not-found", "after is no message of this conversation.") from error
        return {
            "messages": frames_of(conversation, messages),
            "next": None if is_all else str(messages[-1].public_id),
        }

    return await in_database(read)


@router.post("/conversations/{conversation_id}/feedback", response={202: FeedbackOut})
async def give_feedback(request: HttpRequest, conversation_id: str, body: FeedbackIn) -> Any:
    """A thumb for an answer; a second one replaces the first."""
    key = authorized(request, "conversations")

    def save() -> FeedbackOut:
        conversation = _conversation(key, conversation_id)
        if not read_assistant().feedback:
            raise Problem(409, "switched-off", "This shop does not ask for opinions at the moment.")
        opinion = read_opinion(body.rating, body.reason, body.comment)
        try:
            feedback = save_feedback(conversation, str(body.message_id), opinion)
        except Message.DoesNotExist as error:
            raise Problem(404, "not-found", "There is no such answer in this conversation.") from error
        return FeedbackOut(status="received", feedback_id=str(feedback.pk))

    return await once(request, 202, save)


@router.post("/conversations/{conversation_id}/handoff", response={202: HandoffOut})
async def request_handoff(request: HttpRequest, conversation_id: str, body: HandoffIn | None = None) -> Any:
    """Asks for a person; asking again finds the same request."""
    key = authorized(request, "conversations")

    def ask() -> HandoffOut:
        session = _session(key, conversation_id)
        if not session.assistant.handoff:
            raise Problem(409, "switched-off", "This shop hands nothing over to people at the moment.")
        state = ask_for_person(session.conversation_id, reason=(body and body.reason) or "", language=session.locale)
        return HandoffOut(
            handoff_id=UUID(state.handoff_id),
            message=state.message,
            estimated_wait=state.estimated_wait,
            position=state.position,
        )

    return await once(request, 202, ask)
