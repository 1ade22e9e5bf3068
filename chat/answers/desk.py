"""Promotions, orders and help pages."""

from __future__ import annotations

from dataclasses import replace

from django.utils.timezone import localdate

from chat.answers.asked import LONGEST_LIST, Asked, product_cards, remember_focus, replies
from chat.guard import escape
from chat.plan import AnswerPlan, CardRef, Line
from shop.backends.base import OrderView


def promotions(asked: Asked) -> AnswerPlan:
    evidence, language = asked.evidence, asked.language
    if not evidence.promotions:
        phrase = "promotions.failed" if "promotions" in evidence.failed else "promotions.none"
        return AnswerPlan(lines=(Line(phrase),), state=asked.request.state)
    rules = evidence.promotions[:LONGEST_LIST]
    items = (
        Line("promotions.item", {"title": escape(rule.title), "percent": f"{rule.percent_off}%"}, bullet=True)
        for rule in rules
    )
    shown = tuple(asin for asin in evidence.found if asin in evidence.products)[:LONGEST_LIST]
    return AnswerPlan(
        lines=(Line("promotions.intro"), *items),
        state=remember_focus(asked.request.state, evidence, shown=shown),
        cards=(*(CardRef("promotion", rule.id) for rule in rules), *product_cards(*shown)),
        quick_replies=replies(language, "recommend", "shipping"),
    )


def order_status(asked: Asked) -> AnswerPlan:
    request, evidence, language = asked.request, asked.evidence, asked.language
    if not asked.signed_in:
        return AnswerPlan(
            lines=(Line("order.sign_in"),),
            state=request.state,
            quick_replies=replies(language, "human", "shipping"),
        )
    if "orders" in evidence.failed:
        return AnswerPlan(lines=(Line("order.failed"),), state=request.state)
    if not evidence.orders:
        phrase = "order.unknown" if request.entities.order_ids else "order.none"
        return AnswerPlan(
            lines=(Line(phrase),), state=request.state, quick_replies=replies(language, "human", "orders")
        )
    cards = tuple(CardRef("order", order.id) for order in evidence.orders)
    if len(evidence.orders) > 1:
        items = (
            Line("order.item.eta" if _is_under_way(order) else "order.item", _order_words(order.id), bullet=True)
            for order in evidence.orders
        )
        return AnswerPlan(lines=(Line("order.list"), *items), state=request.state, cards=cards)
    order = evidence.orders[0]
    words = _order_words(order.id)
    lines = [Line("order.one", words), Line("order.items", words)]
    if _is_under_way(order):
        is_late = order.eta is not None and order.eta < localdate()
        lines.append(Line("order.late" if is_late else "order.eta", words))
    if order.tracking and order.status in {"shipped", "delivered"}:
        lines.append(Line("order.tracking", words))
    return AnswerPlan(
        lines=tuple(lines),
        state=replace(request.state, order=order.id),
        cards=cards,
        quick_replies=replies(language, "returns", "human"),
    )


def _is_under_way(order: OrderView) -> bool:
    return order.status in {"processing", "shipped"}


def _order_words(order_id: str) -> dict[str, str]:
    return {
        "id": f"{{{{order:{order_id}}}}}",
        "status": f"{{{{order_status:{order_id}}}}}",
        "eta": f"{{{{order_eta:{order_id}}}}}",
        "items": f"{{{{order_items:{order_id}}}}}",
        "tracking": f"{{{{order_tracking:{order_id}}}}}",
    }


def faq(asked: Asked) -> AnswerPlan:
    evidence, language = asked.evidence, asked.language
    if not evidence.passages:
        phrase = "faq.failed" if "passages" in evidence.failed else "faq.none"
        return AnswerPlan(
            lines=(Line(phrase),),
            state=asked.request.state,
            quick_replies=replies(language, "human", "shipping"),
        )
    best = evidence.passages[0]
    return AnswerPlan(
        lines=(Line("faq.answer", {"passage": f"{{{{passage:{best.id}}}}}"}),),
        state=asked.request.state,
        citations=({"title": best.title, "url": best.url},),
        quick_replies=tuple(p.title for p in evidence.passages[1:] if p.kind == "article")[:2],
    )
