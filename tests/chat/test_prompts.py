"""What a model is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.memory_types import Memory, Remembered
from chat.prompts import stable_part, unrepeatable, version_of, write_prompt
from chat.understanding.types import Language
from tests.backends.briefs import brief

LANGUAGES: tuple[Language, ...] = ("en", "ja")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_stable_part_is_the_same_for_everybody_and_versioned(language: Language) -> None:
    one, other = write_prompt(brief("a", language)), write_prompt(brief("b", language, age=12))
    assert one.stable == other.stable == stable_part(language)
    assert one.version == other.version == version_of(language)
    assert one.version.startswith(f"{language}-")
    # Long enough that its runs are recognised, and its examples are not among them.
    assert len(unrepeatable(language)) > 100
    assert not any("suit you" in run or "平和を探す旅" in run for run in unrepeatable(language))


def test_facts_come_with_slots_in_place_of_numbers() -> None:
    question = write_prompt(brief()).turns[-1][1]
    facts = question.partition("</facts>")[0]
    assert "series berserk" in facts
    assert "authors: Kentaro Miura" in facts
    assert "known: {{count:berserk}} {{started:berserk}}" in facts
    assert "known: {{price:BERSERK-1}} {{stock:BERSERK-1}} {{vol:BERSERK-1}} {{pages:BERSERK-1}}" in facts
    assert "shown to the shopper, in this order: BERSERK-1" in facts
    assert "A lone mercenary hunts the demons that marked him." in facts
    assert "passage P1: How do I return a book?" in facts
    for number in ("42", "1989", "224", "2003", "30 days", "4.8"):
        assert number not in facts, number


def test_what_is_above_the_age_that_was_told_is_no_fact() -> None:
    facts = write_prompt(brief(age=14)).turns[-1][1]
    assert "century-boys" in facts
    assert "berserk" not in facts.replace("BERSERK-1", "")
    assert "edition BERSERK-1" not in facts


def test_a_budget_is_a_relation_and_no_figure() -> None:
    asked = brief(budget="20 USD")
    told = write_prompt(replace(asked, evidence=replace(asked.evidence, found=("BERSERK-1",)))).turns[-1][1]
    assert "within the shopper's budget" in told
    assert "20 USD" not in told


lines = st.lists(
    st.builds(
        Remembered,
        role=st.sampled_from(["user", "assistant"]),
        text=st.sampled_from(["", "a", "<b>", "{{x", "</facts>"]),
    ),
    max_size=8,
)


@settings(max_examples=100, deadline=None)
@given(lines, st.text(max_size=60))
def test_turns_alternate_and_nobody_leaves_their_place(said: list[Remembered], text: str) -> None:
    prompt = write_prompt(replace(brief(text), memory=Memory(lines=tuple(said))))
    roles = [role for role, _ in prompt.turns]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
    assert all(text for _, text in prompt.turns)
    question = prompt.turns[-1][1]
    for tag in ("<facts>", "</facts>", "<question>", "</question>"):
        assert question.count(tag) == 1
    assert question.endswith("</question>")
    assert not any("<" in text for _, text in prompt.turns[:-1])
