"""The series as the engines see them: held in memory, read again when a series has changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from django.db.models import Count, Max

from caching.pictures import Picture
from recommendations.backends.base import Wish
from recommendations.content import content_vectors
from shop.changes import ALL_SERIES_TAG
from shop.models import AGE_RATINGS, Series
from shop.text import fold

if TYPE_CHECKING:
    from scipy import sparse

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """What the engines need of a series; ``genres`` and ``themes`` are folded."""

    id: str
    title: str
    native_title: str
    category: str
    demographic: str
    age_rating: str
    genres: tuple[str, ...]
    themes: tuple[str, ...]
    authors: tuple[str, ...]
    volume_count: int | None


class _Labels:
    """One label per series as a number: comparing 50,000 texts takes a millisecond, numbers a hundredth of it."""

    def __init__(self, labels: Iterable[str]) -> None:
        self.codes: dict[str, int] = {}
        self._of_place = np.array([self.codes.setdefault(label, len(self.codes)) for label in labels], dtype=np.int32)

    def equal(self, label: str) -> Mask:
        return np.asarray(self._of_place == self.codes.get(label, -1), dtype=np.bool_)


class Catalogue:
    """An immutable picture of all series, in the order of their ids; masks and scores are arrays in this order."""

    def __init__(self, rows: Iterable[SeriesRow]) -> None:
        self.rows = tuple(sorted(rows, key=lambda row: row.id))
        self.index = {row.id: place for place, row in enumerate(self.rows)}
        self._ages = np.array([_age_rank(row.age_rating) for row in self.rows], dtype=np.int8)
        self._categories = _Labels(row.category for row in self.rows)
        self._demographics = _Labels(row.demographic for row in self.rows)
        self._words: dict[str, list[int]] = {}
        for place, row in enumerate(self.rows):
            for word in {*row.genres, *row.themes}:
                self._words.setdefault(word, []).append(place)
        self._kinds = {word: "genre" for row in self.rows for word in row.genres}
        for word in (word for row in self.rows for word in row.themes):
            self._kinds.setdefault(word, "theme")

    def __len__(self) -> int:
        return len(self.rows)

    def find(self, series_id: str) -> SeriesRow | None:
        place = self.index.get(series_id)
        return None if place is None else self.rows[place]

    @cached_property
    def vectors(self) -> sparse.csr_matrix:
        return content_vectors(
            [
                [
                    *(("genre", word) for word in row.genres),
                    *(("theme", word) for word in row.themes),
                    *(("author", author) for author in row.authors),
                    *([("demographic", row.demographic)] if row.demographic else []),
                ]
                for row in self.rows
            ]
        )

    def fitting(self, wish: Wish) -> Mask:
        """Which series keep to every limit of ``wish``."""
        mask = self._categories.equal(wish.category) & (self._ages <= _age_rank(wish.max_age_rating))
        if wish.demographic:
            mask &= self._demographics.equal(wish.demographic)
        for word in (*wish.genres, *wish.themes):
            mask &= self._having(word)
        for word in (*wish.exclude_genres, *wish.exclude_themes):
            mask &= ~self._having(word)
        return np.asarray(mask, dtype=np.bool_)

    def _having(self, wished: str) -> Mask:
        """Series with a genre or theme that contains the wished words: "fantasy" is met by "dark fantasy"."""
        parts = set(fold(wished).split())
        mask = np.zeros(len(self.rows), dtype=np.bool_)
        if parts:
            for word, places in self._words.items():
                if parts <= set(word.split()):
                    mask[places] = True
        return mask

    def may_be_named(self, series_id: str, max_age_rating: str) -> bool:
        """Whether a reader of that age may be told of it, as a reason for instance."""
        place = self.index.get(series_id)
        return place is not None and bool(self._ages[place] <= _age_rank(max_age_rating))

    def words_in(self, text: str) -> tuple[tuple[str, str], ...]:
        """(kind, word) of each genre, theme or demographic that ``text`` names, the longest first."""
        rest = f" {fold(text)} "
        found: list[tuple[str, str]] = []
        named = self._kinds | {fold(each): "demographic" for each in self._demographics.codes if each}
        for word in sorted(named, key=lambda word: (-len(word), word)):
            if f" {word} " in rest:
                found.append((named[word], word))
                rest = rest.replace(f" {word} ", "  ")
        return tuple(found)


def _age_rank(rating: str) -> int:
    """An unknown rating ranks above all: it is shown only where no limit is set."""
    return AGE_RATINGS.index(rating) if rating in AGE_RATINGS else len(AGE_RATINGS)


def _read_series() -> list[SeriesRow]:
    fields = "pk", "title", "native_title", "category", "demographic", "age_rating", "genres", "themes", "authors"
    return [
        SeriesRow(
            id=pk,
            title=title,
            native_title=native_title,
            category=category,
            demographic=demographic,
            age_rating=age_rating,
            genres=tuple(fold(each) for each in genres),
            themes=tuple(fold(each) for each in themes),
            authors=tuple(fold(each) for each in authors),
            volume_count=volume_count,
        )
        for (
            pk, title, native_title, category, demographic, age_rating, genres, themes, authors, volume_count
        ) in Series.objects.values_list(*fields, "volume_count").iterator(chunk_size=5000)
    ]  # fmt: skip


# The process's newest one.
catalogues = Picture(
    ALL_SERIES_TAG,
    make=lambda: Catalogue(_read_series()),
    rows_version=lambda: tuple(Series.objects.aggregate(n=Count("pk"), at=Max("updated_at")).values()),
)
