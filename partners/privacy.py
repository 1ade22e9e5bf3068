"""What partners were told in webhooks, and answers that are kept for a day to be given again."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from mangaassist.outbox.models import OutboxMessage
from mangaassist.privacy.registry import (
    Counts,
    Holder,
    Retention,
    Rows,
    TopicData,
    register_holder,
    register_retention,
    unless_named,
)
from mangaassist.privacy.subject import Subject
from partners.models import IdempotentRequest
from partners.webhooks.messages import TOPIC
from partners.webhooks.models import WebhookMessage


def _export(subject: Subject) -> Iterator[tuple[str, Rows]]:
    told = WebhookMessage.objects.filter(conversation_id__in=subject.conversations).order_by("created_at")
    yield "webhooks", ({"at": each.created_at.isoformat(), "body": orjson.loads(each.body)} for each in told)


def _erase(subject: Subject) -> Counts:
    messages = WebhookMessage.objects.filter(conversation_id__in=subject.conversations)
    OutboxMessage.objects.filter(topic=TOPIC, pk__in=messages.values("pk")).delete()
    _, by_model = messages.delete()
    return {"webhook messages": by_model.get("partners.WebhookMessage", 0), "stored answers": _forget_answers(subject)}


def _forget_answers(subject: Subject) -> int:
    """A request that is sent again then counts as a new one, which finds nobody."""
    named = Q()
    for name in subject.names - subject.turns:
        named |= Q(answer__contains=f'"{name}"')
    return IdempotentRequest.objects.filter(named).delete()[0] if named else 0


def register() -> None:
    register_holder(
        Holder(
            app="partners",
            personal=("WebhookMessage", "WebhookAttempt", "IdempotentRequest"),
            impersonal=("ApiKey", "KeySecret", "Webhook", "WebhookSecret"),
            topics={TOPIC: TopicData(unless_named)},
            export=_export,
            erase=_erase,
        )
    )
    register_retention(
        Retention(
            key="webhooks",
            name=_("Webhook log"),
            about=_("What was sent to partners, and how they answered."),
            setting="WEBHOOK_LOG_DAYS",
        )
    )
