"""Which edition comes next, and with which one a series begins."""

from __future__ import annotations

import pytest

from recommendations.shelves import EditionRow, beginnings, continuations, next_volume, usual


def edition(asin: str, volumes: list[int], **more: object) -> EditionRow:
    known = {"series_id": "s", "language": "en", "format": "paperback", "edition_number": None} | more
    return EditionRow(asin=asin, volumes=tuple(volumes), **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("at_home", "expected"),
    [
        ([[1]], 2),
        ([[1], [2], [3]], 4),
        ([[1, 2, 3]], 4),
        ([[1], [2], [4]], 3),
        ([[5]], 6),
        ([[1, 2, 3], [4], [6]], 5),
        ([[]], None),
        ([], None),
    ],
)
def test_the_next_volume_is_the_first_missing_one(at_home: list[list[int]], expected: int | None) -> None:
    assert next_volume(edition(str(number), volumes) for number, volumes in enumerate(at_home)) == expected


def test_goes_on_in_the_language_of_the_volumes_at_home() -> None:
    had = [edition("JA-1", [1], language="ja")]
    offered = [edition("EN-2", [2]), edition("JA-2", [2], language="ja")]

    assert continuations(had, offered) == ("JA-2",)


def test_prefers_the_format_at_home_and_knows_others() -> None:
    had = [edition("E1", [1], format="ebook")]
    offered = [edition("P2", [2]), edition("E2", [2], format="ebook")]

    assert continuations(had, offered) == ("E2", "P2")
    assert continuations(had, offered, format="paperback") == ("P2",)


def test_the_newest_volume_at_home_decides_the_format() -> None:
    had = [edition("E2", [2], format="ebook"), edition("P1", [1])]
    offered = [edition("P3", [3]), edition("E3", [3], format="ebook")]

    assert continuations(had, offered)[0] == "E3"


def test_a_collection_counts_while_less_than_half_of_it_is_at_home() -> None:
    omnibus = edition("OM-2", [4, 5, 6], format="omnibus")

    assert continuations([edition("1", [1, 2, 3])], [omnibus]) == ("OM-2",)
    assert continuations([edition("1", [1, 2, 3]), edition("4", [4])], [omnibus]) == ("OM-2",)
    assert continuations([edition("1", [1, 2, 3]), edition("4", [4]), edition("5", [5])], [omnibus]) == ()


def test_after_an_omnibus_the_volume_behind_it() -> None:
    offered = [edition("2", [2]), edition("4", [4])]

    assert continuations([edition("OM-1", [1, 2, 3], format="omnibus")], offered) == ("4",)


def test_what_is_at_home_is_not_offered_again() -> None:
    had = [edition("1", [1])]

    assert continuations(had, had) == ()


def test_an_art_book_is_nothing_to_continue() -> None:
    assert continuations([edition("ART", [])], [edition("1", [1])]) == ()


def test_a_series_begins_with_its_first_volume_in_the_preferred_format() -> None:
    editions = [
        edition("BOX", [1, 2, 3], format="box_set"),
        edition("OM", [1, 2], format="omnibus"),
        edition("P1", [1]),
        edition("E1", [1], format="ebook"),
        edition("P2", [2]),
        edition("ART", []),
    ]

    assert beginnings(editions)["s"] == ("P1", "E1", "OM")
    assert beginnings(editions, preferred_format="ebook")["s"] == ("E1", "P1", "OM")


def test_a_prologue_comes_behind_volume_one() -> None:
    assert beginnings([edition("V0", [0]), edition("V1", [1])])["s"] == ("V1", "V0")


def test_without_numbers_only_a_series_that_has_none() -> None:
    assert beginnings([edition("ART", [])]) == {}
    assert beginnings([edition("ONLY", [])], unnumbered={"s"}) == {"s": ("ONLY",)}


def test_the_usual_is_the_most_frequent_and_of_equals_the_first() -> None:
    assert usual(["en", "ja", "ja"], "en") == "ja"
    assert usual(["ebook", "paperback"], "") == "ebook"
    assert usual([], "en") == "en"
