"""The operator's table: one row per registered kind."""

from __future__ import annotations

from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models, transaction
from django.utils.translation import gettext

from caching.durations import human
from caching.invalidation import invalidate
from caching.redis_scripts import POLICY_TAG
from caching.registry import find_kind, registered_kinds

log = structlog.get_logger(__name__)
_TUNED = ("enabled", "ttl_s", "negative_ttl_s", "jitter_percent")


class CachePolicyQuerySet(models.QuerySet["CachePolicy"]):
    def create_missing(self) -> None:
        """A row with its defaults for every registered kind that has none."""
        present = set(self.values_list("kind", flat=True))
        missing = [CachePolicy.with_defaults(kind.name) for kind in registered_kinds() if kind.name not in present]
        self.bulk_create(missing, ignore_conflicts=True)

    def update(self, **kwargs: Any) -> int:
        changed = super().update(**kwargs)
        invalidate([POLICY_TAG])
        return changed


class CachePolicy(models.Model):
    """How long values of one kind may be served. Saving it acts on the next cache call of every process."""

    kind = models.CharField(primary_key=True, max_length=32, editable=False)
    enabled = models.BooleanField(
        default=True, help_text="Off: every answer is computed, nothing of this kind is read from the cache or stored."
    )
    ttl_s = models.PositiveIntegerField(
        "time to live (s)", help_text="Seconds. Acts on existing entries at once, in every process."
    )
    negative_ttl_s = models.PositiveIntegerField(
        "time to live of “nothing there” (s)",
        help_text="Seconds that the absence of something is remembered; 0: never.",
    )
    jitter_percent = models.PositiveIntegerField(
        "jitter (%)",
        default=10,
        validators=[MaxValueValidator(50)],
        help_text="Lives are shortened by up to this much, so that entries stored together do not expire together.",
    )
    generation = models.PositiveIntegerField(default=0, editable=False)
    changed_at = models.DateTimeField(auto_now=True)

    objects = CachePolicyQuerySet.as_manager()

    class Meta:
        verbose_name = "cache policy"
        verbose_name_plural = "cache policies"
        ordering = ("kind",)

    def __str__(self) -> str:
        kind = find_kind(self.kind)
        return gettext(kind.label) if kind is not None else self.kind

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            before = CachePolicy.objects.filter(pk=self.pk).values(*_TUNED).first() or {}
            super().save(*args, **kwargs)
            invalidate([POLICY_TAG])
        changes = {
            name: f"{before.get(name)} → {getattr(self, name)}"
            for name in _TUNED
            if before.get(name) != getattr(self, name)
        }
        if changes:
            log.info("cache_policy_changed", kind=self.kind, **changes)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        deleted = super().delete(*args, **kwargs)
        invalidate([POLICY_TAG])
        return deleted

    def clean(self) -> None:
        """Bounds are the kind's own, so that no operator can make a kind useless or stale for weeks."""
        kind = find_kind(self.kind)
        if kind is None:
            raise ValidationError(f"“{self.kind}” is not a kind of cached value.")
        faults: dict[str, str] = {}
        if self.ttl_s is not None and not kind.min_ttl_s <= self.ttl_s <= kind.max_ttl_s:
            faults["ttl_s"] = (
                f"Give {human(kind.min_ttl_s)} to {human(kind.max_ttl_s)}. To stop caching, switch the kind off."
            )
        if self.negative_ttl_s is not None and self.negative_ttl_s > kind.max_ttl_s:
            faults["negative_ttl_s"] = f"Give 0 to {human(kind.max_ttl_s)}."
        if faults:
            raise ValidationError(faults)

    def forget_entries(self) -> None:
        """Makes every existing entry of this kind a miss."""
        CachePolicy.objects.filter(pk=self.pk).update(generation=models.F("generation") + 1)
        self.refresh_from_db(fields=["generation"])

    @classmethod
    def with_defaults(cls, name: str) -> CachePolicy:
        """An unsaved row with the defaults of a registered kind."""
        kind = find_kind(name)
        if kind is None:
            raise ValidationError(f"“{name}” is not a kind of cached value.")
        return cls(
            kind=kind.name,
            ttl_s=kind.default_ttl_s,
            negative_ttl_s=kind.negative_ttl_s,
            jitter_percent=kind.jitter_percent,
        )
