"""What partners were told in webhooks, and answers that are kept for a day to be given again."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from mangaassist.outbox.models import OutboxMessage
from mangaassist.outbox.privacy import TOGETHER, batched
from mangaassist.privacy.registry import (
    Countable,
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
from mangaassist.privacy.words import Words, without_words
from mangaassist.redaction import redact
from partners.models import IdempotentRequest
from partners.webhooks.messages import TOPIC
from partners.webhooks.models import WebhookMessage


def _messages(subject: Subject) -> QuerySet[WebhookMessage]:
    return WebhookMessage.objects.filter(conversation_id__in=subject.conversations)


def _export(subject: Subject) -> Iterator[tuple[str, Rows]]:
    told = _messages(subject).order_by("created_at").iterator(chunk_size=200)
    yield "webhooks", ({"at": each.created_at.isoformat(), "body": orjson.loads(each.body)} for each in told)


def _count(subject: Subject) -> Iterator[tuple[str, Countable]]:
    yield "webhooks", _messages(subject)


def _erase(subject: Subject) -> Counts:
    messages = _messages(subject)
    OutboxMessage.objects.filter(topic=TOPIC, pk__in=messages.values("pk")).delete()
    _, by_model = messages.delete()
    return {"webhook messages": by_model.get("partners.WebhookMessage", 0), "stored answers": _forget_answers(subject)}


def _forget_answers(subject: Subject) -> int:
    """A request that is sent again then counts as a new one, which finds nobody."""
    removed = 0
    for names in batched(sorted(subject.names), TOGETHER):
        named = Q()
        for name in names:
            # Customers and guests may have come back since; what was erased has not.
            before = Q(created_at__lte=subject.until) if name in subject.owners | subject.sessions else Q()
            named |= before & Q(answer__contains=f'"{name}"')
        removed += IdempotentRequest.objects.filter(named).delete()[0]
    return removed


def _redact(words: Words) -> None:
    """Of a comment, in what was sent and what waits; of a message, in the answers that are kept for who asks again."""
    # As partners are told it: without personal data.
    needles = words.said | {redact(text) for text in words.said}
    if words.opinion:
        about = WebhookMessage.objects.filter(conversation_id=words.conversation, event="feedback.received")
        for told in about.filter(body__contains=words.opinion):
            body = orjson.loads(told.body)
            body["data"] = without_words(body["data"], needles)
            WebhookMessage.objects.filter(pk=told.pk).update(body=orjson.dumps(body).decode())
    named = Q(answer__contains=words.conversation)
    if words.turn:
        named |= Q(answer__contains=words.turn)
    for kept in IdempotentRequest.objects.filter(named):
        answer = orjson.dumps(without_words(orjson.loads(kept.answer), words.said)).decode()
        IdempotentRequest.objects.filter(pk=kept.pk).update(answer=answer)


def register() -> None:
    register_holder(
        Holder(
            app="partners",
            personal=("WebhookMessage", "WebhookAttempt", "IdempotentRequest"),
            impersonal=("ApiKey", "KeySecret", "Webhook", "WebhookSecret"),
            topics={TOPIC: TopicData(unless_named)},
            export=_export,
            count=_count,
            erase=_erase,
            redact=_redact,
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
