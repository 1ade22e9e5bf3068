"""A title that is put aside for another one is none that is asked for: table."""

from __future__ import annotations

import unicodedata

import pytest

from chat.understanding.entities import entities_of
from shop.titles import Mention

TITLES = {"Naruto": "naruto", "Bleach": "bleach", "ナルト": "naruto", "ブリーチ": "bleach"}


def find(text: str) -> list[Mention]:
    text = unicodedata.normalize("NFKC", text)
    return [
        Mention("series", id, title, at, at + len(title), exact=True, score=1.0)
        for title, id in TITLES.items()
        if (at := text.find(title)) >= 0
    ]


@pytest.mark.parametrize(
    ("text", "series"),
    [
        ("not Naruto, Bleach", ("bleach",)),
        ("Bleach, not Naruto", ("bleach",)),
        ("no, not Naruto: Bleach", ("bleach",)),
        ("I meant Bleach instead of Naruto", ("bleach",)),
        ("ナルトじゃなくてブリーチ", ("bleach",)),
        ("ナルトではなく、ブリーチです", ("bleach",)),
        ("Naruto and Bleach", ("naruto", "bleach")),
        ("why is Naruto not as long as Bleach?", ("naruto", "bleach")),
        ("isn't Naruto longer than Bleach?", ("naruto", "bleach")),
        ("not Naruto", ("naruto",)),
        ("ナルトとブリーチ", ("naruto", "bleach")),
    ],
)
def test_which_titles_are_meant(text: str, series: tuple[str, ...]) -> None:
    language = "ja" if not text.isascii() else "en"
    assert entities_of(text, language, find)[0].series == series  # type: ignore[arg-type]
