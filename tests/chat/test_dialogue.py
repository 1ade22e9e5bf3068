"""What a message means by its place: references, constraints, corrections. Pure rules, both languages."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.context import PageContext
from chat.dialogue import Request, resolve
from chat.lifting import lifted
from chat.state import MOST_SERIES_KEPT, DialogueState, read_state, volumes_said, with_volumes_said
from chat.understanding.types import Entities, Intent, Understanding

NO_PAGE = PageContext()


def heard(
    intent: Intent = "other", *, confidence: float = 0.9, by_rule: bool = False, **entities: Any
) -> Understanding:
    return Understanding(
        language="en",
        intent=intent,
        confidence=confidence,
        margin=confidence,
        by_rule=by_rule,
        entities=Entities(**entities),
    )


def after(text: str, understanding: Understanding, page: PageContext = NO_PAGE, **state: Any) -> Request:
    return resolve(text, understanding, DialogueState(**state), page)


LIST: dict[str, Any] = {"intent": "search", "shown": ("A", "B", "C"), "shown_series": ("a", "b", "c")}
TITLE: dict[str, Any] = {"intent": "price", "series": "berserk", "asin": "B-3"}


@pytest.mark.parametrize(
    ("text", "understanding", "state", "intent", "target"),
    [
        ("the second one", heard(ordinal=2), LIST, "product_facts", "B"),
        ("the last one", heard(ordinal=-1), LIST, "product_facts", "C"),
        ("2", heard(bare_number=2), LIST, "product_facts", "B"),
        # Too far for the list.
        ("the fifth one in stock?", heard("availability", ordinal=5), LIST, "availability", "A B C"),
        ("in stock?", heard("availability"), LIST, "availability", "A B C"),
        ("in stock?", heard("availability"), TITLE, "availability", "B-3"),
        # A bare number is a volume of what we talk about …
        ("7", heard(bare_number=7), TITLE, "product_facts", "berserk"),
        # … and the answer to our question, when we have asked one.
        ("7", heard(bare_number=7), TITLE | {"asked": "last_volume"}, "next_volume", "berserk"),
        # Without a title it is about the shopper's own shelf, or we ask which.
        ("next volume please", heard("next_volume"), {}, "next_volume", ""),
        ("次の巻は？", heard("next_volume"), {}, "next_volume", ""),
        ("Nana", heard("search", series=("nana",)), {"asked": "which_series"}, "next_volume", "nana"),
        ("what's the next one?", heard("next_volume"), TITLE, "next_volume", "berserk B-3"),
        ("cheaper?", heard(), TITLE, "price", "B-3"),
        ("anything cheaper?", heard(), LIST | {"intent": "recommend"}, "recommend", ""),
        ("I already have 1 to 4", heard(volumes=(1, 2, 3, 4)), TITLE, "next_volume", "berserk"),
        ("compare the first two", heard(), LIST, "compare", "a b"),
        ("which one is longer?", heard("series_facts"), LIST, "compare", "a b"),
        ("reading order?", heard(), TITLE, "reading_order", "berserk"),
        ("how much to finish it?", heard("price"), TITLE, "budget", "berserk"),
        ("no, I meant Nana", heard("thanks", series=("nana",)), TITLE, "price", "nana"),
        ("いや、NANAのほうです", heard("thanks", series=("nana",)), TITLE, "price", "nana"),
        ("the manga, not the anime", heard(), TITLE, "price", "B-3"),
        ("back to the other one", heard(), TITLE | {"previous": "nana"}, "series_facts", "nana"),
        ("tell me about Nana", heard("product_facts", series=("nana",)), {}, "series_facts", "nana"),
        ("how many pages has Nana?", heard("product_facts", series=("nana",), facts=("pages",)), {}, "product_facts", "nana"),
        ("when does it come out?", heard("price", confidence=0.2, facts=("release_date",)), TITLE, "product_facts", "B-3"),
        ("as an e-book?", heard("faq", confidence=0.6, format="ebook"), TITLE, "price", "berserk"),
        ("e-book returns", heard("faq", by_rule=True, format="ebook"), TITLE, "faq", ""),
        # Nothing to point at: we ask, and do not guess.
        ("how much is it?", heard("price"), {}, "unclear", ""),
        ("cheaper?", heard("price"), {}, "unclear", ""),
        ("back to the other one", heard("series_facts"), {}, "unclear", ""),
        ("7", heard(bare_number=7), {}, "other", ""),
    ],
)  # fmt: skip
def test_references(text: str, understanding: Understanding, state: dict[str, Any], intent: str, target: str) -> None:
    request = after(text, understanding, **state)
    assert request.intent == intent
    assert " ".join((*request.series, *filter(None, [request.asin]), *request.asins)) == target


def test_the_page_is_what_it_means_until_something_is_named() -> None:
    page = PageContext(asin="P-1", series="p")
    assert after("in stock?", heard("availability"), page).asin == "P-1"
    assert after("in stock?", heard("availability"), page, **TITLE).asin == "B-3"


@pytest.mark.parametrize(
    ("text", "entities", "has"),
    [
        ("I have volumes 1 to 4", {"volumes": (1, 2, 3, 4)}, {1, 2, 3, 4}),
        ("I have volumes 2 and 4", {"volumes": (2, 4)}, {2, 4}),
        ("I've read up to volume 3", {"volumes": (3,)}, {1, 2, 3}),
        ("3巻まで持っています", {"volumes": (3,)}, {1, 2, 3}),
        ("do you have volume 3?", {"volumes": (3,)}, set()),
        ("3巻はありますか", {"volumes": (3,)}, set()),
    ],
)
def test_what_they_have(text: str, entities: dict[str, Any], has: set[int]) -> None:
    request = after(text, heard(**entities), **TITLE)
    assert volumes_said(request.state, "berserk") == has


def test_what_they_have_adds_up_and_is_bounded() -> None:
    state = with_volumes_said(DialogueState(), "a", [1, 2])
    state = with_volumes_said(state, "a", [4])
    assert state.has == ("a:1-2,4",)
    for number in range(MOST_SERIES_KEPT + 5):
        state = with_volumes_said(state, f"s{number}", [1])
    assert len(state.has) == MOST_SERIES_KEPT
    assert volumes_said(state, "a") == frozenset()


WISHES: dict[str, Any] = {
    "intent": "recommend", "genres": ("horror",), "age": 12, "budget": "15 USD", "format": "ebook",
    "edition_language": "en", "exclude_genres": ("romance",),
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "entities", "changed"),
    [
        # A new wish: its genres are new, the limits stay.
        ("something funny", {"themes": ("funny",)}, {"genres": (), "themes": ("funny",)}),
        ("not horror", {"exclude_genres": ("horror",)}, {"genres": (), "exclude_genres": ("romance", "horror")}),
        ("under $10", {"max_price": Decimal(10), "currency": "USD"}, {"budget": "10 USD"}),
        ("the price doesn't matter", {}, {"budget": ""}),
        ("予算は気にしません", {}, {"budget": ""}),
        ("any format is fine", {}, {"format": ""}),
        ("何語でもいい", {}, {"edition_language": ""}),
        ("年齢は気にしない", {}, {"age": None}),
        ("cheaper?", {}, {}),
        ("forget my wishes", {}, {"age": None, "budget": "", "format": "", "edition_language": "", "exclude_genres": ()}),
    ],
)  # fmt: skip
def test_limits_stay_until_they_are_lifted(text: str, entities: dict[str, Any], changed: dict[str, Any]) -> None:
    request = after(text, heard(**entities), **WISHES)
    assert request.intent == "recommend"
    assert {name: getattr(request.state, name) for name in WISHES} == WISHES | {
        name: value for name, value in changed.items() if name in WISHES
    }
    if "themes" in changed:
        assert request.state.themes == changed["themes"]


def test_a_limit_for_a_series_is_none_for_a_book() -> None:
    request = after("finish it for under $60", heard(max_price=Decimal(60), currency="USD"), **TITLE)
    assert (request.intent, request.state.series_budget, request.state.budget) == ("budget", "60 USD", "")


@pytest.mark.parametrize(
    ("intent", "entities", "state", "meant"),
    [
        ("budget", {"series": ("berserk",)}, {}, "budget"),
        ("budget", {"max_price": Decimal(12)}, {}, "recommend"),
        ("budget", {}, {}, "unclear"),
        ("compare", {"series": ("a", "b")}, {}, "compare"),
        ("compare", {}, LIST, "compare"),
        ("reading_order", {}, TITLE, "reading_order"),
        ("account", {}, {}, "account"),
        ("complaint", {"order_ids": ("MA-10001",)}, {}, "complaint"),
    ],
)
def test_what_the_model_hears_as_a_skill(
    intent: str, entities: dict[str, Any], state: dict[str, Any], meant: str
) -> None:
    assert after("…", heard(cast("Intent", intent), **entities), **state).intent == meant


def test_an_omnibus_number_is_no_volume() -> None:
    request = after("Berserk omnibus 2", heard("availability", series=("berserk",), format="omnibus", edition_number=2))
    assert (request.collection, request.volumes) == (2, ())
    # In another format the number is a volume.
    request = after("Berserk vol 2", heard("availability", series=("berserk",), volumes=(2,)))
    assert (request.collection, request.volumes) == (None, (2,))


@pytest.mark.parametrize(
    ("text", "says_yes"),
    [("tell me anyway", True), ("yes please", True), ("それでも教えてください", True), ("how much is it?", False)],
)
def test_spoilers_are_told_to_who_wants_them(text: str, says_yes: bool) -> None:
    request = after(text, heard("price"), **TITLE | {"asked": "spoiler:B-8"})
    assert request.spoilers_wanted is says_yes
    assert request.asin == ("B-8" if says_yes else "B-3")
    # The question is open for one message only.
    assert request.state.asked == ""


@pytest.mark.parametrize(
    ("text", "complains"),
    [
        ("my copy of Berserk arrived damaged", True),
        ("you sent me the wrong book", True),
        ("届いた本が破れていました", True),
        ("is there a manga about a damaged robot?", False),
        ("Berserk", False),
    ],
)
def test_complaints(text: str, complains: bool) -> None:
    series = ("berserk",) if "Berserk" in text else ()
    request = after(text, heard("search", series=series or ("robot",) if "robot" in text else series))
    assert (request.intent == "complaint") is complains


@settings(deadline=None)
@given(st.text(max_size=80), st.sampled_from([LIST, TITLE, WISHES, {}]))
def test_whatever_is_written_has_a_meaning(text: str, state: dict[str, Any]) -> None:
    request = after(text, heard(), **state)
    # What is kept can be stored and read again.
    assert read_state(request.state.as_dict()) == request.state
    assert isinstance(lifted(text), frozenset)


def test_a_state_of_another_version_is_read() -> None:
    state = read_state({"series": "berserk", "has": ["berserk:1-4"], "unheard_of": 1})
    assert state == DialogueState(series="berserk", has=("berserk:1-4",))
    assert volumes_said(replace(state, has=("berserk:no number",)), "berserk") == frozenset()
