"""What is remembered of how facts came in: events' ids, the time that an object's facts are of, uploaded feeds."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

# Any number, the same in every process: pg_advisory_xact_lock.
_LOCK = 0x6D616E6761


def one_writer() -> None:
    """Until the transaction ends nobody else compares times and writes: SQLite has one writer in any case."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


class TakenEvent(models.Model):
    """A catalogue event that had its effect, or came too late to have one: sent again it has none."""

    # Who sent it: ids are theirs.
    source = models.CharField(max_length=64)
    event_id = models.CharField(max_length=128)
    taken_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "event_id"], name="catalog_event_once")]

    def __str__(self) -> str:
        return f"{self.source}: {self.event_id}"


class ObjectVersionQuerySet(models.QuerySet["ObjectVersion"]):
    def times(self, kind: str, refs: Collection[str]) -> dict[str, datetime]:
        return dict(self.filter(kind=kind, ref__in=refs).values_list("ref", "at"))

    def note(self, kind: str, times: Iterable[tuple[str, datetime]]) -> None:
        """From now on what is older is ignored."""
        rows = [ObjectVersion(kind=kind, ref=ref, at=at) for ref, at in times]
        self.bulk_create(rows, update_conflicts=True, unique_fields=["kind", "ref"], update_fields=["at"])


class ObjectVersion(models.Model):
    """When that was so, at its source, which is stored of an object here. Also of one that was deleted."""

    kind = models.CharField(max_length=16)
    ref = models.CharField(max_length=80)
    at = models.DateTimeField()

    objects = ObjectVersionQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "ref"], name="object_version_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.ref}: {self.at:%Y-%m-%d %H:%M:%S}"


class FeedJob(models.Model):
    """A feed that was uploaded, and what became of it. One is at work at a time, the oldest first."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid.uuid4, editable=False)
    source = models.CharField(_("sent by"), max_length=64, db_index=True)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    bytes = models.PositiveBigIntegerField(_("bytes"))
    lines = models.PositiveBigIntegerField(_("lines"), default=0)
    taken = models.PositiveBigIntegerField(_("taken"), default=0)
    changed = models.PositiveBigIntegerField(_("changed"), default=0)
    rejected = models.PositiveBigIntegerField(_("rejected"), default=0)
    # Why it failed, in a sentence for whoever sent it.
    error = models.CharField(_("error"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("uploaded"), default=timezone.now, db_index=True)
    started_at = models.DateTimeField(_("begun"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True, db_index=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    # Of the worker that is at it; a dead one's runs out.
    lease = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("uploaded feed")
        verbose_name_plural = _("uploaded feeds")
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=models.Q(state__in=["waiting", "running"]),
                name="feed_jobs_unfinished",
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def path(self) -> Path:
        """Of the file as it was sent, plain or gzip."""
        return uploads_folder() / f"{self.pk}.feed"


class FeedReject(models.Model):
    """A line that a job refused."""

    job = models.ForeignKey(FeedJob, on_delete=models.CASCADE, related_name="rejects")
    line = models.PositiveBigIntegerField(_("line"))
    reason = models.CharField(_("reason"), max_length=500)
    # Its beginning.
    text = models.CharField(_("text"), max_length=1000)

    class Meta:
        ordering = ["line"]
        verbose_name = _("refused line")
        verbose_name_plural = _("refused lines")
        constraints = [models.UniqueConstraint(fields=["job", "line"], name="feed_reject_once")]

    def __str__(self) -> str:
        return f"{self.line}: {self.reason}"


def uploads_folder() -> Path:
    return Path(settings.DATA_DIR) / "feeds"
