"""The partner REST API, v1. Every operation is one domain call; the rest is the contract's shape."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from ninja import NinjaAPI, Status
from ninja.security import HttpBearer

from chat.cards import order_card, product_card
from chat.context import ContextRefused, read_context
from chat.feedback import read_opinion, save_feedback
from chat.frames import FrameRefused, clean_text
from chat.handoff import ask_for_person
from chat.models import Conversation, Message
from chat.plain import turn_frames, turn_of
from chat.records import Accepted, accept_message
from chat.sessions import Session, open_session, start_conversation
from chat.tokens import Claims, Shopper, new_session_id
from chat.transcripts import frames_of, messages_page
from mangaassist.dbthreads import in_database
from partners import problems
from partners.models import ApiKey
from partners.problems import Problem
from partners.schemas import (
    AsinsIn,
    ConversationIn,
    ConversationOut,
    EventIn,
    EventsOut,
    FeedbackIn,
    FeedbackOut,
    HandoffIn,
    HandoffOut,
    MessageIn,
)
from partners.schemas import Problem as ProblemOut
from recommendations.backends.base import RecommenderUnavailable
from recommendations.recommend import (
    NewInteraction,
    Recommendation,
    RecommendationRequest,
    Recommendations,
    arecommend_for,
    record_interactions,
)
from recommendations.requests import DEVICES, LONGEST_QUERY, MOST_ITEMS
from shop.facts import load_product_facts
from shop.offers import OffersUnavailable, read_offers
from shop.orders import OrdersUnavailable, find_order
from shop.search import SearchFilters, search_editions


class KeyAuth(HttpBearer):
    """``Authorization: Bearer ma_…``"""

    async def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        return await in_database(ApiKey.objects.find, token)


api = NinjaAPI(
    title="MangaAssist",
    version="1",
    description="Conversations, products and orders for a shop's own systems.",
    auth=KeyAuth(),
    urls_namespace="api-v1",
    docs_url="/docs",
)
problems.register(api)
MOST_EVENTS = 500
HEARTBEAT_S = 15.0
_ERRORS = {401: ProblemOut, 403: ProblemOut, 404: ProblemOut, 422: ProblemOut, 503: ProblemOut}


def _key(request: HttpRequest, scope: str) -> ApiKey:
    key: ApiKey = request.auth  # type: ignore[attr-defined]
    if not key.allows(scope):
        raise Problem(403, "forbidden", f"This key lacks the scope {scope}.")
    return key


def _conversation(key: ApiKey, conversation_id: str) -> Conversation:
    """This tenant's conversation; another's is not told from an unknown one."""
    try:
        found = Conversation.objects.filter(pk=conversation_id, tenant=key.prefix).first()
    except ValidationError:
        found = None
    if found is None:
        raise Problem(404, "not-found", "There is no such conversation.")
    return found


def _session(key: ApiKey, conversation_id: str) -> Session:
    conversation = _conversation(key, conversation_id)
    shopper = Shopper(session_id=conversation.session_id, customer_id=conversation.customer_id, tenant=key.prefix)
    return open_session(Claims(shopper=shopper, conversation_id=str(conversation.pk), context=conversation.context))


# --- Conversations --------------------------------------------------------------------------------------------


@api.post("/conversations", response={201: ConversationOut, **_ERRORS}, tags=["conversations"])
async def create_conversation(request: HttpRequest, body: ConversationIn | None = None) -> Any:
    """Opens a conversation; its token lets a browser join it."""
    key = _key(request, "conversations")
    body = body or ConversationIn(customer_id=None)
    try:
        context = read_context((body.context or {}) | ({"locale": body.locale} if body.locale else {}))
    except ContextRefused as error:
        raise Problem(422, "invalid", str(error)) from error
    shopper = Shopper(session_id=new_session_id(), customer_id=body.customer_id or "", tenant=key.prefix)

    def start() -> Session:
        conversation = start_conversation(shopper, context, channel=Conversation.Channel.PARTNER)
        return _session(key, str(conversation.pk))

    session = await in_database(start)
    opened = {
        "conversation_id": session.conversation_id,
        "token": session.token(),
        "expires_in": settings.WIDGET_TOKEN_TTL_S,
    }
    return Status(201, opened)


@api.post("/conversations/{conversation_id}/messages", response={200: dict, **_ERRORS}, tags=["conversations"])
async def send_message(request: HttpRequest, conversation_id: str, body: MessageIn) -> Any:
    """Asks a question: the finished turn, or its frames as server-sent events (``Accept: text/event-stream``)."""
    key = _key(request, "conversations")
    session = await in_database(_session, key, conversation_id)
    try:
        text = clean_text(body.text)
    except FrameRefused as refusal:
        raise Problem(422, "invalid", refusal.message) from refusal
    client_msg_id = str(body.client_msg_id or uuid.uuid4())
    after = _last_event_id(request)
    accepted = await in_database(accept_message, session.conversation_id, client_msg_id, text)
    if "text/event-stream" in request.headers.get("Accept", ""):
        events = _events(session, accepted, text, client_msg_id, after)
        stream = StreamingHttpResponse(events, content_type="text/event-stream")
        stream["Cache-Control"] = "no-store"
        stream["X-Accel-Buffering"] = "no"
        return stream
    return await _finished(session, accepted, text, client_msg_id)


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
    """The turn's frames behind ``seq`` ``after``; a comment now and then, so that nobody takes the line for dead."""
    told = await turn_of(session, accepted, text, client_msg_id)
    while told is not None:
        for frame in told.frames[after:]:
            after = frame["seq"]
            yield b"event: %s\nid: %d\ndata: %s\n\n" % (frame["type"].encode(), after, orjson.dumps(frame))
        if told.finished.is_set() and after >= len(told.frames):
            return
        if not await told.wait_for_more(HEARTBEAT_S):
            yield b": still here\n\n"


