"""How messages reach receivers: the outbox' handler gives each to its receiver's lane, where it is tried, logged,
and reported back.

A receiver that fails again and again is left in peace for longer and longer; its messages wait meanwhile and count no
attempt. One that has failed for :data:`SWITCHED_OFF_AFTER` is switched off, and so is one that answers 410 Gone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from mangaassist import instruments
from mangaassist.correlation import correlated
from mangaassist.outbox import relay
from mangaassist.outbox.topics import Delivery, Hopeless, Taken, Topic, Untried, register_topic
from mangaassist.tracing import continued
from partners.webhooks.lanes import ReceiverLanes
from partners.webhooks.messages import TOPIC
from partners.webhooks.models import TEST_EVENT, Webhook, WebhookAttempt, WebhookMessage
from partners.webhooks.sending import Answer, Sender
from partners.webhooks.signing import signature

log = structlog.get_logger(__name__)
# A dead receiver's first failures each cost their whole time; so many are borne before its pauses begin.
BORNE_FAILURES = 5
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 600.0
MOST_DOUBLINGS = 10
SWITCHED_OFF_AFTER = timedelta(days=3)
# Not for one message that found nobody there.
SWITCHED_OFF_FAILURES = 20
GONE = 410
LANE_FULL_S = 5.0
Status = WebhookMessage.Status

lanes = ReceiverLanes(each=2, queue=50, most=48)
_sender: Sender | None = None


def register() -> None:
    register_topic(
        Topic(
            name=TOPIC, handler=deliver, batch_size=50, in_order=True,
            # Its rows are held by their lanes; the relay itself never waits.
            concurrency=0,
            # Time ends it (models.TRIED_FOR), and no number of attempts: about thirty fit in a day.
            max_attempts=10_000, retry_s=5.0, longest_retry_s=7200.0,
            # Longer than a slow name and a slow answer together.
            lease_s=75.0,
        )
    )  # fmt: skip


def sender() -> Sender:
    """Of this process; it reads the authorities once."""
    global _sender
    if _sender is None:
        _sender = Sender()
    return _sender


def deliver(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
    """The outbox' handler. It waits for nobody."""
    now = timezone.now()
    ids = [each.id for each in deliveries]
    messages = {str(each.pk): each for each in WebhookMessage.objects.filter(pk__in=ids).select_related("webhook")}
    left: dict[str, str] = {}
    for delivery in deliveries:
        message = messages.get(delivery.id)
        # Without one its webhook was deleted, and there is nobody to tell.
        if message is not None:
            left[delivery.id] = _start(delivery, message, now)
    return left


def _start(delivery: Delivery, message: WebhookMessage, now: datetime) -> str:
    hook = message.webhook
    # A test is a person's who wants to know now.
    if hook.paused_until is not None and hook.paused_until > now and message.event != TEST_EVENT:
        if message.tried_until <= now:
            return _give_up(message, hook.last_error, now)
        return Untried("The receiver is left in peace.", after_s=(hook.paused_until - now).total_seconds())
    if not lanes.submit(hook.pk, lambda: attempt(delivery)):
        return Untried("The receiver has enough to do.", after_s=LANE_FULL_S)
    return Taken()


def attempt(delivery: Delivery) -> None:
    """One attempt at one message, from its lease to its log; as part of what it was sent for."""
    with correlated(delivery.correlation), continued("webhook", delivery.traceparent, attempt=delivery.attempt):
        _attempt(delivery)


def _attempt(delivery: Delivery) -> None:
    # It may have waited in its lane for longer than it was ours.
    if not relay.keep(delivery):
        return
    message = WebhookMessage.objects.filter(pk=delivery.id).select_related("webhook__key").first()
    if message is None:
        relay.conclude(delivery)
        return
    now = timezone.now()
    if refusal := _refusal(message, now):
        relay.conclude(delivery, _give_up(message, refusal, now))
        return
    started = time.monotonic()
    answer = _post(message, now)
    ms = round((time.monotonic() - started) * 1000)
    with transaction.atomic():
        relay.conclude(delivery, _log(message, answer, now, ms))


