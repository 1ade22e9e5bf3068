"""What one turn adds to the tallies, as a table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mangaassist.analytics.tallying import EndedTurn, Key, Numbers, add, quantile_ms, tally_turn
from mangaassist.quantiles import bucket_of

CARD = {"kind": "product", "id": "B1"}


def ended(**fields: Any) -> EndedTurn:
    usual: dict[str, Any] = {
        "at": datetime(2026, 11, 1, tzinfo=UTC), "status": "complete", "intent": "price", "language": "en",
        "generator": "composer", "engine": "", "latency_ms": None, "first_delta_ms": None, "trace": {},
        "cards": [CARD], "is_first": False,
    }  # fmt: skip
    return EndedTurn(**{**usual, **fields})


@pytest.mark.parametrize(
    ("fields", "key", "numbers"),
    [
        ({}, ("turns", ""), {"complete": 1, "answered": 1}),
        ({"is_first": True}, ("turns", ""), {"complete": 1, "answered": 1, "begun": 1}),
        ({"cards": []}, ("turns", ""), {"complete": 1, "unanswered": 1}),
        ({"cards": [], "intent": "faq"}, ("turns", ""), {"complete": 1, "answered": 1}),
        ({"intent": "other"}, ("intent", "other"), {"turns": 1, "unanswered": 1}),
        ({"trace": {"notes": [{"note": "not_found"}]}}, ("intent", "price"), {"turns": 1, "unanswered": 1}),
        # Neither the shopper who has read enough nor a failure says anything of what we know.
        ({"status": "stopped"}, ("turns", ""), {"stopped": 1}),
        ({"status": "failed", "cards": [], "intent": ""}, ("turns", ""), {"failed": 1}),
        ({"first_delta_ms": 20.0}, ("turns", ""), {"complete": 1, "answered": 1, f"first.{bucket_of(20_000)}": 1}),
        ({"latency_ms": 40.0}, ("turns", ""), {"complete": 1, "answered": 1, f"whole.{bucket_of(40_000)}": 1}),
        ({"language": "ja"}, ("language", "ja"), {"turns": 1}),
        (
            {"trace": {"steps": [{"step": "generate", "ms": 1600.0, "over": True}, {"step": "generate", "ms": 1.0}]}},
            ("step", "generate"),
            {"runs": 2, "over": 1, f"time.{bucket_of(1_600_000)}": 1, f"time.{bucket_of(1_000)}": 1},
        ),
        ({}, ("generator", "composer"), {"turns": 1}),
        (
            {"trace": {"generation": {"generator": "bedrock", "read": 900, "written": 80, "cached": 0, "cost": 0.004}},
             "generator": "bedrock"},
            ("generator", "bedrock"),
            {"turns": 1, "read": 900, "written": 80, "dollars": 0.004},
        ),
        # What the model took is the model's, although the composer had to answer.
        (
            {"trace": {"generation": {"generator": "composer", "tried": "bedrock", "fallback": "no words", "read": 9}}},
            ("generator", "bedrock"),
            {"turns": 1, "fallbacks": 1, "read": 9},
        ),
    ],
)  # fmt: skip
def test_what_a_turn_adds(fields: dict[str, Any], key: Key, numbers: Numbers) -> None:
    assert tally_turn(ended(**fields))[key] == numbers


def test_what_is_missing_is_not_counted() -> None:
    empty = tally_turn(ended(intent="", language="", generator="", trace={"steps": [{"step": "live_offers"}]}))
    assert set(empty) == {("turns", "")}


def test_tallies_add_up_and_tell_quantiles() -> None:
    whole: dict[Key, Numbers] = {}
    for ms in (10, 20, 30, 1_000):
        add(whole, tally_turn(ended(first_delta_ms=float(ms))))
    add(whole, tally_turn(ended()), share=0.5)
    numbers = whole["turns", ""]
    assert numbers["complete"] == 4.5
    assert quantile_ms(numbers, "first", 0.5) == pytest.approx(20, rel=0.09)
    assert quantile_ms(numbers, "first", 0.95) == pytest.approx(1_000, rel=0.09)
    assert quantile_ms(numbers, "whole", 0.5) is None
