"""Which omnibus or deluxe edition is meant by its number."""

from __future__ import annotations

from typing import Any

import pytest

from chat.gathering.editions import numbered_collection
from shop.models import Edition
from tests.shop.catalogue import lay_small_catalogue

pytestmark = pytest.mark.django_db


def collection(number: int, title: str, edition_number: int | None, **fields: Any) -> None:
    volumes = list(range(3 * number - 2, 3 * number + 1))
    given = {"asin": f"DELUXE-{fields.get('language', 'en')}-{number}", "format": "deluxe", "language": "en"} | fields
    Edition.objects.create(series_id="one-piece", title=title, edition_number=edition_number, volumes=volumes, **given)


def found(number: int) -> list[str]:
    return numbered_collection("one-piece", "deluxe", number, prefer="en")


@pytest.mark.parametrize(
    ("numbers", "what"),
    [
        ((1, 2, 3), "the feed numbers the collections"),
        ((None, None, None), "the feed says nothing: the title does"),
        ((1, 1, 1), "the feed says the printing: the title tells them apart"),
    ],
    ids=["numbered", "nothing", "printings"],
)
def test_its_own_number_or_that_of_its_title(numbers: tuple[int | None, ...], what: str) -> None:
    lay_small_catalogue()
    for place, number in enumerate(numbers, start=1):
        collection(place, f"One Piece Deluxe Edition, Vol. {place}", number)
    for place in (1, 2, 3):
        assert found(place) == [f"DELUXE-en-{place}"], what
    assert found(4) == found(99) == []


def test_numbers_of_other_things_are_none() -> None:
    """Of the series itself, and of another language, whose feed numbers otherwise."""
    lay_small_catalogue()
    collection(1, "One Piece: The 20th Anniversary Deluxe, Vol. 1", 1)
    collection(2, "One Piece: The 20th Anniversary Deluxe, Vol. 2", 1)
    collection(1, "ワンピース 愛蔵版 １", 1, language="ja")
    collection(2, "ワンピース 愛蔵版 ２", 2, language="ja")
    assert found(20) == []
    assert found(2) == ["DELUXE-en-2", "DELUXE-ja-2"]
