"""What all facts of the catalogue share: their changes are heard, and an age limit holds for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db import models, transaction
from django.utils import timezone

from shop.changes import note_change

M = TypeVar("M", bound=models.Model)

AGE_RATINGS = ("all", "teen", "older_teen", "mature", "adult")
AGE_CHOICES = [(rating, rating.replace("_", " ").capitalize()) for rating in AGE_RATINGS]


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
