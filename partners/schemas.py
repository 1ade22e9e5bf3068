"""What partners send and get; the OpenAPI document is made from this."""

from __future__ import annotations

import re
from datetime import MINYEAR, UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Field, Schema
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Strict, StringConstraints, model_validator

from chat.frames import MAX_TEXT
from mangaassist.typed_text import without_controls
from partners.cards import Card, Product, Time
from shop.catalog_events import EventType

# PostgreSQL stores no NUL.
NO_NUL = r"^[^\u0000]*$"
ShopperId = Annotated[str, StringConstraints(max_length=128, pattern=NO_NUL)]
Asin = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
# Something is left when white space and what mangaassist.typed_text takes away is gone.
VISIBLE = (
    "[^\\s\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u180e\\u200b"
    "\\u200c\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u2064\\u2066-\\u206f\\ufeff\\ufff9-\\ufffb\\ue000-\\uf8ff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001"
    "\U000e0020-\U000e007f\U000f0000-\U0010ffff]"
)


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]})


class Body(Schema):
    """What is sent: a JSON object. Without this check a list would pass as an object without any field."""

    @model_validator(mode="before")
    @classmethod
    def is_object(cls, value: Any) -> Any:
        if not isinstance(getattr(value, "_obj", value), dict):
            raise ValueError("must be a JSON object")
        return value


class ContextIn(Body):
    """The page that the shopper looks at: a hint, of which what is unknown is ignored."""

    asin: str | None = None
    series: str | None = None
    category: str | None = None
    query: str | None = None
    locale: str | None = None
    device: str | None = Field(default=None, description="desktop, mobile or tablet.")


class ConversationIn(Body):
    model_config = _example(customer_id="alice", locale="en", context={"asin": "BERSERK-EN-1", "device": "mobile"})

    customer_id: ShopperId | None = Field(
        None, description="Your id of the signed-in customer, whom you vouch for; none: a guest."
    )
    locale: str | None = Field(
        default=None,
        max_length=35,
        description="A language tag such as ja or ja-JP. Languages not spoken here get English.",
    )
    context: ContextIn | None = None


class ConversationOut(Schema):
    model_config = _example(conversation_id="7c0ffee0-1111-4222-8333-444455556666", token="eyJzIjoi…", expires_in=900)  # noqa: S106  # nosec B106  # an example

    conversation_id: UUID
    token: str = Field(description="For the widget's hello frame: lets a browser join the conversation.")
    expires_in: int = Field(description="Seconds that the token is good for.")


def _cleaned(text: str) -> str:
    return without_controls(text)


def _said(text: str) -> str:
    if not (cleaned := without_controls(text)):
        raise ValueError("must hold something to read")
    return cleaned


# What people typed: what no keyboard makes is taken away.
Typed = Annotated[str, AfterValidator(_cleaned)]


class MessageIn(Body):
    model_config = _example(text="Is Berserk 3 in stock?")

    text: Annotated[str, AfterValidator(_said)] = Field(
        min_length=1, max_length=MAX_TEXT, json_schema_extra={"pattern": VISIBLE}
    )
    client_msg_id: UUID | None = Field(default=None, description="Yours; a resend of it gets the same answer.")


class Citation(Schema):
    title: str
    url: str = Field(description="Of the page; empty for a document that has none.")
    source: str = Field("", description="What is quoted: article:…, document:… or product:….")
    version: str = Field("", description="Of the index of the help that it was found in.")


class TurnOut(Schema):
    """A finished turn. While a person is to answer (``with_agent``) there is none: their words come with the
    messages, and ``content`` is what the shopper is told meanwhile."""

    model_config = _example(
        status="complete", content="Yes: Berserk, Vol. 3 is in stock at $14.99.", cards=[], quick_replies=["Vol. 4?"],
        citations=[], turn_id="0b8f8c1e-1111-4222-8333-444455556666",
        message_id="5d4c3b2a-1111-4222-8333-444455556666", question_id="1a2b3c4d-1111-4222-8333-444455556666",
    )  # fmt: skip

    status: Literal["complete", "stopped", "failed", "with_agent"]
    content: str
    question_id: UUID = Field(description="The message that was asked.")
    turn_id: UUID | None = None
    message_id: UUID | None = Field(default=None, description="The answer; feedback names it.")
    cards: list[Card] = []
    quick_replies: list[str] = []
    citations: list[Citation] = []
    retryable: bool | None = None


