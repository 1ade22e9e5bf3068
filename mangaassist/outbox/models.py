"""Effects on the outside, as rows: written with the business, delivered by the relay, kept until they are done."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone


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

    objects = OutboxQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        indexes = [
            models.Index(fields=["topic", "status", "due_at"]),
            models.Index(fields=["status", "created_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.topic} ({self.status})"


def claim(topic: str, limit: int, lease_s: float) -> list[OutboxMessage]:
    """Takes up to ``limit`` due rows of a topic for this relay alone, oldest first, in one statement.

    A relay that dies leaves its lease to run out; then the rows are due again.
    """
    now = timezone.now()
    lease = uuid.uuid4()
    table = OutboxMessage._meta.db_table
    skip = " FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    value = OutboxMessage._meta.get_field("lease").get_db_prep_value(lease, connection)
    at = [connection.ops.adapt_datetimefield_value(each) for each in (now + timedelta(seconds=lease_s), now, now)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET status = 'claimed', lease = %s, leased_until = %s, attempts = attempts + 1"  # noqa: S608
            f" WHERE id IN (SELECT id FROM {table} WHERE topic = %s AND ("
            " (status = 'waiting' AND due_at <= %s) OR (status = 'claimed' AND leased_until < %s))"
            f" ORDER BY created_at, id LIMIT %s{skip})",
            [value, at[0], topic, at[1], at[2], limit],
        )
    return list(
        OutboxMessage.objects.filter(lease=lease, status=OutboxMessage.Status.CLAIMED).order_by("created_at", "id")
    )


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
        indexes = [models.Index(fields=["queue", "dead", "visible_at"])]
        constraints = [models.UniqueConstraint(fields=["queue", "dedup_id"], name="queued_once")]

    def __str__(self) -> str:
        return f"{self.queue} #{self.pk}"


def settle(rows: Iterable[OutboxMessage], **values: Any) -> None:
    """Ends a claim, unless the lease was lost to another relay meanwhile."""
    for row in rows:
        OutboxMessage.objects.filter(pk=row.pk, lease=row.lease, status=OutboxMessage.Status.CLAIMED).update(**values)
