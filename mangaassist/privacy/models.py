"""What privacy itself keeps: erasures, and when old data was last removed."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import pgettext_lazy


class Erasure(models.Model):
    """A shopper, a conversation or some words that are taken back. Which they are stands in it until it is finished,
    and then nowhere."""

    class Kind(models.TextChoices):
        SHOPPER = "shopper", pgettext_lazy("erasure", "A shopper")
        CONVERSATION = "conversation", pgettext_lazy("erasure", "A conversation")
        WORDS = "words", pgettext_lazy("erasure", "Words of a conversation")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.SHOPPER, db_default=Kind.SHOPPER)
    # In the place of the name (mangaassist.privacy.subject).
    reference = models.CharField(max_length=32, db_index=True)
    asked_by = models.CharField(max_length=150)
    asked_at = models.DateTimeField(default=timezone.now, db_index=True)
    # What is erased, signed: nothing else can be put in its place. Empty when it is finished.
    subject = models.TextField(blank=True, editable=False)
    # The next pass over everything; none when it is finished, or cannot be (then ``error`` says why).
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

    @property
    def is_given_up(self) -> bool:
        return self.again_at is None and self.done_at is None

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
    # Of the last run; empty when it went well.
    error = models.CharField(max_length=300, blank=True, default="", db_default="")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.kind}: {self.ran_at:%Y-%m-%d %H:%M}"
