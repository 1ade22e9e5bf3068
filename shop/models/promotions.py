"""Rules that take something off in the cart."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from caching.invalidation import invalidate
from shop.changes import note_change
from shop.models.catalog import CatalogQuerySet

_LANGUAGE = re.compile(r"[a-z]{2,3}")
LONGEST_TITLE = 200


def check_titles(titles: object) -> None:
    """Language (ISO 639, lower case) to title. Raises ``ValidationError`` for anything else."""
    if not isinstance(titles, dict):
        raise ValidationError(_("Titles must be an object: a language, and the title in it."))
    for language, title in titles.items():
        if not _LANGUAGE.fullmatch(language):
            raise ValidationError(_("“%(name)s” is no language: write ja, fr, …"), params={"name": language[:40]})
        if not isinstance(title, str) or not title.strip() or len(title) > LONGEST_TITLE or "\x00" in title:
            raise ValidationError(
                _("The title in “%(name)s” must be text of 1 to %(most)s characters."),
                params={"name": language, "most": LONGEST_TITLE},
            )


class PromotionQuerySet(CatalogQuerySet["Promotion"]):
    def _note(self, rows: Iterable[Promotion], fields: Iterable[str]) -> None:
        for row in rows:
            row.note()

    def running(self) -> PromotionQuerySet:
        now = timezone.now()
        return self.filter(starts__lte=now, ends__gt=now)


class Promotion(models.Model):
    """A rule, taken off in the cart as a line of its own: prices as shown stay the offers' prices."""

    id = models.SlugField(primary_key=True, max_length=64)
    title = models.CharField(max_length=200)
    # The version before may still write rows while this one is rolled out: hence a default of the database's own.
    titles = models.JSONField(
        _("titles in other languages"),
        default=dict,
        db_default={},
        blank=True,
        validators=[check_titles],
        help_text=_('By language, for example {"ja": "春のセール"}. The title stands where a language has none.'),
    )
    category = models.CharField(max_length=64, default="manga", db_index=True)
    # Both empty: everything of the category.
    series = models.JSONField(default=list, blank=True)
    asins = models.JSONField(default=list, blank=True)
    percent_off = models.PositiveSmallIntegerField()
    starts = models.DateTimeField()
    ends = models.DateTimeField()

    objects = PromotionQuerySet.as_manager()

    class Meta:
        ordering = ["ends", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(percent_off__gte=1, percent_off__lte=90), name="promotion_percent_1_to_90"
            )
        ]

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            super().save(*args, **kwargs)
            self.note()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            self.note()
            return super().delete(*args, **kwargs)

    def note(self) -> None:
        """Its category's rules are read anew, and whoever listens hears of it."""
        invalidate({f"promotions:{self.category}"})
        note_change(asins=self.asins, series=self.series or ["*"], fields=("promotion",))
