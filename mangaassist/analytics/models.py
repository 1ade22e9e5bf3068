"""What happened, in the embedded profile: the stream's records as rows."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

# Rows that go in one statement: SQLite's only writer is not held up for long.
SLICE = 1_000


class AnalyticsEventQuerySet(models.QuerySet["AnalyticsEvent"]):
    def prune(self) -> int:
        """Removes what is older than ``ANALYTICS_KEPT_DAYS``, slice by slice; the number of events."""
        old = self.filter(at__lt=timezone.now() - timedelta(days=settings.ANALYTICS_KEPT_DAYS)).order_by("at")
        removed = 0
        while keys := list(old.values_list("pk", flat=True)[:SLICE]):
            count, _ = self.filter(pk__in=keys).delete()
            removed += count
        return removed


class AnalyticsEvent(models.Model):
    """One record, as Kinesis would have it. ``record_id`` makes a second delivery harmless."""

    record_id = models.CharField(max_length=80, unique=True)
    event = models.CharField(max_length=40, db_index=True)
    session_id = models.CharField(max_length=64, db_index=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)
    body = models.JSONField()

    objects = AnalyticsEventQuerySet.as_manager()

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.event} {self.at:%Y-%m-%d %H:%M:%S}"
