"""What operators read of our models, in Japanese as well."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from mangaassist.navigation import SECTIONS, Page
from mangaassist.wording import shown_words
from shop.models import Series

# The same in both languages.
SAME = {"ID", "ASIN", "English", "日本語", "👍", "👎", "—"}


def in_both(word: object) -> tuple[str, str]:
    with override("en"):
        english = str(word)
    with override("ja"):
        return english, str(word)


def test_every_word_of_the_models_is_japanese_for_who_reads_japanese() -> None:
    both = {where: in_both(word) for where, word in shown_words()}
    assert {where: en for where, (en, ja) in both.items() if en == ja and en not in SAME} == {}


def test_so_is_the_navigation() -> None:
    words = [word for section in SECTIONS for word in (section.name, section.about)]
    words += [entry.name for section in SECTIONS for entry in section.entries if isinstance(entry, Page)]
    assert [en for en, ja in map(in_both, words) if en == ja] == []


@pytest.mark.parametrize(("language", "shown"), [("en", "Complete"), ("ja", "完結")])
def test_a_choice_is_said_in_the_words_of_its_app(language: str, shown: str) -> None:
    with override(language):
        assert Series(status="complete").get_status_display() == shown
