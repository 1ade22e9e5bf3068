"""What partners send and get about their webhooks; what these carry is in partners.webhooks.events."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Field, Schema
from pydantic import AfterValidator, ConfigDict, StringConstraints

from partners.cards import Time
from partners.schemas import Body
from partners.webhooks.destinations import LONGEST_URL, URL_PATTERN, DestinationRefused, read_url

EventName = Literal["conversation.started", "handoff.requested", "handoff.closed", "feedback.received"]


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]})


def _destination(url: str) -> str:
    try:
        read_url(url)
    except DestinationRefused as refusal:
        raise ValueError(str(refusal)) from refusal
    return url


class WebhookIn(Body):
    model_config = _example(
        url="https://hooks.shop.example/mangaassist", events=["handoff.requested", "handoff.closed"]
    )

    url: Annotated[str, StringConstraints(max_length=LONGEST_URL), AfterValidator(_destination)] = Field(
        description="Of your receiver: https, a public name in lower case, port 443 or 8443.",
        json_schema_extra={"pattern": URL_PATTERN},
    )
    events: list[EventName] = Field(min_length=1, max_length=20, description="What it is to hear of.")


class WebhookOut(Schema):
    webhook_id: UUID
    url: str
    events: list[EventName]
    active: bool = Field(description="Off when an operator, 410 Gone or days of failures have switched it off.")
    created_at: Time
    last_success_at: Time | None
    failing_since: Time | None = Field(description="null: the last attempt was a success, or there was none.")
    last_error: str | None


_ID = "6a5b4c3d-1111-4222-8333-444455556666"


class WebhookCreated(WebhookOut):
    model_config = _example(
        webhook_id=_ID, url="https://hooks.shop.example/mangaassist", events=["handoff.requested", "handoff.closed"],
        active=True, created_at="2026-11-01T12:00:00Z", last_success_at=None, failing_since=None, last_error=None,
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",  # noqa: S106  # nosec B106  # an example
    )  # fmt: skip

    secret: str = Field(description="By which you know our messages; this answer alone has it.")


class WebhooksOut(Schema):
    webhooks: list[WebhookOut]


class RotationIn(Body):
    model_config = _example(overlap_hours=24)

    overlap_hours: int = Field(
        24, ge=0, le=168, strict=True, description="So long messages carry a signature of the old secret as well."
    )


class RotationOut(Schema):
    model_config = _example(secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", old_until="2026-11-02T12:00:00Z")  # noqa: S106  # nosec B106  # an example

    secret: str = Field(description="The new one; this answer alone has it.")
    old_until: Time


class TestEventOut(Schema):
    message_id: UUID = Field(description="The webhook-id under which it comes.")
