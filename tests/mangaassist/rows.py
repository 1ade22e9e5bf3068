"""Rows of any model, made from what its fields say: for tests that walk over all of them."""

from __future__ import annotations

import itertools
import uuid
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils import timezone

_numbers = itertools.count(1)


def fill(
    model: type[models.Model], count: int, *, behind: tuple[type[models.Model], ...] = (), **same: Any
) -> list[Any]:
    """``count`` new rows, each with rows of its own behind its foreign keys, so that a list which asks for them one
    by one is found out. No signal is sent and no rule of the model is asked. ``same``: what all of them have."""
    rows = [model(**_values(model, next(_numbers), (*behind, model)) | same) for _ in range(count)]
    return list(model._base_manager.bulk_create(rows))


def _values(model: type[models.Model], number: int, behind: tuple[type[models.Model], ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if isinstance(field, models.AutoField | models.BigAutoField) or getattr(field, "generated", False):
            continue
        if field.primary_key and field.has_default() and not isinstance(field, models.UUIDField):
            continue  # The one row of some settings.
        if field.is_relation:
            related: Any = field.related_model
            # A circle would have no end.
            is_circle = field.null and related in behind
            values[field.name] = None if is_circle else fill(related, 1, behind=behind)[0]
        else:
            values[field.name] = _value(field, number)
    return values


def _value(field: Any, number: int) -> Any:
    if field.choices and not field.unique:
        return next(iter(field.flatchoices))[0]
    made: dict[type[models.Field[Any, Any]], Any] = {
        models.UUIDField: uuid.uuid4(),
        models.BooleanField: False,
        models.DateTimeField: timezone.now() - timedelta(minutes=number),
        models.DateField: date(2026, 1, 1) + timedelta(days=number),
        models.TimeField: time(9),
        models.DecimalField: Decimal(1),
        models.FloatField: 0.5,
        models.IntegerField: number if field.unique else 1 + number % 30,
        models.BinaryField: b"",
    }
    if isinstance(field, models.JSONField):
        return {} if field.default is models.NOT_PROVIDED else field.get_default()
    if isinstance(field, models.EmailField):
        return f"somebody-{number}@shop.example"
    if isinstance(field, models.CharField | models.TextField):
        return f"{field.name[:10]}-{number}"[-(field.max_length or 40) :]
    for kind, value in made.items():
        # A field of datetimes is one of dates as well: the order tells.
        if isinstance(field, kind):
            return value
    return field.get_default()
