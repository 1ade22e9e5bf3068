"""What privacy itself keeps: erasures, and when old data was last removed."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone


class Erasure(models.Model):
    """One shopper's erasure. Whose it was stands in it until it is finished, and then nowhere."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # In the place of the name (mangaassist.privacy.subject).
    reference = models.CharField(max_length=32, db_index=True)
    asked_by = models.CharField(max_length=150)
    asked_at = models.DateTimeField(default=timezone.now, db_index=True)
    # The ids that are erased, signed: nothing else can be put in their place. Empty when it is finished.
    subject = models.TextField(blank=True, editable=False)
    # The next pass over everything; none when it is finished.
    again_at = models.DateTimeField(null=True, editable=False)
    passes = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True, blank=True)
    # Of rows, by name.
    counts = models.JSONField(default=dict)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-asked_at"]
        default_permissions = ()
        permissions = [
            ("view_privacy", "Can see how long data is kept"),
            ("export_shopper", "Can export what is kept of a shopper"),
            ("erase_shopper", "Can erase a shopper everywhere"),
        ]
        indexes = [
            models.Index(fields=["again_at"], condition=models.Q(again_at__isnull=False), name="erasure_unfinished")
        ]

    def __str__(self) -> str:
        return f"{self.reference} · {self.asked_at:%Y-%m-%d %H:%M}"


class RetentionRun(models.Model):
    """When the old data of one kind was last removed."""

    kind = models.CharField(max_length=32, primary_key=True)
    ran_at = models.DateTimeField()
    # By the last run, and by all of them; ``is_behind``: the last run's time was over before it was through.
    removed = models.PositiveIntegerField(default=0)
    removed_in_all = models.PositiveBigIntegerField(default=0)
    is_behind = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.kind}: {self.ran_at:%Y-%m-%d %H:%M}"
