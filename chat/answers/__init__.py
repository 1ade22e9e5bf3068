"""From a request and its evidence to the plan of an answer: what is said and shown, not yet how. Pure rules.

One function per intent. Values that age (price, stock, order status) appear only as slots.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chat.answers.age import keep_to_age
from chat.answers.asked import Asked, series_title, volume_words
from chat.answers.buying import availability, last_volume, next_volume, price
from chat.answers.deeds import deed
from chat.answers.desk import account, complaint, faq, order_status
from chat.answers.lifted import lifted_lines
from chat.answers.manners import about_assistant, goodbye, greeting, human, nod, other, thanks, unclear
from chat.answers.promotions import promotions
from chat.answers.shelves import recommend, search
from chat.answers.skills import compare, finish, reading_order
from chat.answers.titles import product_facts, series_facts
from chat.answers.unknown import unknown_title
from chat.dialogue import Request, Want
from chat.evidence import Evidence
from chat.plan import AnswerPlan, Line

__all__ = ["last_volume", "plan_answer"]


def plan_answer(request: Request, evidence: Evidence, *, signed_in: bool) -> AnswerPlan:
    asked = Asked(request, evidence, signed_in)
    plan = keep_to_age(asked, _ANSWERS[request.intent](asked))
    missed = request.intent in {"unclear", "other"}
    keeps_question = missed or request.intent in {"unknown_title", "nod"}
    state = replace(plan.state, intent=plan.state.intent if keeps_question else request.intent)
    before = request.state.series
    if before and plan.state.series != before:
        state = replace(state, previous=before)
    noted: tuple[Line, ...] = (Line(f"corrected.{request.corrected}"),) if request.corrected else ()
    noted = (*lifted_lines(request), *noted)
    if request.gone and plan.state.series:
        words = {"series": series_title(plan.state.series), "volumes": volume_words(request.language, request.gone)}
        noted = (*noted, Line("gone", words))
    return replace(plan, lines=(*noted, *plan.lines), state=replace(state, misses=state.misses + 1 if missed else 0))


_ANSWERS: dict[Want, Callable[[Asked], AnswerPlan]] = {
    "greeting": greeting,
    "about_assistant": about_assistant,
    "thanks": thanks,
    "goodbye": goodbye,
    "other": other,
    "unclear": unclear,
    "unknown_title": unknown_title,
    "deed": deed,
    "nod": nod,
    "human": human,
    "complaint": complaint,
    "recommend": recommend,
    "search": search,
    "series_facts": series_facts,
    "reading_order": reading_order,
    "compare": compare,
    "product_facts": product_facts,
    "price": price,
    "budget": finish,
    "availability": availability,
    "next_volume": next_volume,
    "promotions": promotions,
    "order_status": order_status,
    "faq": faq,
    "account": account,
}
