"""Limits on series, and the words that a text names."""

from __future__ import annotations

import numpy as np
import pytest

from recommendations.backends.base import Wish
from recommendations.catalogue import Catalogue, SeriesRow, catalogues
from recommendations.content import likeness
from shop.models import Series


def row(id: str, *genres: str, **more: object) -> SeriesRow:
    known = {
        "title": id, "native_title": "", "category": "manga", "demographic": "seinen", "age_rating": "teen",
        "themes": (), "authors": (), "volume_count": 1,
    } | more  # fmt: skip
    return SeriesRow(id=id, genres=genres, **known)  # type: ignore[arg-type]


SHELF = Catalogue(
    [
        row("berserk", "dark fantasy", "action", themes=("revenge",), age_rating="mature", authors=("miura",)),
        row("frieren", "fantasy", themes=("cosy",), demographic="shonen"),
        row("junji", "psychological horror", age_rating="mature"),
        row("novel", "fantasy", category="light novel"),
        row("odd", "fantasy", age_rating="unheard of"),
    ]
)


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (Wish(), {"berserk", "frieren", "junji"}),
        (Wish(max_age_rating="teen"), {"frieren"}),
        (Wish(genres=("fantasy",)), {"berserk", "frieren"}),
        (Wish(genres=("Dark-Fantasy",)), {"berserk"}),
        (Wish(genres=("fantasy", "action")), {"berserk"}),
        (Wish(exclude_genres=("horror",)), {"berserk", "frieren"}),
        (Wish(exclude_themes=("revenge",)), {"frieren", "junji"}),
        (Wish(themes=("cosy",)), {"frieren"}),
        (Wish(demographic="shonen"), {"frieren"}),
        (Wish(category="light novel"), {"novel"}),
        (Wish(genres=("no such thing",)), set()),
        (Wish(genres=("",)), set()),
    ],
)
def test_all_limits_hold_together(wish: Wish, expected: set[str]) -> None:
    mask = SHELF.fitting(wish)

    assert {SHELF.rows[int(place)].id for place in np.flatnonzero(mask)} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Something with DARK FANTASY please", (("genre", "dark fantasy"),)),
        ("fantasy and revenge", (("genre", "fantasy"), ("theme", "revenge"))),
        ("a seinen", (("demographic", "seinen"),)),
        ("fantastic", ()),
        ("", ()),
    ],
)
def test_words_of_the_catalogue_the_longest_first(text: str, expected: tuple[tuple[str, str], ...]) -> None:
    assert set(SHELF.words_in(text)) == set(expected)


def test_like_content_is_near() -> None:
    shelf = Catalogue(
        [
            row("a", "horror", authors=("ito",)),
            row("b", "horror", authors=("ito",)),
            row("c", "horror"),
            row("d", "sports"),
        ]
    )

    near = likeness(shelf.vectors, 0)

    assert near[0] == pytest.approx(1)
    assert near[1] == pytest.approx(1)
    assert near[1] > near[2] > near[3]


@pytest.mark.usefixtures("library")
def test_the_picture_is_renewed_when_a_series_changes_comes_or_goes() -> None:
    first = catalogues.current()
    assert catalogues.current() is first

    series = Series.objects.get(pk="horror-00")
    series.genres = ["romance"]
    series.save()
    changed = catalogues.current()
    Series.objects.create(id="new", title="New")
    grown = catalogues.current()
    Series.objects.filter(pk="new").delete()

    assert changed.find("horror-00").genres == ("romance",)  # type: ignore[union-attr]
    assert grown.find("new") is not None
    assert catalogues.current().find("new") is None
