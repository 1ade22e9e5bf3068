"""What happened: in the embedded profile the stream's records as rows; in all, what was not found, and what was
counted of each hour and day."""

from __future__ import annotations

import math
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
    event = models.CharField(max_length=40)
    session_id = models.CharField(max_length=64, db_index=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)
    body = models.JSONField()

    objects = AnalyticsEventQuerySet.as_manager()

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["event", "-at"], name="analytics_event_newest")]

    def __str__(self) -> str:
        return f"{self.event} {self.at:%Y-%m-%d %H:%M:%S}"


class UnansweredQuerySet(models.QuerySet["UnansweredQuestion"]):
    def prune(self) -> int:
        """Removes what nobody asked for ``ANALYTICS_KEPT_DAYS``, and the least asked over ``MOST``; how many."""
        old = self.filter(last_asked_at__lt=timezone.now() - timedelta(days=settings.ANALYTICS_KEPT_DAYS))
        removed = 0
        while keys := list(old.order_by("last_asked_at").values_list("pk", flat=True)[:SLICE]):
            self.filter(pk__in=keys).delete()
            removed += len(keys)
        over = self.count() - UnansweredQuestion.MOST
        least = self.order_by("asked", "last_asked_at")
        while over > 0 and (keys := list(least.values_list("pk", flat=True)[: min(SLICE, over)])):
            self.filter(pk__in=keys).delete()
            removed, over = removed + len(keys), over - len(keys)
        first_day = timezone.localdate() - timedelta(days=math.ceil(settings.ANALYTICS_KEPT_DAYS))
        UnansweredCount.objects.filter(day__lt=first_day).delete()
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


class UnansweredCount(models.Model):
    """How often it was asked in vain on one day of the shop's."""

    question = models.ForeignKey(UnansweredQuestion, on_delete=models.CASCADE, related_name="days")
    day = models.DateField(db_index=True)
    asked = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["question", "day"], name="unanswered_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.asked}"


# --- Roll-ups (mangaassist.analytics.rollup) ----------------------------------------------------------------------


class Tally(models.Model):
    """What was counted of one hour or day of the shop's time about one subject and label: the intent ``price``, the
    step ``generate``. See mangaassist.analytics.tallying for the subjects and their numbers, which add up.
    """

    class Grain(models.TextChoices):
        HOUR = "hour"
        DAY = "day"

    grain = models.CharField(max_length=4, choices=Grain.choices)
    start = models.DateTimeField()
    subject = models.CharField(max_length=16)
    label = models.CharField(max_length=64, blank=True)
    numbers = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()
        permissions = [("view_overview", "Can see the overview")]
        constraints = [models.UniqueConstraint(fields=["grain", "start", "subject", "label"], name="tally_once")]

    def __str__(self) -> str:
        return f"{self.grain} {self.start:%Y-%m-%d %H:%M}: {self.subject} {self.label}"


class TallyMark(models.Model):
    """How far the rows of one source have been counted. Whoever counts holds its lock."""

    source = models.CharField(max_length=16, primary_key=True)
    # Of rows that are read in the order of their time; of those that are read in the order of their ids.
    upto = models.DateTimeField(null=True)
    number = models.PositiveBigIntegerField(default=0)
    ran_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.source


class TalliedRow(models.Model):
    """A row near its source's mark that has been seen: it is counted once. ``is_over``: it has been, else it is still
    running and counts when it ends."""

    source = models.CharField(max_length=16)
    row = models.UUIDField()
    at = models.DateTimeField()
    is_over = models.BooleanField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["source", "row"], name="tallied_once")]
        indexes = [models.Index(fields=["source", "is_over", "at"], name="tallied_by_time")]

    def __str__(self) -> str:
        return f"{self.source} {self.row}"


class ShownList(models.Model):
    """A list of recommendations that a conversation showed, and when something of it was first clicked and bought."""

    list_id = models.CharField(max_length=40, primary_key=True)
    engine = models.CharField(max_length=32)
    shown_at = models.DateTimeField(db_index=True)
    clicked_at = models.DateTimeField(null=True)
    bought_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.engine} {self.list_id}"
