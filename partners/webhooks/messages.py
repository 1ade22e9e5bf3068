"""Messages: written with what happened, sent by the outbox, sent again when a person wants it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.utils import timezone

from mangaassist.outbox.delivery import enqueue, enqueue_again
from mangaassist.outbox.models import OutboxMessage
from mangaassist.outbox.relay import discard
from partners.webhooks.events import body_of
from partners.webhooks.models import TEST_EVENT, TRIED_FOR, Webhook, WebhookMessage, tried_for

TOPIC = "webhook"
MOST_TESTS_A_MINUTE = 10


def publish(event: str, tenant: str, conversation_id: str, at: datetime, data: dict[str, Any]) -> None:
    """To each of the tenant's webhooks that listen to it; in the transaction of what happened."""
    hooks = Webhook.objects.listening(tenant, event)
    if not hooks:
        return
    body = body_of(event, at, data)
    with transaction.atomic():
        for hook in hooks:
            _write(hook, event, body, conversation_id)


class TooManyTests(Exception):
    """A person does not try it so often in a minute."""


def send_test(hook: Webhook) -> WebhookMessage:
    """Also to a webhook that is switched off: one tries it before switching it on. Raises :class:`TooManyTests`."""
    lately = timezone.now() - timedelta(minutes=1)
    if hook.messages.filter(event=TEST_EVENT, created_at__gt=lately).count() >= MOST_TESTS_A_MINUTE:
        raise TooManyTests
    data = {"webhook_id": str(hook.pk), "message": "It works."}
    with transaction.atomic():
        return _write(hook, TEST_EVENT, body_of(TEST_EVENT, timezone.now(), data))


def redeliver(message: WebhookMessage) -> None:
    """The same message once more, under its id, at once and for as long as a new one."""
    now = timezone.now()
    with transaction.atomic():
        WebhookMessage.objects.filter(pk=message.pk).update(
            status=WebhookMessage.Status.WAITING, tried_until=now + tried_for(message.event), ended_at=None
        )
        # A person looks at it now: the receiver's pause is over.
        Webhook.objects.filter(pk=message.webhook_id).update(paused_until=None)
        enqueue_again(TOPIC, message.pk, _payload(message), key=message.lane)


def purge(now: datetime) -> int:
    """Removes what was written before the days that are kept, with its attempts. → how many messages."""
    before = now - timedelta(days=settings.WEBHOOK_LOG_DAYS)
    old = WebhookMessage.objects.filter(created_at__lt=before)
    # What was given up and is forgotten here, nobody can send again.
    parked = OutboxMessage.objects.parked().filter(topic=TOPIC, created_at__lt=before)
    parked.update(status=OutboxMessage.Status.DISCARDED)
    old.exclude(status=WebhookMessage.Status.WAITING).delete()
    # One that waits for longer than it is tried has lost its row in the outbox.
    count, _ = old.filter(tried_until__lt=now - TRIED_FOR).delete()
    return count


@receiver(pre_delete, sender=Webhook)
def forget(sender: Any, instance: Webhook, **kwargs: Any) -> None:
    """What waits for it, or was given up, is nobody's concern any more."""
    rows = OutboxMessage.objects.filter(pk__in=instance.messages.values("pk"))
    discard(list(rows.exclude(status=OutboxMessage.Status.DONE).only("pk")))


def _write(hook: Webhook, event: str, body: str, conversation_id: str = "") -> WebhookMessage:
    now = timezone.now()
    message = WebhookMessage.objects.create(
        id=uuid.uuid4(), webhook=hook, event=event, conversation_id=conversation_id, body=body,
        created_at=now, tried_until=now + tried_for(event),
    )  # fmt: skip
    enqueue(TOPIC, _payload(message), key=message.lane, id=message.pk)
    return message


def _payload(message: WebhookMessage) -> dict[str, Any]:
    """For people who look at the outbox; what is sent stands in the message."""
    return {"webhook": str(message.webhook_id), "event": message.event}
