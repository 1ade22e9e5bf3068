"""The order of reading over relations, however they are told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.reading_order import Relation, Step, reading_order

YEARS = {"a": 2000, "b": 2005, "c": 2010, "d": 2007, "z": None}


@pytest.mark.parametrize(
    ("start", "relations", "order"),
    [
        ("a", [], "a"),
        ("a", [("a", "sequel", "b"), ("b", "sequel", "c")], "a b c"),
        ("c", [("a", "sequel", "b"), ("b", "sequel", "c")], "a b c"),
        # Told from both sides, or from the later side only.
        ("a", [("a", "sequel", "b"), ("b", "prequel", "a")], "a b"),
        ("a", [("b", "prequel", "a")], "a b"),
        # A prequel that came out later is read where the story puts it.
        ("a", [("a", "prequel", "c")], "c a"),
        ("a", [("a", "side_story", "d"), ("a", "sequel", "b"), ("b", "sequel", "c")], "a b c (d)"),
        ("d", [("a", "spin_off", "d")], "a (d)"),
        ("a", [("a", "adaptation", "d"), ("a", "sequel", "b")], "a b [d]"),
        # Circles: the order of publication.
        ("b", [("a", "sequel", "b"), ("b", "sequel", "a")], "a b"),
        ("a", [("a", "side_story", "b"), ("b", "side_story", "a")], "a (b)"),
        ("a", [("a", "sequel", "a")], "a"),
        # An unknown year comes last.
        ("a", [("a", "sequel", "z"), ("a", "sequel", "b")], "a b z"),
        ("a", [("x", "sequel", "y")], "a"),
    ],
)
def test_the_order(start: str, relations: list[Relation], order: str) -> None:
    assert " ".join(_written(step) for step in reading_order(start, relations, YEARS)) == order


def _written(step: Step) -> str:
    return {"main": "{}", "aside": "({})", "adaptation": "[{}]"}[step.place].format(step.series)


_IDS = st.sampled_from("abcde")
_KINDS = st.sampled_from(["sequel", "prequel", "spin_off", "side_story", "adaptation"])


@given(st.lists(st.tuples(_IDS, _KINDS, _IDS), max_size=14), _IDS)
def test_whatever_the_relations_everything_is_named_once(relations: list[Relation], start: str) -> None:
    named = [step.series for step in reading_order(start, relations, YEARS)]
    assert start in named
    assert len(named) == len(set(named))