class MessageOut(Schema):
    type: Literal["message"]
    message_id: UUID
    role: Literal["user", "assistant", "agent", "system"]
    content: str
    turn_id: UUID | None
    at: Time
    client_msg_id: UUID | None = None
    name: str | None = Field(default=None, description="The human agent's.")
    cards: list[Card] | None = Field(default=None, description="Read live again for this answer.")
    quick_replies: list[str] | None = None
    citations: list[Citation] | None = None
    status: Literal["running", "complete", "stopped", "failed"] | None = None
    rating: Literal["up", "down"] | None = Field(default=None, description="The shopper's, where they gave one.")
    reason: str | None = None


class MessagesOut(Schema):
    messages: list[MessageOut]
    next: UUID | None = Field(description="Pass it as after for what follows; null where nothing followed so far.")


class FeedbackIn(Body):
    model_config = _example(
        message_id="5d4c3b2a-1111-4222-8333-444455556666", rating="down", reason="wrong_volume", comment="I asked for 4"
    )

    message_id: UUID
    rating: Literal["up", "down"] | Literal[1, -1]
    reason: Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)] | None = None
    comment: Annotated[Typed, Field(max_length=2000)] | None = None


class FeedbackOut(Schema):
    status: Literal["received"]
    feedback_id: str


class HandoffIn(Body):
    model_config = _example(reason="My parcel did not arrive")

    reason: Annotated[Typed, Field(max_length=500)] | None = None


class HandoffOut(Schema):
    handoff_id: UUID
    message: str
    estimated_wait: int | None = Field(description="Seconds; null when unknown.")
    position: int | None


def _rfc3339(value: Any) -> Any:
    """Without this, a number would be taken for seconds since 1970."""
    if value is None or isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", value):
        raise ValueError("must be a time such as 2026-11-01T12:00:00Z")
    return value


def _in_utc(at: datetime) -> datetime:
    """A time without a zone is UTC, as in the feed. Where UTC would need a year 0 or 10000, the end of its years."""
    try:
        return at.astimezone(UTC) if at.utcoffset() is not None else at.replace(tzinfo=UTC)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC) if at.year == MINYEAR else datetime.max.replace(tzinfo=UTC)


# A moment, in UTC.
At = Annotated[datetime, BeforeValidator(_rfc3339), AfterValidator(_in_utc)]


class EventIn(Schema):
    """What a shopper did in your shop. Of a customer, or of a guest's session."""

    model_config = _example(type="purchase", asin="BERSERK-EN-1", customer_id="alice", at="2026-11-01T12:00:00Z")

    type: Literal["view", "click", "purchase", "rating", "add_to_cart"]
    asin: Asin
    customer_id: str = Field(default="", max_length=128)
    session_id: str = Field(default="", max_length=128)
    value: Annotated[float, Strict()] | None = Field(default=None, description="Of a rating: 1 to 5.")
    at: At | None = Field(default=None, description="When it happened (without a zone: UTC); now, if you leave it out.")
    recommendation_id: Annotated[str, StringConstraints(max_length=40, pattern=NO_NUL)] = Field(
        default="", description="Of the list that led to it."
    )
    impression: list[Asin] = Field(default=[], max_length=25, description="The ASINs that stood in that list.")


class RejectedEvent(Schema):
    index: int
    reason: str


class EventsOut(Schema):
    """``rejected``: which of the events, counted from 0, and why. The others are taken all the same."""

    taken: int
    duplicates: int
    rejected: list[RejectedEvent]


class CatalogEventIn(Schema):
    """One change in your shop, with the time that it is of: of each product, offer… the newest counts."""

    model_config = _example(
        id="evt-8f1c", type="offer.updated", at="2026-11-01T12:00:00Z",
        data={"asin": "BERSERK-EN-1", "price": "13.99", "list_price": "16.99", "currency": "USD", "stock": 4},
    )  # fmt: skip

    id: Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=NO_NUL)] = Field(
        description="Yours: sent again within 30 days, it has no second effect."
    )
    type: EventType = Field(
        description="A deletion needs no more in data than what identifies one: asin, or id (and locale)."
    )
    at: At = Field(
        description="When it was so in your shop (without a zone: UTC). What is older than what is known is ignored."
    )
    data: dict[str, Any] = Field(
        description="A line of the catalogue feed; kind may be left out, but for a product.… about a series "
        "(kind: series) and not an edition."
    )


