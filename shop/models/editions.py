"""What can be put into a cart, and what it costs now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, ClassVar

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models, transaction
from django.utils import timezone

from shop.changes import note_change
from shop.formats import FORMATS
from shop.models.catalog import AGE_CHOICES, CatalogModel, CatalogQuerySet, ages_up_to
from shop.models.series import Series

ASIN_PATTERN = r"[A-Za-z0-9_-]{1,32}"


def former_day(announced: date | None, former: date | None, *, moved_to: date | None) -> date | None:
    """What to keep as an edition's former release date when its date becomes ``moved_to``: the announced one when that
    still lay ahead, else what was kept already. A book that is out has no date to slip.
    """
    if announced is None or moved_to is None or announced == moved_to or announced <= timezone.localdate():
        return former
    return announced


class EditionQuerySet(CatalogQuerySet["Edition"]):
    def of_series(self, series_id: str) -> EditionQuerySet:
        return self.filter(series_id=series_id)

    def in_language(self, language: str) -> EditionQuerySet:
        return self.filter(language=language)

    def in_format(self, *formats: str) -> EditionQuerySet:
        return self.filter(format__in=formats)

    def singles(self) -> EditionQuerySet:
        """One volume each: paperbacks, hardcovers and e-books, no collections."""
        return self.filter(format__in=("paperback", "hardcover", "ebook"), first_volume__isnull=False)

    def next_after(self, volume: int) -> Edition | None:
        """The edition that begins right behind a volume, or at the next one there is."""
        return self.filter(first_volume__gt=volume).order_by("first_volume", "format").first()

    def for_age(self, limit: str) -> EditionQuerySet:
        return self.filter(age_rating__in=ages_up_to(limit))

    def bulk_create(self, objs: Iterable[Edition], *args: Any, **kwargs: Any) -> list[Edition]:
        rows = list(objs)
        for row in rows:
            row.first_volume = min(row.volumes, default=None)
        return super().bulk_create(rows, *args, **kwargs)

    def bulk_update(self, objs: Iterable[Edition], fields: Iterable[str], batch_size: int | None = None) -> int:
        rows, names = list(objs), set(fields)
        if "volumes" in names:
            names.add("first_volume")
            for row in rows:
                row.first_volume = min(row.volumes, default=None)
        return super().bulk_update(rows, names, batch_size=batch_size)

    def update(self, **kwargs: Any) -> int:
        if isinstance(kwargs.get("volumes"), list):
            kwargs["first_volume"] = min(kwargs["volumes"], default=None)
        day = kwargs.get("release_date")
        if isinstance(day, date):
            # Every row has its own former day.
            moved = self.filter(release_date__gt=timezone.localdate()).exclude(release_date=day)
            kwargs.setdefault(
                "former_release_date",
                models.Case(
                    models.When(pk__in=list(moved.values_list("pk", flat=True)), then=models.F("release_date")),
                    default=models.F("former_release_date"),
                ),
            )
        return super().update(**kwargs)

    def _follow(self, keys: list[Any]) -> None:
        from shop.search import index_editions

        index_editions(list(Edition._base_manager.filter(pk__in=keys)))


class Edition(CatalogModel):
    """One thing that can be put into a cart."""

    asin = models.CharField(primary_key=True, max_length=32, validators=[RegexValidator(rf"^{ASIN_PATTERN}$")])
    isbn13 = models.CharField(max_length=13, blank=True, db_index=True)
    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="editions")
    title = models.CharField(max_length=250)
    format = models.CharField(max_length=12, choices=FORMATS, default="paperback")
    language = models.CharField(max_length=8, default="en", db_index=True)
    edition_number = models.PositiveIntegerField(null=True, blank=True)
    volumes = models.JSONField(default=list, blank=True)
    # Derived from volumes, for ordering.
    first_volume = models.PositiveIntegerField(null=True, blank=True, editable=False)
    publisher = models.CharField(max_length=120, blank=True)
    release_date = models.DateField(null=True, blank=True)
    # The day that was announced before, when it was moved while it still lay ahead. Kept by itself, never edited.
    former_release_date = models.DateField(null=True, blank=True, editable=False)
    age_rating = models.CharField(max_length=12, choices=AGE_CHOICES, default="teen")
    pages = models.PositiveIntegerField(null=True, blank=True)
    rating = models.FloatField(null=True, blank=True)
    rating_count = models.PositiveIntegerField(default=0)
    description = models.TextField(blank=True)
    cover_url = models.CharField(max_length=500, blank=True)
    in_print = models.BooleanField(default=True)
    updated_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = EditionQuerySet.as_manager()

    class Meta:
        ordering = ["series", "language", "format", "first_volume", "asin"]
        indexes = [models.Index(fields=["series", "language", "format", "first_volume"])]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return f"/products/{self.pk}/"

    @classmethod
    def touched(cls, rows: Iterable[Any]) -> tuple[set[str], set[str]]:
        return {row.pk for row in rows}, {row.series_id for row in rows}

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.first_volume = min(self.volumes) if self.volumes else None
        self.updated_at = timezone.now()
        with transaction.atomic():
            before = Edition._base_manager.filter(pk=self.pk).values_list("release_date", "former_release_date").first()
            if before is not None:
                self.former_release_date = former_day(*before, moved_to=self.release_date)
            super().save(*args, **kwargs)
            Edition.objects.all()._follow([self.pk])


class Offer(CatalogModel):
    """What an edition costs and how many there are, now. Read live wherever it is shown, never cached."""

    edition = models.OneToOneField(Edition, on_delete=models.CASCADE, primary_key=True, related_name="offer")
    price = models.DecimalField(max_digits=12, decimal_places=2, validators=[MinValueValidator(0)])
    list_price = models.DecimalField(
        max_digits=12, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    currency = models.CharField(max_length=3, default="USD", validators=[RegexValidator(r"^[A-Z]{3}$")])
    # Null: never runs out (e-books).
    stock = models.PositiveIntegerField(null=True, blank=True)
    updated_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[CatalogQuerySet[Offer]] = CatalogQuerySet.as_manager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.edition_id}: {self.price} {self.currency}"

    @classmethod
    def touched(cls, rows: Iterable[Any]) -> tuple[set[str], set[str]]:
        return {row.pk for row in rows}, set()

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.updated_at = timezone.now()
        models.Model.save(self, *args, **kwargs)
        note_change(asins={self.pk}, fields=("price", "stock"))
