"""Works, how they belong together, and by which words they are meant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from shop.models.catalog import AGE_CHOICES, CatalogModel, CatalogQuerySet, ages_up_to
from shop.text import fold


class SeriesQuerySet(CatalogQuerySet["Series"]):
    def for_age(self, limit: str) -> SeriesQuerySet:
        return self.filter(age_rating__in=ages_up_to(limit))

    def _follow(self, keys: list[Any]) -> None:
        from shop.search import index_series

        rows = list(Series._base_manager.filter(pk__in=keys))
        rebuild_terms(rows)
        index_series(rows)


class Series(CatalogModel):
    """A work, whatever editions of it are sold."""

    class Status(models.TextChoices):
        ONGOING = "ongoing"
        COMPLETE = "complete"
        HIATUS = "hiatus"
        CANCELLED = "cancelled"

    id = models.SlugField(primary_key=True, max_length=64)
    title = models.CharField(max_length=200, db_index=True)
    native_title = models.CharField(max_length=200, blank=True)
    romanized_title = models.CharField(max_length=200, blank=True)
    aliases = models.JSONField(default=list, blank=True)
    authors = models.JSONField(default=list, blank=True)
    native_authors = models.JSONField(default=list, blank=True)
    category = models.CharField(max_length=64, default="manga", db_index=True)
    demographic = models.CharField(max_length=32, blank=True, db_index=True)
    genres = models.JSONField(default=list, blank=True)
    themes = models.JSONField(default=list, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ONGOING)
    age_rating = models.CharField(max_length=12, choices=AGE_CHOICES, default="teen")
    volume_count = models.PositiveIntegerField(null=True, blank=True)
    started = models.PositiveIntegerField(null=True, blank=True)
    description = models.TextField(blank=True)
    native_description = models.TextField(blank=True)
    updated_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = SeriesQuerySet.as_manager()

    class Meta:
        ordering = ["title"]
        verbose_name_plural = "series"

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return f"/series/{self.pk}/"

    @classmethod
    def touched(cls, rows: Iterable[Any]) -> tuple[set[str], set[str]]:
        return set(), {row.pk for row in rows}

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.updated_at = timezone.now()
        with transaction.atomic():
            super().save(*args, **kwargs)
            Series.objects.all()._follow([self.pk])


class SeriesRelation(models.Model):
    class Type(models.TextChoices):
        SEQUEL = "sequel"
        PREQUEL = "prequel"
        SPIN_OFF = "spin_off"
        SIDE_STORY = "side_story"
        ADAPTATION = "adaptation"

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="relations")
    to = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="+")
    type = models.CharField(max_length=16, choices=Type.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "to", "type"], name="relation_once")]

    def __str__(self) -> str:
        return f"{self.series_id} → {self.type} → {self.to_id}"


class SeriesTerm(models.Model):
    """Every name and word by which a series may be meant: an index, derived from Series and never edited."""

    class Kind(models.TextChoices):
        TITLE = "title"
        ALIAS = "alias"
        AUTHOR = "author"
        GENRE = "genre"
        THEME = "theme"

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="terms")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    text = models.CharField(max_length=200)
    folded = models.CharField(max_length=200)

    class Meta:
        indexes = [models.Index(fields=["kind", "folded"])]

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


def rebuild_terms(rows: Iterable[Series]) -> None:
    """Derives the terms of these series anew."""
    series = list(rows)
    SeriesTerm.objects.filter(series__in=series).delete()
    SeriesTerm.objects.bulk_create(
        SeriesTerm(series=each, kind=kind, text=text[:200], folded=fold(text)[:200])
        for each in series
        for kind, texts in (
            (SeriesTerm.Kind.TITLE, [each.title, each.native_title, each.romanized_title]),
            (SeriesTerm.Kind.ALIAS, each.aliases),
            (SeriesTerm.Kind.AUTHOR, [*each.authors, *each.native_authors]),
            (SeriesTerm.Kind.GENRE, each.genres),
            (SeriesTerm.Kind.THEME, each.themes),
        )
        for text in dict.fromkeys(texts)
        if fold(text)
    )
