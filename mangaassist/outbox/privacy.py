"""What is on its way, and what is kept of what has gone: rows of the outbox and of embedded queues, by topic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import Model, Q, QuerySet, TextField
from django.db.models.functions import Cast

from mangaassist.outbox.models import OutboxMessage, QueuedMessage
from mangaassist.privacy.registry import Counts, Holder, Rows, register_holder, topic_data, unless_named
from mangaassist.privacy.subject import Subject

# Names of one question to the database.
TOGETHER = 40


def batched(names: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    return (names[start : start + most] for start in range(0, len(names), most))


def _naming(rows: QuerySet[Any], field: str, subject: Subject) -> Iterator[Any]:
    """Rows whose JSON may name the shopper. Each name is asked for in every row: this is no everyday question."""
    needles, seen = subject.needles(), set()
    told = rows.annotate(told=Cast(field, TextField()))
    for some in batched(needles, TOGETHER):
        anywhere = Q()
        for needle in some:
            anywhere |= Q(told__contains=needle)
        for row in told.filter(anywhere).iterator(chunk_size=200):
            if row.pk not in seen:
                seen.add(row.pk)
                yield row


def _export(subject: Subject) -> Iterator[tuple[str, Rows]]:
    yield "on_the_way", _waiting(subject)


def _waiting(subject: Subject) -> Iterator[dict[str, Any]]:
    personal = [topic for topic, data in topic_data().items() if data is not None]
    for row in _naming(OutboxMessage.objects.filter(topic__in=personal), "payload", subject):
        if subject.is_named_in(row.payload):
            # Several shoppers' records may lie in one row.
            own = [each for each in row.payload.get("records", ()) if subject.is_named_in(each)]
            payload = row.payload | {"records": own} if own else row.payload
            yield {"topic": row.topic, "status": row.status, "at": row.created_at.isoformat(), "payload": payload}


def _erase(subject: Subject) -> Counts:
    if not subject.names:
        return {}
    changed = 0
    for topic, data in topic_data().items():
        if data is None:
            continue
        rows = OutboxMessage.objects.filter(topic=topic)
        if data.stays_until_done:
            rows = rows.filter(status__in=(OutboxMessage.Status.DONE, OutboxMessage.Status.DISCARDED))
        whenever = data.stays_until_done or data.at_any_time
        for row in _naming(rows, "payload", subject):
            meant = subject if whenever else subject.named_at(row.created_at)
            changed += _put(OutboxMessage, row, "payload", data.without(row.payload, meant))
        for row in _naming(QueuedMessage.objects.filter(queue=topic), "body", subject):
            meant = subject.named_at(row.created_at)
            changed += _put(QueuedMessage, row, "body", unless_named(row.body, meant))
    return {"deliveries": changed}


def _put(model: type[Model], row: Any, field: str, left: dict[str, Any] | None) -> int:
    rows = model._base_manager.filter(pk=row.pk)
    if left is None:
        return rows.delete()[0]
    return rows.update(**{field: left}) if left != getattr(row, field) else 0


def without_records(payload: dict[str, Any], subject: Subject) -> dict[str, Any] | None:
    """For topics whose rows hold many shoppers' ``records``."""
    left: Iterable[Any] = [each for each in payload["records"] if not subject.is_named_in(each)]
    return payload | {"records": left} if left else None


def register() -> None:
    register_holder(
        Holder(
            app="outbox",
            personal=("OutboxMessage", "QueuedMessage"),
            # Ids of messages, and what is to be indexed anew.
            impersonal=("InboxKey", "StreamEnd", "StreamRecord", "ShardLease"),
            export=_export,
            erase=_erase,
            stage=4,
        )
    )
