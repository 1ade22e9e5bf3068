"""What partners send and get; the OpenAPI document is made from this."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Field, Schema
from pydantic import BeforeValidator, field_validator, model_validator

from mangaassist.typed_text import without_controls


class Body(Schema):
    """What is sent: a JSON object. Without this check a list would pass as an object without any field."""

    @field_validator("*")
    @classmethod
    def is_storable(cls, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:
            raise ValueError("must not hold the character NUL")
        return value

    @model_validator(mode="before")
    @classmethod
    def is_object(cls, value: Any) -> Any:
        if not isinstance(getattr(value, "_obj", value), dict):
            raise ValueError("must be a JSON object")
        return value


class ConversationIn(Body):
    customer_id: str | None = Field(
        None, max_length=128, description="Your id of the signed-in customer; none: a guest."
    )
    locale: str | None = Field(
        default=None,
        max_length=35,
        description="A language tag such as ja or ja-JP. Languages not spoken here get English.",
    )
    context: dict[str, Any] | None = Field(default=None, description="The page: asin, series, category, query, device.")


class ConversationOut(Schema):
    conversation_id: str
    token: str = Field(description="For the widget's hello frame.")
    expires_in: int


# What people typed is cleaned instead.
Typed = Annotated[str, BeforeValidator(lambda value: without_controls(value) if isinstance(value, str) else value)]


class MessageIn(Body):
    text: Typed
    client_msg_id: UUID | None = None


class FeedbackIn(Body):
    message_id: UUID
    rating: Literal["up", "down", 1, -1]
    reason: str | None = Field(default=None, max_length=64)
    comment: Typed | None = Field(default=None, max_length=2000)


class FeedbackOut(Schema):
    status: Literal["received"]
    feedback_id: str


class HandoffIn(Body):
    reason: Typed | None = Field(default=None, max_length=500)


class HandoffOut(Schema):
    handoff_id: str
    message: str
    estimated_wait: int | None = Field(description="Seconds; null when unknown.")
    position: int | None


class EventIn(Schema):
    """What a shopper did in your shop. Of a customer, or of a guest's session."""

    type: Literal["view", "click", "purchase", "rating", "add_to_cart"]
    asin: str = Field(max_length=32)
    customer_id: str = Field(default="", max_length=128)
    session_id: str = Field(default="", max_length=128)
    value: float | None = Field(default=None, description="Of a rating: 1 to 5.")
    at: datetime | None = Field(default=None, description="When it happened; now, if you leave it out.")
    recommendation_id: str = Field(default="", max_length=40, description="Of the list that led to it.")
    impression: list[str] = Field(default=[], max_length=25, description="The ASINs that stood in that list.")


class RejectedEvent(Schema):
    index: int
    reason: str


class EventsOut(Schema):
    """``rejected``: which of the events, counted from 0, and why. The others are taken all the same."""

    taken: int
    duplicates: int
    rejected: list[RejectedEvent]


class AsinsIn(Schema):
    asins: list[str] = Field(max_length=100, min_length=1)


class Problem(Schema):
    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = None
