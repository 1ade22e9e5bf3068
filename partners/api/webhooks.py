"""Webhooks: where a partner's server hears of what happens."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from mangaassist.dbthreads import in_database
from partners.authentication import authorized
from partners.idempotency import once
from partners.models import ApiKey
from partners.problems import Problem
from partners.webhooks.destinations import DestinationRefused
from partners.webhooks.messages import TooManyTests, send_test
from partners.webhooks.models import Webhook
from partners.webhooks.registering import LOOK_UP_S, MOST_PER_PARTNER, TooManyWebhooks, look_up
from partners.webhooks.registering import create_webhook as store_webhook
from partners.webhooks.schemas import (
    RotationIn,
    RotationOut,
    TestEventOut,
    WebhookCreated,
    WebhookIn,
    WebhookOut,
    WebhooksOut,
)
from partners.webhooks.signing import secret_of

router = Router(tags=["webhooks"])


def _find(key: ApiKey, webhook_id: str) -> Webhook:
    """This tenant's webhook; another's is not told from an unknown one."""
    try:
        found = Webhook.objects.filter(key__tenant=key.tenant, pk=webhook_id).first()
    except ValidationError:
        found = None
    if found is None:
        raise Problem(404, "not-found", "There is no such webhook.")
    return found


def _view(hook: Webhook) -> dict[str, Any]:
    return {
        "webhook_id": hook.pk,
        "url": hook.url,
        "events": hook.events,
        "active": hook.is_active,
        "created_at": hook.created_at.isoformat(),
        "last_success_at": hook.last_taken_at and hook.last_taken_at.isoformat(),
        "failing_since": hook.failing_since and hook.failing_since.isoformat(),
        "last_error": hook.switched_off_because or hook.last_error or None,
    }


def _with_secret(answer: str) -> str:
    """Only the salt is ever stored, here as in the webhook's own row."""
    told = orjson.loads(answer)
    return orjson.dumps(told | {"secret": secret_of(told["secret"])}).decode()


async def _check(url: str) -> None:
    looking = look_up(url)
    if looking is None:
        return
    try:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(LOOK_UP_S):
                await asyncio.wrap_future(looking)
    except DestinationRefused as refusal:
        problem = {"field": "url", "message": str(refusal), "pointer": "#/url"}
        raise Problem(422, "invalid", f"The address {refusal}.", errors=[problem]) from refusal


@router.get("/webhooks", response={200: WebhooksOut})
async def list_webhooks(request: HttpRequest) -> Any:
    """All of them; there are ten at most."""
    key = authorized(request, "webhooks")
    return {
        "webhooks": await in_database(lambda: [_view(hook) for hook in Webhook.objects.filter(key__tenant=key.tenant)])
    }


@router.post("/webhooks", response={201: WebhookCreated})
async def create_webhook(request: HttpRequest, body: WebhookIn) -> Any:
    """Messages go to ``url`` from now on. Its secret is in this answer, and in no other."""
    key = authorized(request, "webhooks")
    await _check(body.url)

    def create() -> WebhookCreated:
        try:
            hook, salt = store_webhook(key, body.url, list(body.events))
        except TooManyWebhooks as error:
            raise Problem(409, "limit", f"A partner may have {MOST_PER_PARTNER} webhooks.") from error
        return WebhookCreated(**_view(hook), secret=salt)

    return await once(request, 201, create, reveal=_with_secret)


@router.get("/webhooks/{webhook_id}", response={200: WebhookOut})
async def get_webhook(request: HttpRequest, webhook_id: str) -> Any:
    """How it stands: whether it is on, and what its receiver answered last."""
    key = authorized(request, "webhooks")
    return await in_database(lambda: _view(_find(key, webhook_id)))


@router.delete("/webhooks/{webhook_id}", response={204: None})
async def delete_webhook(request: HttpRequest, webhook_id: str) -> Any:
    """At once and with everything that waits for it."""
    key = authorized(request, "webhooks")
    await in_database(lambda: _find(key, webhook_id).delete())
    return HttpResponse(status=204)


@router.post("/webhooks/{webhook_id}/secret", response={201: RotationOut})
async def rotate_webhook_secret(request: HttpRequest, webhook_id: str, body: RotationIn | None = None) -> Any:
    """A new secret. Meanwhile messages are signed with both, so that none is refused."""
    key = authorized(request, "webhooks")
    overlap = timedelta(hours=(body or RotationIn(overlap_hours=24)).overlap_hours)

    def rotate() -> RotationOut:
        old_until = timezone.now() + overlap
        salt = _find(key, webhook_id).rotate(old_until=old_until)
        return RotationOut(secret=salt, old_until=old_until.isoformat())

    return await once(request, 201, rotate, reveal=_with_secret)


@router.post("/webhooks/{webhook_id}/activate", response={200: WebhookOut})
async def activate_webhook(request: HttpRequest, webhook_id: str) -> Any:
    """On again, after failures have switched it off; what an operator has switched off stays off. What happened
    meanwhile is not sent."""
    key = authorized(request, "webhooks")

    def activate() -> WebhookOut:
        with transaction.atomic():
            hook = _find(key, webhook_id)
            if not hook.is_active and not hook.switched_off_because:
                raise Problem(403, "forbidden", "An operator of the shop has switched it off.")
            hook.switch_on()
            hook.save()
        return WebhookOut(**_view(hook))

    return await once(request, 200, activate)


@router.post("/webhooks/{webhook_id}/test", response={202: TestEventOut})
async def send_test_event(request: HttpRequest, webhook_id: str) -> Any:
    """Sends a `webhook.test` in a moment, also while it is switched off or left in peace."""
    key = authorized(request, "webhooks")

    def send() -> TestEventOut:
        try:
            return TestEventOut(message_id=send_test(_find(key, webhook_id)).pk)
        except TooManyTests as error:
            raise Problem(429, "too-many", "There were enough tests in this minute.", retry_after_s=60) from error

    return await once(request, 202, send)
