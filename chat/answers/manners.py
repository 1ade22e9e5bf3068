"""Greetings, thanks, and what lies outside the shelves."""

from __future__ import annotations

from chat.answers.asked import Asked, replies, series_title, title_slot
from chat.plan import AnswerPlan, Line


def greeting(asked: Asked) -> AnswerPlan:
    request = asked.request
    lines = [Line("greeting")]
    if request.context.asin in asked.evidence.products:
        lines.append(Line("greeting.page", {"title": title_slot(request.context.asin)}))
        offered = replies(request.language, "in_stock", "next", "similar", "about")
    elif request.context.series in asked.evidence.series:
        lines.append(Line("greeting.page", {"title": series_title(request.context.series)}))
        offered = replies(request.language, "about", "in_stock", "next", "similar")
    else:
        lines.append(Line("greeting.offer"))
        offered = replies(request.language, "recommend", "promotions", "orders", "shipping")
    return AnswerPlan(lines=tuple(lines), state=request.state, quick_replies=offered)


def about_assistant(asked: Asked) -> AnswerPlan:
    """Asked what one is talking with: said plainly, whoever writes the answers."""
    return AnswerPlan(
        lines=(Line("about_assistant"),),
        state=asked.request.state,
        quick_replies=replies(asked.language, "recommend", "orders", "human"),
    )


def thanks(asked: Asked) -> AnswerPlan:
    return AnswerPlan(lines=(Line("thanks"),), state=asked.request.state)


def nod(asked: Asked) -> AnswerPlan:
    return AnswerPlan(
        lines=(Line("nod"),), state=asked.request.state, quick_replies=replies(asked.language, "recommend", "human")
    )


def goodbye(asked: Asked) -> AnswerPlan:
    return AnswerPlan(lines=(Line("goodbye"),), state=asked.request.state)


def other(asked: Asked) -> AnswerPlan:
    return AnswerPlan(
        lines=(Line("other"),),
        state=asked.request.state,
        quick_replies=replies(asked.language, "recommend", "promotions", "shipping", "human"),
    )


def unclear(asked: Asked) -> AnswerPlan:
    request = asked.request
    if request.state.misses >= 1:
        phrase = "unclear.again"
    elif request.runner_up in {"price", "availability", "series_facts", "product_facts", "next_volume"}:
        phrase = "unclear.title"
    else:
        phrase = "unclear"
    return AnswerPlan(
        lines=(Line(phrase),),
        state=request.state,
        quick_replies=replies(request.language, "recommend", "promotions", "orders", "human"),
    )


def human(asked: Asked) -> AnswerPlan:
    """The handoff itself speaks (chat.turn): this is what is said when it could not be opened."""
    return AnswerPlan(lines=(Line("human.failed"),), state=asked.request.state)
