"""Effects on the outside, as rows: written with the business, delivered by the relay, kept until they are done."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from django.db import connection, models, transaction
from django.utils import timezone


def shared_now() -> datetime:
    """By the database's clock: those of the hosts may be minutes apart, and all of them read due times and leases.

    SQLite lies on one host, whose clock is ours.
    """
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    return cast(datetime, now)


class OutboxQuerySet(models.QuerySet["OutboxMessage"]):
    def due(self, now: datetime) -> OutboxQuerySet:
        """Waiting and due, or claimed by a relay whose lease has run out."""
        return self.filter(
            models.Q(status=OutboxMessage.Status.WAITING, due_at__lte=now)
            | models.Q(status=OutboxMessage.Status.CLAIMED, leased_until__lt=now)
        )

    def parked(self) -> OutboxQuerySet:
        return self.filter(status=OutboxMessage.Status.PARKED)


class OutboxMessage(models.Model):
    """One effect. Its id is the idempotency key of the delivery."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        CLAIMED = "claimed", "Being delivered"
        DONE = "done", "Done"
        PARKED = "parked", "Parked: needs a person"
        DISCARDED = "discarded", "Discarded"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    topic = models.CharField(max_length=64)
    key = models.CharField(max_length=200, blank=True)
    payload = models.JSONField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    leased_until = models.DateTimeField(null=True, blank=True)
    lease = models.UUIDField(null=True, blank=True, editable=False)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)
    # The request that it comes from (mangaassist.correlation), and its place in a trace (mangaassist.tracing). The
    # version before may still write rows while this one is rolled out: hence defaults of the database's own.
    correlation = models.CharField(max_length=64, blank=True, db_default="", editable=False)
    traceparent = models.CharField(max_length=64, blank=True, db_default="", editable=False)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        indexes = [
            models.Index(fields=["topic", "status", "due_at"]),
            models.Index(fields=["status", "created_at"]),
            # The list of operators.
            models.Index(fields=["-created_at"], name="outbox_newest"),
            # Of topics that are delivered in order.
            models.Index(
                fields=["topic", "key", "created_at"],
                condition=models.Q(status__in=["waiting", "claimed"]),
                name="outbox_unfinished_by_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} ({self.status})"


# Rows that a claim looks at: among these it is fair between keys.
WINDOW = 1_000


def claim(
    topic: str, limit: int, lease_s: float, *, in_order: bool = False, concurrency: int = 0
) -> list[OutboxMessage]:
    """Takes up to ``limit`` due rows of a topic for this relay alone, in one statement.

    The keys take turns, so that a flood of one does not hold up the others; of a key the oldest comes first.
    ``in_order``: of a key only its oldest unfinished row, and none while that one is being delivered or waits for its
    next attempt. ``concurrency``: so many relays at a time (0: any number).
    A relay that dies leaves its lease to run out; then the rows are due again.
    """
    now = shared_now()
    lease = uuid.uuid4()
    adapt = connection.ops.adapt_datetimefield_value
    values = {
        "lease": OutboxMessage._meta.get_field("lease").get_db_prep_value(lease, connection),
        "until": adapt(now + timedelta(seconds=lease_s)),
        "now": adapt(now),
        "topic": topic,
        "limit": limit,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        if concurrency and _relays_at_work(topic, now) >= concurrency:
            return []
        cursor.execute(_claim_statement(in_order), values)
    return list(
        OutboxMessage.objects.filter(lease=lease, status=OutboxMessage.Status.CLAIMED).order_by("created_at", "id")
    )


def _relays_at_work(topic: str, now: datetime) -> int:
    claimed = OutboxMessage.objects.filter(topic=topic, status=OutboxMessage.Status.CLAIMED, leased_until__gte=now)
    return claimed.values("lease").distinct().count()


def _claim_statement(in_order: bool) -> str:
    table = OutboxMessage._meta.db_table
    skip = "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    first_of_key = f"""AND (key = '' OR NOT EXISTS (
        SELECT 1 FROM {table} earlier WHERE earlier.topic = due.topic AND earlier.key = due.key
        AND earlier.status IN ('waiting', 'claimed')
        AND (earlier.created_at < due.created_at OR (earlier.created_at = due.created_at AND earlier.id < due.id))
    ))"""  # noqa: S608  # nosec B608  # the table's own name
    return f"""
        UPDATE {table}
        SET status = 'claimed', lease = %(lease)s, leased_until = %(until)s, attempts = attempts + 1
        WHERE id IN (
            SELECT id FROM (
                SELECT id, created_at, ROW_NUMBER() OVER (
                    PARTITION BY CASE WHEN key = '' THEN CAST(id AS text) ELSE key END ORDER BY created_at, id
                ) AS turn
                FROM (
                    SELECT id, key, created_at FROM {table} due
                    WHERE topic = %(topic)s
                    AND ((status = 'waiting' AND due_at <= %(now)s) OR (status = 'claimed' AND leased_until < %(now)s))
                    {first_of_key if in_order else ""}
                    ORDER BY created_at, id LIMIT {WINDOW} {skip}
                ) oldest
            ) ranked
            ORDER BY turn, created_at, id LIMIT %(limit)s
        )"""  # noqa: S608  # nosec B608  # the table's own name, and the number above


class InboxKey(models.Model):
    """A delivery that a consumer has applied: the second one of the same id is dropped."""

    consumer = models.CharField(max_length=64)
    key = models.CharField(max_length=200)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["consumer", "key"], name="inbox_once")]

    def __str__(self) -> str:
        return f"{self.consumer}: {self.key}"


class QueuedMessage(models.Model):
    """The embedded twin of a message queue: visibility time-out, receive count, dead letters."""

    queue = models.CharField(max_length=64)
    body = models.JSONField()
    dedup_id = models.CharField(max_length=200)
    visible_at = models.DateTimeField(default=timezone.now)
    receipt = models.UUIDField(null=True, blank=True, editable=False)
    received = models.PositiveIntegerField(default=0)
    dead = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["queue", "dead", "visible_at"]),
            # The dead ones of all queues: few of very many.
            models.Index(fields=["-id"], condition=models.Q(dead=True), name="queued_dead"),
        ]
        constraints = [models.UniqueConstraint(fields=["queue", "dedup_id"], name="queued_once")]

    def __str__(self) -> str:
        return f"{self.queue} #{self.pk}"


class StreamEnd(models.Model):
    """How far an embedded stream has been written."""

    stream = models.CharField(max_length=64, unique=True)
    number = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.stream}: {self.number}"


class StreamRecord(models.Model):
    """One record of an embedded stream."""

    stream = models.CharField(max_length=64)
    number = models.PositiveBigIntegerField()
    record_id = models.CharField(max_length=200)
    body = models.JSONField()
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "number"], name="stream_number_once")]

    def __str__(self) -> str:
        return f"{self.stream} #{self.number}"


class ShardLease(models.Model):
    """Who reads a shard, and how far it has been applied. One reader at a time; a dead one's lease runs out."""

    topic = models.CharField(max_length=64)
    # Of the stream, which may be made anew under its old name: then its shards are others.
    stream = models.CharField(max_length=300)
    shard = models.CharField(max_length=128)
    owner = models.UUIDField(null=True, blank=True, editable=False)
    leased_until = models.DateTimeField(default=timezone.now)
    # After the last record that has been applied; empty: from the oldest.
    position = models.CharField(max_length=200, blank=True)
    # Closed and applied to its end: what continues it may be read.
    is_over = models.BooleanField(default=False)
    # How often what follows ``position`` could not be applied.
    failures = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(default=timezone.now)
    error = models.TextField(blank=True)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["topic", "stream", "shard"], name="shard_once")]

    def __str__(self) -> str:
        return f"{self.topic} / {self.shard}"


def settle(rows: Iterable[OutboxMessage], **values: Any) -> None:
    """Ends a claim of these rows, but of those whose lease was lost to another relay meanwhile."""
    by_lease: dict[uuid.UUID | None, list[uuid.UUID]] = {}
    for row in rows:
        by_lease.setdefault(row.lease, []).append(row.pk)
    for lease, keys in by_lease.items():
        claimed = OutboxMessage.objects.filter(lease=lease, status=OutboxMessage.Status.CLAIMED, pk__in=keys)
        claimed.update(**values)


def renew(rows: Sequence[OutboxMessage], lease_s: float) -> int:
    """Keeps a claim of these rows for another ``lease_s``; how many of them are still ours."""
    mine = OutboxMessage.objects.filter(lease=rows[0].lease, status=OutboxMessage.Status.CLAIMED)
    return mine.update(leased_until=shared_now() + timedelta(seconds=lease_s))
