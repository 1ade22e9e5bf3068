"""When a person is needed: sentences held out from the rules, and the rules' edges by table."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from escalation.models import Priority
from escalation.triggers import OwnRule, Said, person_needed


def sentences(name: str) -> list[tuple[str, str]]:
    """(the trigger or "none", what is said)."""
    table = tomllib.loads((Path(__file__).parent / "held_out" / f"{name}.toml").read_text())
    return [(trigger, text) for trigger, texts in table.items() for text in texts]


def found(said: Said, rules: tuple[OwnRule, ...] = ()) -> str:
    need = person_needed(said, rules)
    return need.trigger if need else "none"


@pytest.mark.parametrize(("trigger", "text"), [*sentences("en"), *sentences("ja"), *sentences("later")])
def test_sentences_that_shaped_the_rules(trigger: str, text: str) -> None:
    assert found(Said(text=text)) == trigger


@pytest.mark.parametrize("text", [text for _, text in sentences("shop")])
def test_somebody_in_a_sentence_is_no_wish_for_a_person(text: str) -> None:
    assert found(Said(text=text)) == "none"


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("I want to speak to someone", "open"),
        ("can I talk with a manager", "open"),
        ("I want a human", "open"),
        ("担当者と話したい", "open"),
        ("I need someone", "offer"),
        ("I want a manager", "offer"),
        ("I'd like an agent", "offer"),
    ],
)
def test_whom_nobody_is_to_speak_to_is_only_offered(text: str, action: str) -> None:
    need = person_needed(Said(text=text))
    assert need is not None
    assert (need.trigger, need.action) == ("asked", action)


def test_sentences_that_the_rules_have_not_met() -> None:
    """Of words alone; most who ask in other words are recognised by the intents, and the button is always there."""
    outcomes = [(trigger, found(Said(text=text))) for trigger, text in sentences("last")]
    assert [got for trigger, got in outcomes if trigger == "none"] == ["none"] * 10
    needed = [trigger == got for trigger, got in outcomes if trigger != "none"]
    assert sum(needed) / len(needed) >= 0.5


ORDER = (Decimal("250.00"), "USD")
EXPENSIVE = OwnRule(name="valuable", value=Decimal(200), currency="USD")
WORDS = OwnRule(name="press", words=("newspaper", "新聞"), priority=Priority.URGENT, action="offer")
IN_ITS_PLACE: list[tuple[Said, tuple[OwnRule, ...], str, str]] = [
    (Said(text="hm", intent="human"), (), "asked", "open"),
    # A guess of the classifier makes an offer, and what it is sure of is done.
    (Said(text="hm", intent="human", confidence=0.4), (), "asked", "offer"),
    # People in a story are no people of ours.
    (Said(text="a call centre comedy", intent="human", confidence=0.9), (), "asked", "offer"),
    (Said(text="I want to talk to a person about the manga I ordered", intent="human"), (), "asked", "open"),
    (Said(text="hm", intent="complaint", confidence=0.7), (), "complaint", "offer"),
    (Said(text="hm", intent="complaint", confidence=0.5), (), "none", ""),
    # How it sounds, beside the words and beside what else speaks for it.
    (Said(text="hm", complains=0.8), (), "complaint", "offer"),
    (Said(text="hm", complains=0.6), (), "none", ""),
    (Said(text="hm", complains=0.6, intent="complaint", confidence=0.7), (), "complaint", "offer"),
    (Said(text="hm", complains=0.2, intent="complaint", confidence=0.7), (), "none", ""),
    (Said(text="my book arrived damaged", complains=0.4), (), "complaint", "offer"),
    (Said(text="my book arrived damaged", complains=0.1), (), "none", ""),
    (Said(text="hm", frustrated=0.8), (), "frustration", "offer"),
    # By the tone alone nobody is brought in, however often.
    (Said(text="hm", frustrated=0.99, offered=["frustration"]), (), "frustration", "offer"),
    (Said(text="hm", complains=0.99, offered=["complaint"]), (), "complaint", "offer"),
    (Said(text="hm", complains=0.6, intent="complaint", offered=["complaint"]), (), "complaint", "open"),
    # Nor is one offered to who clearly says thanks, unless they were not helped before.
    (Said(text="hm", frustrated=0.8, intent="thanks", confidence=0.97), (), "none", ""),
    (Said(text="hm", frustrated=0.8, intent="thanks", confidence=0.9), (), "frustration", "offer"),
    (Said(text="hm", frustrated=0.8, intent="other", confidence=0.99), (), "frustration", "offer"),
    (Said(text="hm", frustrated=0.8, intent="thanks", confidence=0.97, misses=1), (), "frustration", "offer"),
    (Said(text="hm", frustrated=0.6), (), "none", ""),
    (Said(text="hm", frustrated=0.6, misses=1), (), "frustration", "offer"),
    (Said(text="you are useless", frustrated=0.4), (), "frustration", "offer"),
    (Said(text="I'm fed up with isekai", frustrated=0.1), (), "none", ""),
    (Said(text="hm", misses=1), (), "none", ""),
    (Said(text="hm", misses=2), (), "frustration", "offer"),
    (Said(text="hm", bad_ratings=1), (), "none", ""),
    (Said(text="hm", bad_ratings=2), (), "frustration", "offer"),
    (Said(text="where is it then?", before=["Where is it, then?"]), (), "none", ""),
    (
        Said(text="where is it then?", before=["Where is it, then?", "no", "where is it then"]),
        (),
        "frustration",
        "offer",
    ),
    (Said(text="ok", before=["ok", "ok", "ok"]), (), "none", ""),
    (Said(text="you are useless"), (), "frustration", "offer"),
    (Said(text="you are useless", offered=["frustration"]), (), "frustration", "open"),
    (Said(text="my book arrived damaged"), (), "complaint", "offer"),
    (Said(text="my book arrived damaged", offered=["complaint"]), (), "complaint", "open"),
    (Said(text="was my card charged?", confidence=0.3), (), "uncertain", "offer"),
    (Said(text="was my card charged?", confidence=0.9), (), "none", ""),
    (Said(text="which one?", confidence=0.3), (), "none", ""),
    (Said(text="which one?", intent="order_status", confidence=0.3), (), "uncertain", "offer"),
    (Said(text="where is my order?", order_values=[ORDER]), (EXPENSIVE,), "rule", "open"),
    (Said(text="where is my order?", order_values=[(Decimal("199.99"), "USD")]), (EXPENSIVE,), "none", ""),
    (Said(text="where is my order?", order_values=[(Decimal(25000), "JPY")]), (EXPENSIVE,), "none", ""),
    (Said(text="I write for a Newspaper."), (WORDS,), "rule", "offer"),
    (Said(text="newspapers"), (WORDS,), "none", ""),
    (Said(text="新聞社の者です"), (WORDS,), "rule", "offer"),
    # The most urgent comes first.
    (Said(text="I want to die, get me a person", intent="human"), (WORDS,), "safety", "open"),
    (Said(text=""), (), "none", ""),
    (Said(text="!" * 4000), (), "frustration", "offer"),
]


@pytest.mark.parametrize(("said", "rules", "trigger", "action"), IN_ITS_PLACE)
def test_a_message_in_its_place(said: Said, rules: tuple[OwnRule, ...], trigger: str, action: str) -> None:
    need = person_needed(said, rules)
    assert (need.trigger if need else "none", need.action if need else "") == (trigger, action)


def test_danger_is_urgent_and_met_with_care() -> None:
    need = person_needed(Said(text="もう死にたいです"))
    assert need is not None
    assert need.care
    assert need.priority == Priority.URGENT


@pytest.mark.parametrize(
    "text", ["a " * 2000, "my " * 1300, "私の" * 1300, "!" * 4000, "the order " * 400, "i want " * 600]
)
def test_long_words_are_read_in_no_time(text: str) -> None:
    """A rule that goes back and forth over a long text would hold the turn: these end."""
    person_needed(Said(text=text[:4000]))


@pytest.mark.parametrize(
    ("text", "trigger"),
    [
        ("I feel like ending it all", "safety"),
        ("should I end it all with volume 34", "none"),
        ("is it true they end it all here", "none"),
    ],
)
def test_ending_it_all_is_heard_and_a_last_volume_is_not(text: str, trigger: str) -> None:
    assert found(Said(text=text)) == trigger
