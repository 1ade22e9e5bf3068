"""Every language that is heard can be named, in both languages."""

from __future__ import annotations

import pytest

from chat.phrases import NAMES
from chat.understanding.entities import entities_of
from chat.understanding.lexicon import EDITION_LANGUAGES


def test_each_has_a_name() -> None:
    for _, code in EDITION_LANGUAGES:
        assert code in NAMES["en"]
        assert code in NAMES["ja"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("do you have it in German?", "de"),
        ("the French edition", "fr"),
        ("a Spanish translation", "es"),
        ("in Italian", "it"),
        ("in Portuguese?", "pt"),
        ("in Korean", "ko"),
        ("a Chinese version", "zh"),
        ("ドイツ語版", "de"),
        ("韓国語版はありますか", "ko"),
        ("中国語で読みたい", "zh"),
        ("French cooking", ""),
        ("a Chinese restaurant", ""),
    ],
)
def test_which_is_asked_for(text: str, code: str) -> None:
    assert entities_of(text, "en" if text.isascii() else "ja", lambda _: [])[0].language == code
