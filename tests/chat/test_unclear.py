"""A thin margin between two readings: one short question with answers to press, and no guess."""

from __future__ import annotations

import pytest

from chat.answers.asked import Asked
from chat.answers.manners import unclear
from chat.context import PageContext
from chat.dialogue import DialogueState, resolve
from chat.evidence import Evidence
from chat.understanding.types import Entities, Intent, Language, Understanding
from chat.wanted import THIN_MARGIN, UNSURE_BELOW


def heard(
    language: Language, *, confidence: float = 0.5, margin: float = 0.4, intent: Intent = "price"
) -> Understanding:
    return Understanding(
        language=language,
        intent=intent,
        confidence=confidence,
        runner_up="availability",
        margin=margin,
        entities=Entities(),
    )


@pytest.mark.parametrize(("language", "text"), [("en", "how about that thing"), ("ja", "あれってどうなの")])
@pytest.mark.parametrize("unsure", [{"margin": THIN_MARGIN / 2}, {"confidence": UNSURE_BELOW / 2}])
def test_a_thin_margin_asks_one_question_with_quick_replies(
    language: Language, text: str, unsure: dict[str, float]
) -> None:
    request = resolve(text, heard(language, **unsure), DialogueState(), PageContext())  # type: ignore[arg-type]
    assert request.intent == "unclear"
    plan = unclear(Asked(request, Evidence(), signed_in=False))
    assert [line.phrase for line in plan.lines] == ["unclear.title"]
    assert len(plan.quick_replies) >= 3


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_clear_reading_is_not_asked_about(language: Language) -> None:
    clear = heard(language, confidence=0.9, margin=0.8, intent="promotions")
    assert resolve("…", clear, DialogueState(), PageContext()).intent == "promotions"


@pytest.mark.parametrize("intent", ["account", "complaint", "faq", "human"])
def test_what_needs_no_title_is_answered_without_one(intent: Intent) -> None:
    assert resolve("…", heard("en", intent=intent), DialogueState(), PageContext()).intent == intent


@pytest.mark.parametrize("intent", ["reading_order", "budget"])
def test_what_is_about_a_title_asks_for_it(intent: Intent) -> None:
    clear = heard("en", confidence=0.9, margin=0.8, intent=intent)
    assert resolve("…", clear, DialogueState(), PageContext()).intent == "unclear"
    talked_of = resolve("…", clear, DialogueState(series="berserk"), PageContext())
    assert (talked_of.intent, talked_of.series) == (intent, ("berserk",))
