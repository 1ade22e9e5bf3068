"""What is sold. Series and editions are facts; offers and orders are live and read at the moment they are shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any, ClassVar, TypeVar

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from caching.invalidation import invalidate
from shop.changes import note_change
from shop.feed_records import FeedJob, FeedReject, ObjectVersion, TakenEvent  # noqa: F401  (tables)
from shop.text import fold

M = TypeVar("M", bound=models.Model)

AGE_RATINGS = ("all", "teen", "older_teen", "mature", "adult")
ASIN_PATTERN = r"[A-Za-z0-9_-]{1,32}"

FORMATS = [
    ("paperback", "Paperback"),
    ("hardcover", "Hardcover"),
    ("ebook", "E-book"),
    ("omnibus", "Omnibus"),
    ("deluxe", "Deluxe edition"),
    ("box_set", "Box set"),
]
_AGES = [(rating, rating.replace("_", " ").capitalize()) for rating in AGE_RATINGS]


def ages_up_to(rating: str) -> tuple[str, ...]:
    """The age ratings that are allowed where ``rating`` is the limit; an empty limit allows all."""
    return AGE_RATINGS[: AGE_RATINGS.index(rating) + 1] if rating in AGE_RATINGS else AGE_RATINGS


class CatalogQuerySet(models.QuerySet[M]):
    """Whatever way rows are changed, the change is heard (shop.changes)."""

    def _note(self, rows: Iterable[Any], fields: Iterable[str]) -> None:
        rows = list(rows)
        if rows:
            asins, series = rows[0].__class__.touched(rows)
            note_change(asins=asins, series=series, fields=frozenset(fields) or frozenset({"*"}))

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> list[M]:
        with transaction.atomic():
            created = super().bulk_create(objs, *args, **kwargs)
            self._note(created, kwargs.get("update_fields") or ())
            self._follow([row.pk for row in created])
        return created

    def bulk_update(self, objs: Iterable[M], fields: Iterable[str], batch_size: int | None = None) -> int:
        rows = list(objs)
        with transaction.atomic():
            # Django's own bulk_update goes through update() below, which notes and follows.
            return super().bulk_update(rows, list(fields), batch_size=batch_size)

    def update(self, **kwargs: Any) -> int:
        stamp = {"updated_at": timezone.now()} if hasattr(self.model, "updated_at") else {}
        with transaction.atomic():
            rows = list(self)
            count = super().update(**(stamp | kwargs))
            self._note(rows, kwargs)
            self._follow([row.pk for row in rows])
        return count

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            self._note(list(self), ())
            return super().delete()

    def _follow(self, keys: list[Any]) -> None:
        """Brings up to date what is derived from these rows. Deleted ones: shop.receivers."""


class CatalogModel(models.Model):
    """A row whose change makes cached facts wrong."""

    class Meta:
        abstract = True

    @classmethod
    def touched(cls, rows: Iterable[Any]) -> tuple[set[str], set[str]]:
        """(ASINs, series ids) that these rows are about."""
        raise NotImplementedError

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            super().save(*args, **kwargs)
            asins, series = self.touched([self])
            note_change(asins=asins, series=series, fields=kwargs.get("update_fields") or ("*",))

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        asins, series = self.touched([self])
        with transaction.atomic():
            note_change(asins=asins, series=series)
            return super().delete(*args, **kwargs)


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
    age_rating = models.CharField(max_length=12, choices=_AGES, default="teen")
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
    age_rating = models.CharField(max_length=12, choices=_AGES, default="teen")
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


class Order(models.Model):
    """Read live and only ever for its owner."""

    class Status(models.TextChoices):
        PROCESSING = "processing"
        SHIPPED = "shipped"
        DELIVERED = "delivered"
        CANCELLED = "cancelled"
        RETURNED = "returned"

    id = models.CharField(primary_key=True, max_length=32)
    customer_id = models.CharField(max_length=128, db_index=True)
    status = models.CharField(max_length=12, choices=Status.choices)
    placed_at = models.DateTimeField(db_index=True)
    eta = models.DateField(null=True, blank=True)
    carrier = models.CharField(max_length=64, blank=True)
    tracking = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-placed_at"]

    def __str__(self) -> str:
        return self.pk


class OrderLine(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    edition = models.ForeignKey(Edition, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.edition_id}"


class Cart(models.Model):
    """A customer's cart, or a guest session's."""

    customer_id = models.CharField(max_length=128, blank=True, db_index=True)
    session_id = models.CharField(max_length=64, blank=True, db_index=True)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer_id"], condition=~models.Q(customer_id=""), name="one_cart_per_customer"
            ),
            models.UniqueConstraint(
                fields=["session_id"], condition=models.Q(customer_id=""), name="one_cart_per_session"
            ),
        ]
        indexes = [models.Index(fields=["updated_at"], name="cart_by_age")]

    def __str__(self) -> str:
        return self.customer_id or self.session_id


class CartLine(models.Model):
    """No price in here: it is read live whenever the cart is shown."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="lines")
    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="+")
    quantity = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["cart", "edition"], name="edition_once_per_cart")]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.edition_id}"
