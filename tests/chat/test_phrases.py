"""The composer's words in both languages."""

from __future__ import annotations

import re
import string

from chat.guard import release
from chat.phrases import NAMES, PHRASES


def _words(wording: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(wording) if name}


def test_both_languages_say_the_same_things_with_the_same_words() -> None:
    assert PHRASES["en"].keys() == PHRASES["ja"].keys()
    for phrase, wordings in PHRASES["en"].items():
        needed = {frozenset(_words(wording)) for wording in (*wordings, *PHRASES["ja"][phrase])}
        assert len(needed) == 1, phrase


def test_no_wording_says_a_number_or_a_price_of_its_own() -> None:
    for language, phrases in PHRASES.items():
        for phrase, wordings in phrases.items():
            if phrase.startswith(("slot.", "cart.", "reply.")):
                continue  # Filled with live values outside the guard, or the shopper's own words.
            for wording in wordings:
                bare = re.sub(r"\{\w+\}", "", wording)
                assert release(bare, fill=lambda kind, id: None, proven_numbers=frozenset()) == bare, (language, phrase)


def test_what_english_names_has_a_japanese_name() -> None:
    assert NAMES["en"].keys() <= NAMES["ja"].keys()
