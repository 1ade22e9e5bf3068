"""Handing a conversation to a person: its state and its own copy of what was said."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone


class HandoffQuerySet(models.QuerySet["Handoff"]):
    def open(self) -> HandoffQuerySet:
        return self.filter(status__in=Handoff.OPEN)


class Handoff(models.Model):
    """One request for a person. At most one per conversation is open."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting"
        AGENT = "agent", "With an agent"
        CLOSED = "closed", "Closed"
        CANCELLED = "cancelled", "Cancelled by the shopper"

    OPEN = (Status.QUEUED, Status.AGENT)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation_id = models.CharField(max_length=64, db_index=True)
    customer_id = models.CharField(max_length=128, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    reason = models.CharField(max_length=500, blank=True)
    language = models.CharField(max_length=8, default="en")
    summary = models.TextField(blank=True)
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = HandoffQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation_id"],
                condition=models.Q(status__in=("queued", "agent")),
                name="one_open_handoff_per_conversation",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()} · {self.opened_at:%Y-%m-%d %H:%M}"


class HandoffLine(models.Model):
    """One line of the handed-over conversation."""

    handoff = models.ForeignKey(Handoff, on_delete=models.CASCADE, related_name="lines")
    role = models.CharField(max_length=10)
    text = models.TextField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.role}: {self.text[:60]}"


class HandoffTransition(models.Model):
    """The audit trail: every change of a handoff's state, by whom."""

    handoff = models.ForeignKey(Handoff, on_delete=models.CASCADE, related_name="transitions")
    status = models.CharField(max_length=10, choices=Handoff.Status.choices)
    by = models.CharField(max_length=150)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.status} by {self.by}"
