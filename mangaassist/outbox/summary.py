"""How deliveries stand, by topic, for the person on call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Max, Min, Q

from mangaassist.outbox.models import OutboxMessage, shared_now
from mangaassist.outbox.topics import topic_names

S = OutboxMessage.Status
# Of a flood it is enough to know that it is one.
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Standing:
    """``oldest_s``: the age of the oldest row that is still to be delivered. ``error``: of the newest failure."""

    topic: str
    is_known: bool
    waiting: int
    retrying: int
    parked: int
    done_today: int
    oldest_s: float | None
    most_attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class Glance:
    """``waiting`` and ``parked``: at most MOST_COUNTED each. ``oldest_s``: the age of the oldest undelivered row."""

    waiting: int
    oldest_s: float | None
    parked: int


def glance() -> Glance:
    """However much there is, a few thousand entries of an index are read."""
    now = shared_now()
    by_status: dict[str, list[Any]] = {
        status: list(
            OutboxMessage.objects.filter(status=status)
            .order_by("created_at")
            .values_list("created_at", flat=True)[:MOST_COUNTED]
        )
        for status in (S.WAITING, S.CLAIMED, S.PARKED)
    }
    oldest = min((rows[0] for status, rows in by_status.items() if rows and status != S.PARKED), default=None)
    return Glance(
        waiting=min(MOST_COUNTED, len(by_status[S.WAITING]) + len(by_status[S.CLAIMED])),
        oldest_s=(now - oldest).total_seconds() if oldest else None,
        parked=len(by_status[S.PARKED]),
    )


def standings() -> list[Standing]:
    """Topics with parked rows first, then those with the oldest waiting row; all registered topics are there."""
    now = shared_now()
    unfinished = Q(status__in=(S.WAITING, S.CLAIMED))
    rows = (
        OutboxMessage.objects.order_by()
        .values("topic")
        .annotate(
            waiting=Count("pk", filter=unfinished),
            retrying=Count("pk", filter=unfinished & Q(attempts__gt=0, status=S.WAITING)),
            parked=Count("pk", filter=Q(status=S.PARKED)),
            done_today=Count("pk", filter=Q(status=S.DONE, done_at__gte=now - timedelta(days=1))),
            oldest=Min("created_at", filter=unfinished),
            most_attempts=Max("attempts", filter=unfinished),
        )
    )
    by_topic = {row["topic"]: row for row in rows}
    found = []
    for topic in sorted({*topic_names(), *by_topic}):
        row: dict[str, Any] = dict(by_topic.get(topic) or {})
        oldest = row.get("oldest")
        found.append(
            Standing(
                topic=topic,
                is_known=topic in topic_names(),
                waiting=row.get("waiting", 0),
                retrying=row.get("retrying", 0),
                parked=row.get("parked", 0),
                done_today=row.get("done_today", 0),
                oldest_s=(now - oldest).total_seconds() if oldest else None,
                most_attempts=row.get("most_attempts") or 0,
                error=_newest_error(topic) if row.get("parked") or row.get("retrying") else "",
            )
        )
    return sorted(found, key=lambda each: (-each.parked, -(each.oldest_s or 0), each.topic))


def _newest_error(topic: str) -> str:
    failed = OutboxMessage.objects.filter(topic=topic, status__in=(S.WAITING, S.PARKED)).exclude(error="")
    return failed.order_by("-due_at").values_list("error", flat=True).first() or ""
