"""Analytics forget what chat has taken back: records that wait, our own table, what was asked and not found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.dispatch import receiver

from chat.signals import conversation_erased, message_redacted
from mangaassist.analytics.buffer import buffer
from mangaassist.analytics.models import AnalyticsEvent, UnansweredQuestion
from mangaassist.analytics.unanswered import key_of, normalised, unanswered
from mangaassist.outbox.forgetting import rewrite


@receiver(message_redacted)
def forget_words(
    sender: Any, conversation_id: str, turn_ids: list[str], said: list[str], instead: str, **kwargs: Any
) -> None:
    def reworded(record: dict[str, Any]) -> dict[str, Any]:
        if record.get("turn_id") not in turn_ids:
            return record
        return record | {name: instead for name in ("message", "response") if name in record}

    # What has gathered in this process is stored first: there it is found.
    buffer.flush()
    for turn_id in turn_ids:
        rewrite(
            "analytics", turn_id, lambda payload: payload | {"records": [reworded(each) for each in payload["records"]]}
        )
    for event in AnalyticsEvent.objects.filter(session_id=conversation_id):
        body = reworded(event.body)
        if body != event.body:
            AnalyticsEvent.objects.filter(pk=event.pk).update(body=body)
    _forget_questions(said)


@receiver(conversation_erased)
def forget_conversation(sender: Any, conversation_id: str, said: list[str], **kwargs: Any) -> None:
    def others(payload: dict[str, Any]) -> dict[str, Any] | None:
        records = [each for each in payload["records"] if each.get("session_id") != conversation_id]
        return payload | {"records": records} if records else None

    buffer.flush()
    rewrite("analytics", conversation_id, others)
    AnalyticsEvent.objects.filter(session_id=conversation_id).delete()
    _forget_questions(said)


def _forget_questions(said: Iterable[str]) -> None:
    """Those that nobody else has asked: what many ask is nobody's own."""
    unanswered.flush()
    keys = {
        key_of({"kind": kind, "language": language, "question": normalised(text)})
        for text in said
        for kind in UnansweredQuestion.Kind.values
        for language in ("en", "ja")
    }
    UnansweredQuestion.objects.filter(key__in=keys, asked=1).delete()