@api.get("/conversations/{conversation_id}/messages", response={200: dict, **_ERRORS}, tags=["conversations"])
async def list_messages(request: HttpRequest, conversation_id: str, after: str = "") -> Any:
    """What was said, oldest first, with cards read live now.

    A page at a time: pass ``next`` as ``after`` for what follows; it is null where nothing followed so far.
    """
    key = _key(request, "conversations")

    def read() -> dict[str, Any]:
        conversation = _conversation(key, conversation_id)
        try:
            messages, is_all = messages_page(conversation, after)
        except (ValidationError, Message.DoesNotExist) as error:
            raise Problem(422, "invalid", "after must be the id of a message of this conversation.") from error
        return {
            "messages": frames_of(conversation, messages),
            "next": None if is_all else str(messages[-1].public_id),
        }

    return await in_database(read)


@api.post("/conversations/{conversation_id}/feedback", response={202: FeedbackOut, **_ERRORS}, tags=["conversations"])
async def give_feedback(request: HttpRequest, conversation_id: str, body: FeedbackIn) -> Any:
    """A thumb for an answer; a second one replaces the first."""
    key = _key(request, "conversations")

    def save() -> str:
        conversation = _conversation(key, conversation_id)
        opinion = read_opinion(body.rating, body.reason, body.comment)
        try:
            return str(save_feedback(conversation, str(body.message_id), opinion).pk)
        except Message.DoesNotExist as error:
            raise Problem(404, "not-found", "There is no such answer in this conversation.") from error

    return Status(202, {"status": "received", "feedback_id": await in_database(save)})


@api.post("/conversations/{conversation_id}/handoff", response={202: HandoffOut, **_ERRORS}, tags=["conversations"])
async def request_handoff(request: HttpRequest, conversation_id: str, body: HandoffIn | None = None) -> Any:
    """Asks for a person; asking again finds the same request."""
    key = _key(request, "conversations")

    def ask() -> dict[str, Any]:
        session = _session(key, conversation_id)
        state = ask_for_person(session.conversation_id, reason=(body and body.reason) or "", language=session.locale)
        return {
            "handoff_id": state.handoff_id,
            "message": state.message,
            "estimated_wait": state.estimated_wait,
            "position": state.position,
        }

    return Status(202, await in_database(ask))


# --- Catalogue and orders -------------------------------------------------------------------------------------


def _product_views(asins: list[str]) -> list[dict[str, Any]]:
    """Facts with the live offer, in the order asked; unknown ASINs are left out."""
    facts = load_product_facts(asins)
    try:
        offers = read_offers(list(facts))
    except OffersUnavailable:
        offers = {}
    return [product_card(facts[asin], offers.get(asin)) for asin in dict.fromkeys(asins) if asin in facts]


@api.post("/products/batch", response={200: dict, **_ERRORS}, tags=["catalogue"])
async def get_products(request: HttpRequest, body: AsinsIn) -> Any:
    """Up to 100 editions with their live offers, in one read."""
    _key(request, "catalog:read")
    found = await in_database(_product_views, body.asins)
    known = {product["asin"] for product in found}
    return {"products": found, "unknown": [asin for asin in body.asins if asin not in known]}


@api.get("/products/{asin}", response={200: dict, **_ERRORS}, tags=["catalogue"])
async def get_product(request: HttpRequest, asin: str) -> Any:
    """One edition with its live offer."""
    _key(request, "catalog:read")
    found = await in_database(_product_views, [asin])
    if not found:
        raise Problem(404, "not-found", "There is no such product.")
    return found[0]


