"""Up to where a shopper has read, and what may be said to come next. Pure rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chat.answers import last_volume
from chat.answers.asked import Asked
from chat.answers.buying import next_volume
from chat.context import PageContext
from chat.dialogue import resolve
from chat.evidence import Evidence
from chat.state import DialogueState
from chat.understanding.types import Entities, Understanding
from shop.facts import ProductFacts
from tests.chat.evidence import product_facts, series_facts

STATE = DialogueState(intent="next_volume", series="berserk", asin="B-5")


def volume(number: int) -> ProductFacts:
    return replace(product_facts("berserk"), asin=f"B-{number}", volumes=(number,), volume=number)


def asked(text: str, *, volumes: tuple[int, ...] = (), **evidence: Any) -> Asked:
    heard = Understanding(language="en", intent="next_volume", confidence=0.9, entities=Entities(volumes=volumes))
    request = resolve(text, heard, STATE, PageContext())
    known = {f"B-{number}": volume(number) for number in (3, 5)}
    facts = Evidence(products=known, series={"berserk": series_facts("berserk")}, **evidence)
    return Asked(request, facts, signed_in=False)


@pytest.mark.parametrize(
    ("text", "volumes", "has", "last"),
    [
        # What is proposed (volume 5) is not read.
        ("what's next?", (), {1, 2, 4}, 4),
        ("which ones am I missing?", (), {1, 2, 4}, 4),
        ("次の巻は？", (), {1, 2, 3, 4}, 4),
        # Unless they step on behind it, or nothing is known of what they have.
        ("and the one after that?", (), {1, 2, 4}, 5),
        ("その次は？", (), {1, 2, 4}, 5),
        ("what's next?", (), set(), 5),
        ("I'm at volume 7", (7,), {1}, 7),
    ],
)
def test_up_to_where(text: str, volumes: tuple[int, ...], has: set[int], last: int) -> None:
    told = asked(text, volumes=volumes, has=frozenset(has))
    assert last_volume(told.request, told.evidence) == last


@pytest.mark.parametrize(
    ("editions", "evidence", "phrases"),
    [
        (("B-5",), {"has": {1, 2, 3, 4}}, ["next.owned"]),
        (("B-5",), {"has": {1, 2, 3, 4}, "reading": "ja"}, ["next.other_language"]),
        (("B-5",), {"has": {1, 2}}, ["next.not_carried"]),
        ((), {"has": {1, 2, 3, 4, 5}}, ["next.complete"]),
        # Volume 3 is missing: "you have everything" would be false, carried or not.
        ((), {"has": {1, 2, 4}}, ["next.end"]),
        ((), {"has": {1, 2, 4}, "found": ("B-3",)}, ["next.end", "next.gap", "price.item"]),
    ],
)
def test_what_is_said_to_follow(editions: tuple[str, ...], evidence: dict[str, Any], phrases: list[str]) -> None:
    known = evidence | {"has": frozenset(evidence["has"])}
    plan = next_volume(asked("what's next?", editions=editions, **known))
    assert [line.phrase for line in plan.lines] == phrases


def test_which_are_missing_lists_the_gaps_before_the_next() -> None:
    told = asked("which ones am I missing?", has=frozenset({1, 2, 4}), editions=("B-5",), found=("B-3",))
    plan = next_volume(told)
    assert [card.id for card in plan.cards] == ["B-3", "B-5"]
    assert plan.lines[0].phrase == "next.missing"
