"""What the shop has decided shows in a plan: what is switched off is said to be, what it says itself is said. Pure."""

from __future__ import annotations

from dataclasses import replace

from chat.assistant import Assistant
from chat.dialogue import Request, Want
from chat.phrases import say
from chat.plan import AnswerPlan, Line
from chat.understanding.types import Language

_OFF: dict[Want, str] = {"recommend": "recommendations", "promotions": "promotions", "human": "handoff"}
# Replies that would ask for what is not there.
_REPLIES = {
    "recommendations": ("recommend", "similar", "more"),
    "promotions": ("promotions",),
    "handoff": ("human",),
}


def switched_off(request: Request, assistant: Assistant) -> AnswerPlan | None:
    """The whole answer to a question about a part that is switched off; None for every other question."""
    feature = _OFF.get(request.intent)
    if feature is None or getattr(assistant, feature):
        return None
    state = replace(request.state, intent=request.intent, misses=0)
    return AnswerPlan(lines=(Line(f"off.{feature}"),), state=state)


def as_decided(plan: AnswerPlan, request: Request, assistant: Assistant) -> AnswerPlan:
    """The plan with the shop's own greeting and replies, and without replies that lead to what is switched off."""
    language = request.language
    if request.intent == "greeting":
        plan = _own_greeting(plan, language, assistant)
    hidden = _hidden(language, assistant)
    return replace(plan, quick_replies=tuple(reply for reply in plan.quick_replies if reply not in hidden))


def _own_greeting(plan: AnswerPlan, language: Language, assistant: Assistant) -> AnswerPlan:
    text = assistant.greeting.get(language)
    if text:
        lines = tuple(Line("own", {"text": text}) if line.phrase == "greeting" else line for line in plan.lines)
        plan = replace(plan, lines=lines)
    # On a product's page its own replies are of more use.
    about_page = any(line.phrase == "greeting.page" for line in plan.lines)
    own = assistant.quick_replies.get(language)
    return replace(plan, quick_replies=own) if own and not about_page else plan


def _hidden(language: Language, assistant: Assistant) -> frozenset[str]:
    return frozenset(
        say(language, f"reply.{reply}")
        for feature, replies in _REPLIES.items()
        if not getattr(assistant, feature)
        for reply in replies
    )
