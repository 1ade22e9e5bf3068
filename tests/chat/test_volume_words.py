"""Volumes as they are read aloud, and longer words that hold shorter ones: tables."""

from __future__ import annotations

import pytest

from chat.answers.asked import volume_words
from chat.understanding.entities import entities_of
from chat.understanding.types import Language


@pytest.mark.parametrize(
    ("language", "volumes", "words"),
    [
        ("en", {3}, "volume 3"),
        ("en", {1, 2}, "volumes 1 and 2"),
        ("en", {1, 2, 4, 5, 6, 7}, "volumes 1, 2 and 4 to 7"),
        ("en", {1, 2, 3, 4}, "volumes 1 to 4"),
        ("en", {1, 3, 5}, "volumes 1, 3 and 5"),
        ("ja", {1, 2, 3, 6}, "1〜3巻、6巻"),
    ],
)
def test_volumes_are_read_aloud(language: Language, volumes: set[int], words: str) -> None:
    assert volume_words(language, volumes) == words


@pytest.mark.parametrize(
    ("text", "genres", "themes"),
    [
        ("dark fantasy", ("dark fantasy",), ()),
        ("a dark fantasy with fantasy maps", ("dark fantasy", "fantasy"), ()),
        ("ダークファンタジー", ("dark fantasy",), ()),
        ("dark horror", ("horror",), ("grim",)),
        ("fantasy", ("fantasy",), ()),
    ],
)
def test_a_phrase_is_one_wish(text: str, genres: tuple[str, ...], themes: tuple[str, ...]) -> None:
    entities, _ = entities_of(text, "en", lambda _: [])
    assert (entities.genres, entities.themes) == (genres, themes)
