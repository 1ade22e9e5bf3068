"""What happened, in the embedded profile: the stream's records as rows; and, in all, what was not found."""

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


class UnansweredQuerySet(models.QuerySet["UnansweredQuestion"]):
    def prune(self) -> int:
        """Removes what nobody asked for ``ANALYTICS_KEPT_DAYS``, and the least asked over ``MOST``; how many."""
        old = self.filter(last_asked_at__lt=timezone.now() - timedelta(days=settings.ANALYTICS_KEPT_DAYS))
        removed = 0
        while keys := list(old.order_by("last_asked_at").values_list("pk", flat=True)[:SLICE]):
            removed += self.filter(pk__in=keys).delete()[0]
        over = self.count() - UnansweredQuestion.MOST
        least = self.order_by("asked", "last_asked_at")
        while over > 0 and (keys := list(least.values_list("pk", flat=True)[: min(SLICE, over)])):
            count = self.filter(pk__in=keys).delete()[0]
            removed, over = removed + count, over - count
        return removed


class UnansweredQuestion(models.Model):
    """What shoppers asked for and nothing was found, counted; a row for each wording, language and kind."""

    # Rows; the least asked go first.
    MOST = 20_000

    class Kind(models.TextChoices):
        HELP = "help", "Help"
        TITLE = "title", "Title"
        SEARCH = "search", "Search"
        OTHER = "other", "Not understood"

    # Of kind, language and the folded question.
    key = models.CharField(max_length=32, unique=True, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    language = models.CharField(max_length=8, choices=settings.LANGUAGES)
    # NFKC, lower case, personal data and order numbers replaced.
    question = models.CharField(max_length=300)
    asked = models.PositiveIntegerField(default=0)
    first_asked_at = models.DateTimeField()
    last_asked_at = models.DateTimeField(db_index=True)
    # What came nearest: its name, where it is ("article slug/locale", "series id"), how near (0-1), by which measure.
    nearest = models.CharField(max_length=300, blank=True)
    nearest_ref = models.CharField(max_length=1100, blank=True)
    nearest_score = models.FloatField(null=True, blank=True)
    nearest_by = models.CharField(max_length=10, blank=True)
    # Empty again when it is asked once more and still not found.
    handled_at = models.DateTimeField(null=True, blank=True)
    handled_by = models.CharField(max_length=150, blank=True)
    # The series that the question's words were added to as an alias.
    alias_of = models.ForeignKey("shop.Series", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    objects = UnansweredQuerySet.as_manager()

    class Meta:
        ordering = ["-asked", "-last_asked_at"]
        indexes = [
            models.Index(fields=["-asked", "-last_asked_at"], name="unanswered_by_volume"),
            models.Index(fields=["kind", "language", "-asked"], name="unanswered_by_kind"),
        ]

    def __str__(self) -> str:
        return self.question
