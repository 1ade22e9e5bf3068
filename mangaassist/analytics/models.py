"""What happened, in the embedded profile: the stream's records as rows."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class AnalyticsEvent(models.Model):
    """One record, as Kinesis would have it. ``record_id`` makes a second delivery harmless."""

    record_id = models.CharField(max_length=80, unique=True)
    event = models.CharField(max_length=40, db_index=True)
    session_id = models.CharField(max_length=64, db_index=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)
    body = models.JSONField()

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.event} {self.at:%Y-%m-%d %H:%M:%S}"