class CatalogEventOut(Schema):
    index: int = Field(description="Counted from 0.")
    id: str
    status: Literal["taken", "duplicate", "stale", "rejected"]
    reason: str | None = Field(None, description="Why it is rejected, or what of it is left out.")


class CatalogEventsOut(Schema):
    """``stale``: something newer was known. ``rejected``: which, and why; they may be sent again, with the same id."""

    model_config = _example(
        taken=1, duplicates=0, stale=0, rejected=[{"index": 1, "reason": "edition 'NOWHERE' is unknown"}],
        results=[
            {"index": 0, "id": "evt-1", "status": "taken"},
            {"index": 1, "id": "evt-2", "status": "rejected", "reason": "edition 'NOWHERE' is unknown"},
        ],
    )  # fmt: skip

    taken: int
    duplicates: int
    stale: int
    rejected: list[RejectedEvent]
    results: list[CatalogEventOut]


FeedState = Literal["waiting", "running", "done", "failed"]


class FeedRejectOut(Schema):
    line: int = Field(description="Counted from 1.")
    reason: str
    text: str = Field(description="The line's beginning.")


class FeedJobOut(Schema):
    """An uploaded feed. While it is ``waiting`` or ``running``, ask again."""

    model_config = _example(
        id="4e0f1f6c-1111-4222-8333-444455556666", url="/api/v1/catalog/jobs/4e0f1f6c-1111-4222-8333-444455556666",
        state="done", bytes=81920, lines=400, taken=399, changed=12, rejected=1,
        rejects=[{"line": 17, "reason": "series 'no-such' is unknown", "text": '{"kind":"edition"…'}],
        rejects_url="/api/v1/catalog/jobs/4e0f1f6c-1111-4222-8333-444455556666/rejects", error=None,
        created_at="2026-11-01T12:00:00Z", started_at="2026-11-01T12:00:01Z", finished_at="2026-11-01T12:00:03Z",
    )  # fmt: skip

    id: UUID
    url: str = Field(description="Of this job.")
    state: FeedState
    bytes: int = Field(description="Of the body, as it was sent.")
    lines: int = Field(description="Read so far, empty ones included.")
    taken: int = Field(description="Of them in force, whether they changed anything or not.")
    changed: int = Field(description="Of the taken: new, or other than what was known.")
    rejected: int
    rejects: list[FeedRejectOut] = Field(description="The first 20.")
    rejects_url: str = Field(description="All that are kept: the first 10,000.")
    error: str | None = Field(description="Why it failed. What was taken until then is in.")
    created_at: Time
    started_at: Time | None
    finished_at: Time | None


class FeedRejectsOut(Schema):
    rejects: list[FeedRejectOut]
    next: int | None = Field(description="Pass it as after for what follows; null at the end.")


class AsinsIn(Body):
    model_config = _example(asins=["BERSERK-EN-1", "YOTSUBA-EN-1"])

    asins: list[Asin] = Field(max_length=100, min_length=1)


class ProductsOut(Schema):
    products: list[Product]
    unknown: list[str]


class SearchOut(Schema):
    items: list[Product]


class RecommendedOut(Schema):
    asin: str
    reason: str = Field(description="A sentence in the locale asked for.")
    because: list[str] = Field(description="ASINs that it follows from.")
    engine: str
    product: Product


class ShelfOut(Schema):
    name: Literal["continue", "discover", "popular"]
    title: str
    items: list[RecommendedOut]


class RecommendationsOut(Schema):
    items: list[RecommendedOut]
    engine: str
    recommendation_id: str = Field(description="Send it back with the events that follow from this list.")
    shelves: list[ShelfOut]


class FieldProblem(Schema):
    field: str = Field(description="Its name, with dots; body for the whole.")
    message: str
    pointer: str | None = Field(default=None, description="Where in the body, as a JSON pointer (RFC 6901).")


class Problem(Schema):
    """RFC 9457."""

    model_config = _example(
        type="/api/v1/docs#problem-invalid", title="The request is not valid", status=422,
        detail="Some fields are not valid.",
        errors=[{"field": "text", "message": "Field required", "pointer": "#/text"}],
    )  # fmt: skip

    type: str = Field(json_schema_extra={"format": "uri-reference"})
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] | None = None
