"""The shop's data as Amazon Personalize imports it: one CSV file and one Avro schema per dataset.

Columns and reserved names as in Amazon Personalize's developer guide ("Datasets and schemas"). Several values of a
categorical column are joined by ``|``. Context that is sent with requests must exist in the interactions' schema, so
CURRENT_QUERY and DEVICE_TYPE stand there though the past does not know them.
"""

from __future__ import annotations

import csv
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db.models import Q, QuerySet

from recommendations.models import Interaction
from shop.models import Edition, Offer

# Longer values are refused by the service.
LONGEST_CATEGORICAL = 1000
LONGEST_TEXT = 20_000

Rows = Iterator[Sequence[object]]


@dataclass(frozen=True)
class Column:
    """``kind``: an Avro type. ``is_optional``: may be empty. ``is_categorical``: one value or several with ``|``."""

    name: str
    kind: str = "string"
    is_optional: bool = False
    is_categorical: bool = False
    is_text: bool = False

    def as_avro(self) -> dict[str, Any]:
        field: dict[str, Any] = {"name": self.name, "type": ["null", self.kind] if self.is_optional else self.kind}
        if self.is_categorical:
            field["categorical"] = True
        if self.is_text:
            field["textual"] = True
        return field


@dataclass(frozen=True)
class Dataset:
    """``name``: as Avro and Personalize call it."""

    name: str
    columns: tuple[Column, ...]
    rows: Callable[[], Rows]

    def schema(self) -> dict[str, Any]:
        return {
            "type": "record",
            "name": self.name,
            "namespace": "com.amazonaws.personalize.schema",
            "fields": [column.as_avro() for column in self.columns],
            "version": "1.0",
        }


def write(folder: Path, progress: Callable[[int], object] = lambda rows: None) -> dict[str, int]:
    """Writes all datasets, each whole or not at all; rows by dataset. Raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    return {dataset.name: _write(dataset, folder, progress) for dataset in DATASETS}


def _write(dataset: Dataset, folder: Path, progress: Callable[[int], object]) -> int:
    count = 0
    handle, draft = tempfile.mkstemp(prefix=f".{dataset.name}-", dir=folder)
    try:
        with os.fdopen(handle, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([column.name for column in dataset.columns])
            for row in dataset.rows():
                writer.writerow(row)
                count += 1
                progress(1)
        Path(draft).replace(folder / f"{dataset.name.lower()}.csv")
    finally:
        Path(draft).unlink(missing_ok=True)
    schema = json.dumps(dataset.schema(), indent=2) + "\n"
    (folder / f"{dataset.name.lower()}.schema.json").write_text(schema, encoding="utf-8")
    return count


def _interactions() -> Rows:
    rows = Interaction.objects.order_by("at", "pk").values_list(
        "customer_id", "session_id", "asin", "type", "value", "at"
    )
    for customer_id, session_id, asin, kind, value, at in rows.iterator(chunk_size=10_000):
        told = "" if value is None else value
        yield customer_id or session_id, asin, int(at.timestamp()), kind, told, "", ""


def _items() -> Rows:
    editions = Edition.objects.order_by("pk")
    stocked = stocked_asins(Offer.objects.all())
    for edition in editions.select_related("series").iterator(chunk_size=2_000):
        yield item_row(edition, is_stocked=edition.pk in stocked)


def stocked_asins(offers: QuerySet[Offer]) -> set[str]:
    """An offer without a number of copies (an e-book) never runs out."""
    return set(offers.filter(Q(stock__gt=0) | Q(stock__isnull=True)).values_list("edition_id", flat=True))


def item_row(edition: Edition, *, is_stocked: bool) -> tuple[str | int, ...]:
    """Values of the items' columns, in their order; empty texts where nothing is known."""
    series = edition.series
    return (
        edition.pk,
        int(series.updated_at.timestamp()),
        series.pk,
        _joined(series.genres),
        _joined(series.themes),
        _joined(series.authors),
        series.demographic,
        series.age_rating,
        edition.format,
        edition.language,
        "true" if is_stocked else "false",
        series.description[:LONGEST_TEXT],
    )


def _users() -> Rows:
    known = Interaction.objects.exclude(customer_id="").order_by("customer_id")
    for (customer_id,) in known.values_list("customer_id").distinct().iterator(chunk_size=10_000):
        yield customer_id, "customer"
    guests = Interaction.objects.filter(customer_id="").order_by("session_id")
    for (session_id,) in guests.values_list("session_id").distinct().iterator(chunk_size=10_000):
        yield session_id, "guest"


def _joined(words: Iterable[str]) -> str:
    joined = ""
    for word in words:
        longer = f"{joined}|{word.replace('|', ' ')}" if joined else word.replace("|", " ")
        if len(longer) > LONGEST_CATEGORICAL:
            break
        joined = longer
    return joined


INTERACTIONS = Dataset(
    "Interactions",
    (
        Column("USER_ID"),
        Column("ITEM_ID"),
        Column("TIMESTAMP", "long"),
        Column("EVENT_TYPE"),
        Column("EVENT_VALUE", "float", is_optional=True),
        Column("CURRENT_QUERY", is_optional=True, is_categorical=True),
        Column("DEVICE_TYPE", is_optional=True, is_categorical=True),
    ),
    _interactions,
)
ITEMS = Dataset(
    "Items",
    (
        Column("ITEM_ID"),
        Column("CREATION_TIMESTAMP", "long"),
        Column("SERIES", is_categorical=True),
        Column("GENRES", is_optional=True, is_categorical=True),
        Column("THEMES", is_optional=True, is_categorical=True),
        Column("AUTHORS", is_optional=True, is_categorical=True),
        Column("DEMOGRAPHIC", is_optional=True, is_categorical=True),
        Column("AGE_RATING", is_categorical=True),
        Column("FORMAT", is_categorical=True),
        Column("LANGUAGE", is_categorical=True),
        Column("IN_STOCK", is_categorical=True),
        Column("DESCRIPTION", is_optional=True, is_text=True),
    ),
    _items,
)
USERS = Dataset("Users", (Column("USER_ID"), Column("KIND", is_categorical=True)), _users)
DATASETS = (INTERACTIONS, ITEMS, USERS)
