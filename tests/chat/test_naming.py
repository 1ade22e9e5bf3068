"""Names that the catalogue does not know: found in a question, and never found where nothing is named."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from chat.context import PageContext
from chat.dialogue import Request, resolve
from chat.naming import LONGEST_NAME, in_print, unknown_name
from chat.state import DialogueState
from chat.targets import ABOUT_A_TITLE
from chat.understanding.entities import entities_of
from chat.understanding.types import Entities, Intent, Language, Understanding

UNKNOWN: dict[Language, str] = {"en": "Kagurabachi", "ja": "カグラバチ"}


def named(text: str, language: Language) -> str:
    """As it is heard in a shop that has no titles at all."""
    return unknown_name(text, entities_of(text, language, lambda _: [])[0])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("how much is Kagurabachi?", "Kagurabachi"),
        ("how much is kagurabachi", "kagurabachi"),
        ("is Solo Leveling in stock?", "Solo Leveling"),
        ("who's the author of Kagurabachi", "Kagurabachi"),
        ("is Sakamoto Days ok for kids?", "Sakamoto Days"),
        ("finish Kagurabachi under $50", "Kagurabachi"),
        ("something like Solo Leveling", "Solo Leveling"),
        ("the next volume of Blue Box please", "Blue Box"),
        ("do you have the paperback of The Summer Hikaru Died?", "Summer Hikaru Died"),
        ("Blue Box vol 2", "Blue Box"),
        ("is “another” in stock?", "another"),
        ("カグラバチはいくら？", "カグラバチ"),
        ("ジブリっぽい漫画", "ジブリ"),
        ("俺だけレベルアップな件の次の巻は？", "俺だけレベルアップな件"),
        ("「ふしぎの森」は在庫ありますか", "ふしぎの森"),
        ("予算一万円でカグラバチを最後まで読みたい", "カグラバチ"),
        ("鬼平犯科帳はありますか", "鬼平犯科帳"),
        # Nothing is named, or nothing that has a name.
        ("how much is it?", ""),
        ("how much is the second one?", ""),
        ("is the hardcover in stock?", ""),
        ("how much is volume 7 in Japanese?", ""),
        ("is it ok for kids?", ""),
        ("something like it but funny", ""),
        ("something like that with samurai", ""),
        ("I like soccer, recommend something", ""),
        ("I'd like something scary", ""),
        ("in stock?", ""),
        ("いくらですか？", ""),
        ("2番目はいくら？", ""),
        ("ハードカバーはいくら？", ""),
        ("5巻の在庫は？", ""),
        ("猫が出てくる漫画が好き", ""),
        ("似た作品は？", ""),
    ],
)
def test_what_is_named(text: str, name: str) -> None:
    assert named(text, "ja" if not text.isascii() and "“" not in text else "en") == name


def test_what_the_catalogue_knows_is_no_unknown_name() -> None:
    for known in ({"series": ("a",)}, {"authors": ("A",)}, {"asins": ("B",)}, {"order_ids": ("MA-10001",)}):
        assert unknown_name("how much is Kagurabachi?", Entities(**known)) == ""  # type: ignore[arg-type]


def _sentences(language: Language) -> list[tuple[str, str]]:
    with open(Path(__file__).parent / "held_out" / f"{language}.toml", "rb") as file:
        held_out = tomllib.load(file)
    about_titles = ABOUT_A_TITLE | {"recommend"}
    return [(t.replace("<num>", "3"), intent) for intent in about_titles for t in held_out.get(intent, ())]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_sentences_of_shoppers_name_what_they_name(language: Language) -> None:
    """Held-out sentences: with an unknown name in the title's place it is heard, without a title nothing is."""
    name = UNKNOWN[language]
    titled = [t for t, _ in _sentences(language) if t.count("<title>") == 1 and "<author>" not in t]
    bare = [t for t, _ in _sentences(language) if "<title>" not in t and "<author>" not in t]
    missed = [t for t in titled if name not in named(t.replace("<title>", name), language)]
    imagined = [(t, found) for t in bare if (found := named(t, language))]
    assert len(missed) <= 0.02 * len(titled), missed
    assert len(imagined) <= 0.03 * len(bare), imagined


FOCUS: dict[str, Any] = {
    "intent": "price",
    "series": "monster",
    "asin": "M-1",
    "shown": ("M-1",),
    "shown_series": ("monster",),
}


def after(text: str, intent: Intent, **entities: Any) -> Request:
    heard = Understanding(language="en", intent=intent, confidence=0.9, margin=0.9, entities=Entities(**entities))
    return resolve(text, heard, DialogueState(**FOCUS), PageContext(asin="P-1", series="p"))


@pytest.mark.parametrize(
    ("text", "intent", "entities", "meant"),
    [
        ("how much is Kagurabachi?", "price", {}, "unknown_title"),
        ("is Solo Leveling in stock?", "availability", {}, "unknown_title"),
        ("finish Kagurabachi under $50", "price", {"max_price": 50}, "unknown_title"),
        ("something like Solo Leveling", "recommend", {"similar_to": True}, "unknown_title"),
        ("tell me about Kagurabachi", "other", {}, "unknown_title"),
        ("カグラバチはいくら？", "price", {}, "unknown_title"),
        # A wish that says more goes on without its example.
        (
            "something like Solo Leveling with horror",
            "recommend",
            {"similar_to": True, "genres": ("horror",)},
            "recommend",
        ),
        # What is asked of the shop is asked of the shop.
        ("do you ship to Canada?", "faq", {}, "faq"),
        ("Kagurabachi never arrived, my order is late", "complaint", {}, "complaint"),
    ],
)
def test_an_unknown_name_never_means_what_we_talked_of(
    text: str, intent: Intent, entities: dict[str, Any], meant: str
) -> None:
    request = after(text, intent, **entities)
    assert request.intent == meant
    assert (request.series, request.asin, request.asins) == ((), "", ())
    # And it changes nothing of what "it" means, nor any limit.
    assert (request.state.series, request.state.budget, request.state.series_budget) == ("monster", "", "")


@pytest.mark.parametrize("text", ["how much is it?", "and the hardcover, how much?", "いくらですか？"])
def test_a_pronoun_or_nothing_means_what_we_talk_of(text: str) -> None:
    assert after(text, "price").asin == "M-1"


@pytest.mark.parametrize(
    ("written", "repeated"),
    [
        ("Kagurabachi", "Kagurabachi"),
        ("**Bold** <b>x</b>", "Bold bxb"),
        ("{{price:B-1}} $9", "price:B-1 9"),
        ("see https://evil.example", "see"),
        ("Yotsuba&!", "Yotsuba&!"),
    ],
)
def test_a_name_is_repeated_without_markup_sums_or_addresses(written: str, repeated: str) -> None:
    assert in_print(written) == repeated


@pytest.mark.parametrize("text", ["is a " * 1000, "マ" * 4000, "は何巻" * 1300, "「" * 4000, "how much is " * 330])
def test_a_message_without_end_names_at_most_a_short_name(text: str) -> None:
    assert len(unknown_name(text, Entities())) <= LONGEST_NAME