@api.get("/search", response={200: dict, **_ERRORS}, tags=["catalogue"])
async def search(request: HttpRequest, q: str, language: str = "", format: str = "", limit: int = 20) -> Any:
    """Editions by title in any script, alias, author, genre."""
    _key(request, "catalog:read")
    if not 1 <= limit <= 100 or len(q) > 200:
        raise Problem(422, "invalid", "limit must be 1 to 100 and q at most 200 characters.")

    def find() -> list[dict[str, Any]]:
        hits = search_editions(q, filters=SearchFilters(language=language, format=format), limit=limit)
        return _product_views([hit.asin for hit in hits])

    return {"items": await in_database(find)}


@api.get("/recommendations", response={200: dict, **_ERRORS}, tags=["recommendations"])
async def get_recommendations(
    request: HttpRequest,
    customer_id: str = "",
    session_id: str = "",
    query: str = "",
    asin: str = "",
    category: str = "manga",
    locale: str = "en",
    device: str = "",
    limit: int = 10,
) -> Any:
    """For a customer, a guest's session, or (without both) anybody: what can be bought now, as one list and by shelf.

    ``query``: genres, themes, a title. ``asin``: similar to this. Every item names its engine and its reason.
    """
    _key(request, "recommendations")
    if customer_id and session_id:
        raise Problem(422, "invalid", "Give customer_id or session_id, not both.")
    if not 1 <= limit <= MOST_ITEMS or len(query) > LONGEST_QUERY:
        raise Problem(422, "invalid", f"limit must be 1 to {MOST_ITEMS} and query at most {LONGEST_QUERY} characters.")
    if max(len(customer_id), len(session_id)) > 128 or max(len(asin), len(category)) > 64:
        raise Problem(422, "invalid", "An id is too long: shoppers' have at most 128 characters, others 64.")
    if device and device not in DEVICES:
        raise Problem(422, "invalid", f"device must be one of {', '.join(DEVICES)}.")
    asked = RecommendationRequest(
        customer_id=customer_id, session_id=session_id, query=query, asin=asin, category=category, locale=locale,
        device=device, limit=limit,
    )  # fmt: skip
    try:
        found = await arecommend_for(asked)
    except RecommenderUnavailable as error:
        raise Problem(503, "unavailable", "Too many recommendations are being made.", retry_after_s=2) from error
    return await in_database(_recommendations_view, found)


@api.post("/events", response={202: EventsOut, **_ERRORS}, tags=["recommendations"])
async def post_events(request: HttpRequest, body: list[EventIn]) -> Any:
    """What your shoppers did: at most 500 a call, each once however often it is sent (tell ``at``, by
    which a repeated one is known). Acts on the shopper's next recommendations."""
    _key(request, "events")
    if not 1 <= len(body) <= MOST_EVENTS:
        raise Problem(422, "invalid", f"Send 1 to {MOST_EVENTS} events.")
    now = timezone.now()
    new = [
        NewInteraction(**each.dict() | {"at": _aware(each.at, now), "impression": tuple(each.impression)})
        for each in body
    ]
    recorded = await in_database(record_interactions, new)
    rejected = [{"index": place, "reason": reason} for place, reason in recorded.refused]
    return Status(202, {"taken": recorded.taken, "duplicates": recorded.duplicates, "rejected": rejected})


def _aware(at: datetime | None, now: datetime) -> datetime:
    """A time without a zone is UTC, as in the feed."""
    if at is None:
        return now
    return at if timezone.is_aware(at) else at.replace(tzinfo=UTC)


def _recommendations_view(found: Recommendations) -> dict[str, Any]:
    asins = {item.asin for items in (found.items, *(shelf.items for shelf in found.shelves)) for item in items}
    products = {product["asin"]: product for product in _product_views(sorted(asins))}

    def shown(items: tuple[Recommendation, ...]) -> list[dict[str, Any]]:
        """An edition that was deleted this very moment is left out."""
        return [
            {
                "asin": item.asin,
                "reason": item.reason,
                "because": list(item.because),
                "engine": item.engine,
                "product": products[item.asin],
            }
            for item in items
            if item.asin in products
        ]

    return {
        "items": shown(found.items),
        "engine": found.engine,
        "recommendation_id": found.recommendation_id,
        "shelves": [{"name": shelf.name, "title": shelf.title, "items": shown(shelf.items)} for shelf in found.shelves],
    }


@api.get("/orders/{order_id}", response={200: dict, **_ERRORS}, tags=["orders"])
async def get_order(request: HttpRequest, order_id: str, customer_id: str) -> Any:
    """A customer's order, read live; somebody else's is not told from an unknown one."""
    _key(request, "orders:read")
    try:
        order = await in_database(find_order, order_id, customer_id=customer_id)
    except OrdersUnavailable as error:
        raise Problem(503, "unavailable", "Orders cannot be read now.", retry_after_s=5) from error
    if order is None:
        raise Problem(404, "not-found", "There is no such order of this customer.")
    return order_card(order, "en")
