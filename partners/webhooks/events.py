"""What partners hear: the payloads, as they are sent and as the OpenAPI document tells them.

``{"type", "schema", "timestamp", "data"}`` (Standard Webhooks, "Payload structure"). Fields are added without a new
``schema``; a changed meaning gets one. No payload holds a secret or what a shopper said, but for the comment of an
opinion, from which personal data is taken out. ``customer_id`` is the partner's own name for its customer.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Field, Schema
from pydantic import ConfigDict, PlainSerializer, WithJsonSchema

SCHEMA = 1
Moment = Annotated[
    datetime,
    PlainSerializer(lambda at: at.astimezone(UTC).isoformat().replace("+00:00", "Z"), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class AboutConversation(Schema):
    conversation_id: UUID
    customer_id: str | None = Field(description="Your id of the customer; null for a guest.")


class ConversationStartedData(AboutConversation):
    locale: Literal["en", "ja"]
    channel: str = Field(description="partner when it was opened with the API, widget when in a page.")


class HandoffRequestedData(AboutConversation):
    handoff_id: UUID
    trigger: str = Field(description="asked, frustration, complaint, safety, uncertain or rule; there may be more.")
    language: str
    by_email: bool = Field(description="The customer does not wait in the chat, and is answered by e-mail.")


class HandoffClosedData(AboutConversation):
    handoff_id: UUID
    outcome: Literal["closed", "cancelled"] = Field(description="cancelled: by the customer, before anybody came.")
    reason: str | None = Field(
        description="Of a closed one: resolved, shopper_left, no_answer, by_email or elsewhere; there may be more."
    )


class FeedbackReceivedData(AboutConversation):
    feedback_id: UUID = Field(description="The same for a changed opinion on the same answer: the last one counts.")
    message_id: UUID
    turn_id: UUID | None
    rating: Literal["up", "down"] | None = Field(description="null: it was withdrawn.")
    reason: str
    comment: str = Field(description="In the customer's words, personal data replaced by [email], [phone] and so on.")


class WebhookTestData(Schema):
    webhook_id: UUID
    message: str


def _example(type: str, **data: Any) -> ConfigDict:
    example: dict[str, Any] = {"type": type, "schema": SCHEMA, "timestamp": "2026-11-01T12:00:00Z", "data": data}
    # What always is there, is promised: the defaults as well.
    return ConfigDict(json_schema_extra={"examples": [example]}, json_schema_serialization_defaults_required=True)


_IDS = {"conversation_id": "7c0ffee0-1111-4222-8333-444455556666", "customer_id": "alice"}
_HANDOFF = {**_IDS, "handoff_id": "3f2a1b0c-1111-4222-8333-444455556666"}


class Event(Schema):
    """What all of them have. ``schema`` is the version of ``data``."""

    schema_version: Literal[1] = Field(1, alias="schema")
    timestamp: Moment = Field(description="When it happened, in UTC.")


class ConversationStarted(Event):
    """A conversation of yours has begun."""

    model_config = _example("conversation.started", **_IDS, locale="en", channel="partner")
    type: Literal["conversation.started"] = "conversation.started"
    data: ConversationStartedData


class HandoffRequested(Event):
    """A customer is to be answered by a person."""

    model_config = _example("handoff.requested", **_HANDOFF, trigger="asked", language="en", by_email=False)
    type: Literal["handoff.requested"] = "handoff.requested"
    data: HandoffRequestedData


class HandoffClosed(Event):
    """The person is done, or nobody is needed any more: the assistant answers again."""

    model_config = _example("handoff.closed", **_HANDOFF, outcome="closed", reason="resolved")
    type: Literal["handoff.closed"] = "handoff.closed"
    data: HandoffClosedData


class FeedbackReceived(Event):
    """An opinion on an answer: a new one, a changed one, or one that is withdrawn."""

    model_config = _example(
        "feedback.received", **_IDS, feedback_id="9e8d7c6b-1111-4222-8333-444455556666",
        message_id="5d4c3b2a-1111-4222-8333-444455556666", turn_id="0b8f8c1e-1111-4222-8333-444455556666",
        rating="down", reason="wrong_facts", comment="I asked for volume 4",
    )  # fmt: skip
    type: Literal["feedback.received"] = "feedback.received"
    data: FeedbackReceivedData


class WebhookTest(Event):
    """What `POST /webhooks/{webhook_id}/test` and the admin's button send, whatever events are chosen."""

    model_config = _example("webhook.test", webhook_id="6a5b4c3d-1111-4222-8333-444455556666", message="It works.")
    type: Literal["webhook.test"] = "webhook.test"
    data: WebhookTestData


PAYLOADS: dict[str, type[Event]] = {
    "conversation.started": ConversationStarted,
    "handoff.requested": HandoffRequested,
    "handoff.closed": HandoffClosed,
    "feedback.received": FeedbackReceived,
    "webhook.test": WebhookTest,
}


def body_of(event: str, at: datetime, data: dict[str, Any]) -> str:
    """As it is signed and sent. Raises ``ValidationError`` for data that the document does not tell of."""
    return PAYLOADS[event].model_validate({"timestamp": at, "data": data}).model_dump_json(by_alias=True)
