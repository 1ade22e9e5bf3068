"""What operators read of our models, in Japanese as well."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest
from django.test import Client
from django.utils.functional import lazy
from django.utils.translation import override

from chat.golden import INTENTS as WANTED
from mangaassist.groups import GROUPS as MADE
from mangaassist.groups import make_groups
from mangaassist.names import GROUPS, INTENTS, TRAIL, group_name, in_trail, intent_name
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


@pytest.mark.parametrize("names", [INTENTS, GROUPS, TRAIL])
def test_so_is_every_name_of_a_stored_word(names: Mapping[str, object]) -> None:
    assert [en for en, ja in map(in_both, names.values()) if en == ja] == []


def test_every_intent_and_group_has_a_name() -> None:
    assert set(WANTED) == INTENTS.keys()
    assert GROUPS.keys() == MADE.keys()


@pytest.mark.django_db
def test_the_list_of_groups_says_their_names_to_screen_readers_too(admin_client: Client) -> None:
    make_groups()
    page = admin_client.get("/admin/auth/group/", headers={"Accept-Language": "ja"}).content.decode()
    boxes = re.findall(r'aria-label="([^"]*)" class="action-select"|class="action-select" aria-label="([^"]*)"', page)
    labels = ["".join(each) for each in boxes]
    assert len(labels) == len(MADE)
    assert all(any(in_both(name)[1] in label for label in labels) for name in GROUPS.values())
    assert not [label for label in labels if "agent lead" in label]


@pytest.mark.parametrize(
    ("told", "word", "english", "japanese"),
    [
        (intent_name, "faq", "Help", "ヘルプ"),
        (intent_name, "of_a_later_version", "of a later version", "of a later version"),
        (intent_name, "", "", ""),
        (group_name, "agent lead", "agent lead", "担当者のリーダー"),
        (group_name, "Night shift", "Night shift", "Night shift"),
        (in_trail, "shopper", "shopper", "お客様"),
        (in_trail, "hanako", "hanako", "hanako"),
    ],
)
def test_what_the_shop_or_a_later_version_named_stays(
    told: Callable[[str], str], word: str, english: str, japanese: str
) -> None:
    assert in_both(lazy(told, str)(word)) == (english, japanese)


def test_so_is_the_navigation() -> None:
    words = [word for section in SECTIONS for word in (section.name, section.about)]
    words += [entry.name for section in SECTIONS for entry in section.entries if isinstance(entry, Page)]
    assert [en for en, ja in map(in_both, words) if en == ja] == []


@pytest.mark.parametrize(("language", "shown"), [("en", "Complete"), ("ja", "完結")])
def test_a_choice_is_said_in_the_words_of_its_app(language: str, shown: str) -> None:
    with override(language):
        assert Series(status="complete").get_status_display() == shown