def _refusal(message: WebhookMessage, now: datetime) -> str:
    """Why it is not even tried; empty when it is."""
    hook = message.webhook
    if not hook.key.is_usable(now) or not hook.key.allows("webhooks"):
        return "The partner's key is not in force, or lacks the scope webhooks."
    if not hook.is_active and message.event != TEST_EVENT:
        return "The webhook is switched off."
    if not hook.salts(now):
        return "SECRET_KEY is another one than when its secret was made: the webhook needs a new secret."
    return ""


def _post(message: WebhookMessage, now: datetime) -> Answer:
    body, timestamp = message.body.encode(), int(now.timestamp())
    headers: dict[bytes | str, bytes | str] = {
        "Content-Type": "application/json",
        "User-Agent": "MangaAssist-Webhooks/1",
        "webhook-id": str(message.pk),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(message.webhook.salts(now), str(message.pk), timestamp, body),
    }
    # A receiver that hangs keeps no connection to the database.
    connection.close()
    return sender().post(message.webhook.url, headers, body)


def _log(message: WebhookMessage, answer: Answer, now: datetime, ms: int) -> str:
    """→ the error for the outbox; empty when it is delivered."""
    outcome = "taken" if answer.is_taken else "refused" if answer.status is not None else "unreachable"
    instruments.webhook_attempts.labels(outcome=outcome).inc()
    instruments.webhook_attempt_seconds.observe(ms / 1000)
    WebhookAttempt.objects.create(message=message, at=now, status=answer.status, ms=ms, error=answer.error[:300])
    hooks = Webhook.objects.filter(pk=message.webhook_id)
    if answer.is_taken:
        WebhookMessage.objects.filter(pk=message.pk).update(status=Status.TAKEN, ended_at=timezone.now())
        hooks.update(last_taken_at=now, failures=0, failing_since=None, paused_until=None, last_error="")
        return ""
    hooks.filter(failing_since=None).update(failing_since=now)
    hooks.update(failures=F("failures") + 1, last_error=answer.error[:300])
    hook = hooks.get()
    hooks.update(paused_until=_paused_until(hook.failures, answer.retry_after_s))
    if answer.status == GONE:
        _switch_off(hook, "Its receiver has answered 410 Gone.")
        return _give_up(message, answer.error, now)
    if hook.failing_since and now - hook.failing_since > SWITCHED_OFF_AFTER and hook.failures >= SWITCHED_OFF_FAILURES:
        _switch_off(hook, f"Nothing has reached it for days: {answer.error}")
    return _give_up(message, answer.error, now) if message.tried_until <= now else answer.error


def _paused_until(failures: int, retry_after_s: int | None) -> datetime | None:
    pause_s = float(retry_after_s or 0)
    if failures >= BORNE_FAILURES:
        pause_s = max(pause_s, FIRST_PAUSE_S * 2 ** min(failures - BORNE_FAILURES, MOST_DOUBLINGS))
    return timezone.now() + timedelta(seconds=min(pause_s, LONGEST_PAUSE_S)) if pause_s else None


def _give_up(message: WebhookMessage, reason: str, now: datetime) -> Hopeless:
    WebhookMessage.objects.filter(pk=message.pk).update(status=Status.FAILED, ended_at=now)
    return Hopeless(reason or "Not delivered in time.")


def _switch_off(hook: Webhook, reason: str) -> None:
    """Operators see it on the admin's first page and on the webhook's (partners.webhooks.admin)."""
    if Webhook.objects.filter(pk=hook.pk, is_active=True).update(is_active=False, switched_off_because=reason[:300]):
        instruments.webhooks_switched_off.inc()
        log.error("webhook_switched_off", webhook=str(hook.pk), partner=hook.key_id, reason=reason)
