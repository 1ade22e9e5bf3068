"""What narrows a wish and what takes a limit back: by table, in both languages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chat.constraints import take_in
from chat.context import PageContext
from chat.dialogue import resolve
from chat.gathering.narrowed import fits
from chat.lifting import LIMITS, WISHES, lifted
from chat.naming import unknown_subject
from chat.state import DialogueState
from chat.understanding.entities import entities_of
from chat.understanding.language import language_of
from chat.understanding.narrowing import SHORT_VOLUMES, narrowing_of
from chat.understanding.types import Entities, Intent, Understanding
from tests.chat.evidence import product_facts, series_facts
from tests.chat.test_understanding import find


@pytest.mark.parametrize(
    ("text", "status", "most", "order"),
    [
        ("short completed series please", "complete", SHORT_VOLUMES, ""),
        ("a finished romance with less than 10 volumes", "complete", 9, ""),
        ("recommend completed fantasy", "complete", None, ""),
        ("something that is already finished", "complete", None, ""),
        ("at most 5 volumes", "", 5, ""),
        ("12 volumes or less", "", 12, ""),
        ("I don't want anything long", "", SHORT_VOLUMES, ""),
        ("an ongoing series", "ongoing", None, ""),
        ("best rated", "", None, "rating"),
        ("your cheapest manga", "", None, "cheapest"),
        ("newest manga", "", None, "newest"),
        ("完結済みの漫画", "complete", None, ""),
        ("3巻くらいで完結する漫画", "complete", 3, ""),
        ("10巻以内で", "", 10, ""),
        ("短めの漫画", "", SHORT_VOLUMES, ""),
        ("評価の高い漫画", "", None, "rating"),
        ("一番安い漫画は？", "", None, "cheapest"),
        ("新しい漫画", "", None, "newest"),
        # Questions about a title, and what one has, narrow nothing.
        ("is it finished?", "", None, ""),
        ("I finished it", "", None, ""),
        ("how long is it?", "", None, ""),
        ("the newest volume", "", None, ""),
        ("the cheapest way to finish it", "", None, ""),
        ("3巻まで持っています", "", None, ""),
        ("10巻まで読みました", "", None, ""),
    ],
)
def test_status_length_and_order(text: str, status: str, most: int | None, order: str) -> None:
    found, _ = narrowing_of(text)
    assert (found.status, found.max_volumes, found.order) == (status, most, order)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "not in Japanese please, recommend romance",
            {"language": "", "exclude_languages": ("ja",), "genres": ("romance",)},
        ),
        ("no ebooks", {"format": "", "exclude_formats": ("ebook",)}),
        ("not in paperback", {"format": "", "exclude_formats": ("paperback",)}),
        ("no omnibus", {"format": "", "exclude_formats": ("omnibus",)}),
        ("not a hardcover", {"exclude_formats": ("hardcover",)}),
        ("少年漫画以外で", {"demographic": "", "exclude_demographics": ("shonen",)}),
        ("英語版じゃなくて", {"language": "", "exclude_languages": ("en",)}),
        ("電子書籍はいらない", {"format": "", "exclude_formats": ("ebook",)}),
        ("less than 10 volumes", {"max_volumes": 9, "volumes": ()}),
        ("3巻以内の漫画", {"max_volumes": 3, "volumes": ()}),
        ("a short complete series", {"status": "complete", "format": ""}),
        ("the complete box set", {"format": "box_set"}),
        ("in Japanese, not in English", {"language": "ja", "exclude_languages": ("en",)}),
    ],
)
def test_what_is_refused_is_not_wished_for(text: str, expected: dict[str, Any]) -> None:
    entities, _ = entities_of(text, language_of(text), find)
    assert {name: getattr(entities, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("drop the budget", {"budget", "series_budget"}),
        ("no budget", {"budget", "series_budget"}),
        ("forget about the price", {"budget", "series_budget"}),
        ("forget the age", {"age"}),
        ("any language", {"edition_language", "exclude_languages"}),
        ("any format is fine", {"format", "exclude_formats"}),
        ("any length", {"max_volumes"}),
        ("clear all filters", LIMITS),
        ("forget my wishes", LIMITS),
        ("start over", LIMITS | WISHES),
        ("reset", LIMITS | WISHES),
        ("予算は気にしません", {"budget", "series_budget"}),
        ("予算を外して", {"budget", "series_budget"}),
        ("年齢制限を外して", {"age"}),
        ("条件をリセット", LIMITS),
        ("最初からやり直したい", LIMITS | WISHES),
        ("my budget is $10", frozenset()),
        ("I forgot my password", frozenset()),
        ("my order never came, start a refund", frozenset()),
    ],
)  # fmt: skip
def test_what_is_taken_back(text: str, names: set[str]) -> None:
    assert lifted(text) == names


STATE = DialogueState(genres=("fantasy",), status="complete", max_volumes=10)


@pytest.mark.parametrize(
    ("state", "changed", "kept"),
    [
        ({}, {}, True),
        ({"status": "complete"}, {}, False),
        ({"status": "ongoing"}, {}, True),
        ({"max_volumes": 42}, {}, True),
        ({"max_volumes": 41}, {}, False),
        # Nobody knows how long it is: it is not called short.
        ({"max_volumes": 41}, {"volume_count": None}, False),
        ({"genres": ("fantasy",)}, {}, True),
        ({"genres": ("romance",)}, {}, False),
        ({"exclude_genres": ("historical",)}, {}, False),
        ({"exclude_demographics": ("seinen",)}, {}, False),
        ({"exclude_formats": ("paperback",)}, {}, False),
        ({"exclude_formats": ("ebook",)}, {}, True),
        ({"exclude_languages": ("en",)}, {}, False),
        ({"age": 12}, {}, False),
    ],
)
def test_what_keeps_to_a_wish(state: dict[str, Any], changed: dict[str, Any], kept: bool) -> None:
    series = replace(series_facts("berserk"), **changed)
    assert fits(DialogueState(**state), series, product_facts("berserk")) is kept


@pytest.mark.parametrize(
    ("asked", "intent", "language"),
    [
        # Of one title: the next wish is for books in the language that is spoken.
        ({"language": "ja"}, "availability", ""),
        ({"language": "ja", "series": ("berserk",)}, "price", ""),
        # A wish of its own stays a limit.
        ({"language": "ja", "genres": ("horror",)}, "recommend", "ja"),
    ],
)
def test_a_language_asked_of_a_title_is_no_wish(asked: dict[str, Any], intent: str, language: str) -> None:
    state = take_in(DialogueState(series="berserk"), Entities(**asked), intent, keeps_wish=False)
    assert state.edition_language == "ja"
    kept = take_in(state, Entities(series=("berserk",)), "price", keeps_wish=False)
    assert kept.edition_language == "ja"
    wished = take_in(kept, Entities(genres=("cosy",), age=9), "recommend", keeps_wish=False)
    assert (wished.edition_language, wished.language_of_series) == (language, "")


LIST: dict[str, Any] = {"intent": "recommend", "shown": ("A", "B"), "shown_series": ("a", "b"), "genres": ("sports",)}


@pytest.mark.parametrize(
    ("text", "intent", "entities", "meant", "state"),
    [
        # A list goes on as a list.
        ("in Japanese?", "availability", {"language": "ja"}, "recommend", {"edition_language": "ja", "genres": ("sports",)}),
        ("電子書籍では？", "availability", {"format": "ebook"}, "recommend", {"format": "ebook", "genres": ("sports",)}),
        ("no ebooks", "faq", {"exclude_formats": ("ebook",)}, "recommend", {"exclude_formats": ("ebook",)}),
        ("best rated", "series_facts", {"order": "rating"}, "recommend", {"order_by": "rating", "genres": ("sports",)}),
        ("which of those is the cheapest?", "price", {"order": "cheapest"}, "price", {"order_by": ""}),
        # A limit after a list is one for each book, and nothing is to be finished.
        ("my budget is $10", "budget", {"max_price": 10, "currency": "USD"}, "recommend", {"budget": "10 USD", "series_budget": ""}),
        ("予算は千円です", "budget", {"max_price": 1000, "currency": "JPY"}, "recommend", {"budget": "1000 JPY"}),
        ("I can spend 30 dollars on the second one", "budget", {"max_price": 30, "currency": "USD", "ordinal": 2}, "price", {}),
        # A limit that is lifted keeps the wish, unless a new one is said with it.
        ("drop the budget", "other", {}, "recommend", {"budget": "", "genres": ("sports",)}),
        ("自分用にホラー", "recommend", {"genres": ("horror",)}, "recommend", {"genres": ("horror",)}),
        ("start over", "other", {}, "recommend", {"genres": (), "budget": ""}),
    ],
)  # fmt: skip
def test_after_a_list(text: str, intent: Intent, entities: dict[str, Any], meant: str, state: dict[str, Any]) -> None:
    heard = Understanding(language="en", intent=intent, confidence=0.8, margin=0.8, entities=Entities(**entities))
    request = resolve(text, heard, DialogueState(**LIST, budget="15 USD"), PageContext())
    assert request.intent == meant
    assert {name: getattr(request.state, name) for name in state} == state
    if "second" in text:
        assert request.asin == "B"


def test_an_example_goes_with_its_wish() -> None:
    liked = DialogueState(**LIST | {"genres": ()}, liked=("one-piece",), series="uzumaki")
    heard = Understanding(
        language="en", intent="recommend", confidence=0.9, entities=Entities(genres=("horror",), refers_back=True)
    )
    request = resolve("it's for me now, recommend horror", heard, liked, PageContext())
    assert (request.series, request.state.liked) == ((), ())
    similar = replace(heard, entities=Entities(similar_to=True))
    assert resolve("something similar?", similar, replace(liked, liked=()), PageContext()).series == ("uzumaki",)


def test_more_is_more_whatever_was_asked_between() -> None:
    told = DialogueState(intent="series_facts", series="b", asin="B", told=("a", "b"), genres=("sports",))
    heard = Understanding(language="en", intent="other", confidence=0.4, entities=Entities())
    request = resolve("show me more", heard, told, PageContext())
    assert (request.intent, request.more, request.state.told) == ("recommend", True, ("a", "b"))


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("recommend a manga about suicide", "suicide"),
        ("some mahjong manga", "mahjong"),
        ("医療漫画のおすすめ", "医療"),
        ("麻雀が題材の漫画", "麻雀"),
        ("recommend me something", ""),
        ("hidden gems please", ""),
        ("recommend some horror manga", ""),
        ("おすすめの漫画は？", ""),
        ("名作漫画が読みたい", ""),
    ],
)
def test_subjects_without_a_shelf(text: str, subject: str) -> None:
    assert unknown_subject(text, entities_of(text, language_of(text), find)[0]) == subject
