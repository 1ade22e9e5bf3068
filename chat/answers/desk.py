"""Orders and help pages."""

from __future__ import annotations

from dataclasses import replace

from django.utils.timezone import localdate

from chat.answers.asked import Asked, replies, title_slot
from chat.phrases import say_day
from chat.plan import AnswerPlan, CardRef, Line
from knowledge.search import Passage
from shop.backends.base import OrderView


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
        items = (Line(_listed_as(order), _order_words(order.id), bullet=True) for order in evidence.orders)
        late = replies(language, "human") if any(map(_is_late, evidence.orders)) else ()
        return AnswerPlan(lines=(Line("order.list"), *items), state=request.state, cards=cards, quick_replies=late)
    order = evidence.orders[0]
    words = _order_words(order.id)
    lines = [Line("order.one", words), Line("order.items", words)]
    if _is_under_way(order):
        lines.append(Line("order.late" if _is_late(order) else "order.eta", words))
    lines += _slips(asked, order)
    if order.tracking and order.status in {"shipped", "delivered"}:
        lines.append(Line("order.tracking", words))
    return AnswerPlan(
        lines=tuple(lines),
        state=replace(request.state, order=order.id),
        cards=cards,
        quick_replies=replies(language, "returns", "human"),
    )


def _slips(asked: Asked, order: OrderView) -> list[Line]:
    """What it holds that comes out later than today: the order waits for it, whatever day was promised."""
    products = (asked.evidence.products.get(line.asin) for line in order.lines if order.status == "processing")
    waits = [each for each in products if each and each.release_date and each.release_date > localdate()]
    return [
        Line(
            "order.slipped" if order.eta and each.release_date and each.release_date > order.eta else "order.waits",
            {"title": title_slot(each.asin), "date": say_day(asked.language, each.release_date)},
        )
        for each in waits
        if each.release_date
    ]


def _is_under_way(order: OrderView) -> bool:
    return order.status in {"processing", "shipped"}


def _is_late(order: OrderView) -> bool:
    return _is_under_way(order) and order.eta is not None and order.eta < localdate()


def _listed_as(order: OrderView) -> str:
    if not _is_under_way(order):
        return "order.item"
    return "order.item.late" if _is_late(order) else "order.item.eta"


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
    return AnswerPlan(
        lines=tuple(_passage(asked)),
        state=asked.request.state,
        citations=source_of(asked.evidence.passages[0]),
        quick_replies=tuple(p.title for p in evidence.passages[1:] if p.kind == "article")[:2],
    )


def account(asked: Asked) -> AnswerPlan:
    """The help page on it if there is one. Nobody's account can be seen or changed from here: said, not pretended."""
    language = asked.language
    helped = _passage(asked)
    return AnswerPlan(
        lines=(*helped, Line("account")),
        state=asked.request.state,
        citations=source_of(asked.evidence.passages[0]) if helped else (),
        quick_replies=replies(language, "human", "orders", "recommend"),
    )


def complaint(asked: Asked) -> AnswerPlan:
    """Sympathy, then facts: what our pages say, and how the order stands. Whether a person is offered or brought in
    is for the rules of escalation (chat.handoff).
    """
    request, evidence, language = asked.request, asked.evidence, asked.language
    helped = _passage(asked)
    lines = [Line("complaint"), *helped]
    named = bool(request.entities.order_ids)
    orders = evidence.orders if named else tuple(o for o in evidence.orders if _is_under_way(o))[:1]
    for order in orders[:1]:
        words = _order_words(order.id)
        lines += [Line("order.one", words), *([Line("order.late", words)] if _is_late(order) else [])]
    if named and asked.signed_in and not orders and "orders" not in evidence.failed:
        lines.append(Line("order.unknown"))
    if not asked.signed_in and not helped:
        lines.append(Line("complaint.sign_in"))
    return AnswerPlan(
        lines=tuple(lines),
        state=replace(request.state, order=orders[0].id if orders else request.state.order),
        cards=tuple(CardRef("order", order.id) for order in orders[:1]),
        citations=source_of(asked.evidence.passages[0]) if helped else (),
        quick_replies=replies(language, "human", "returns", "orders"),
    )


def _passage(asked: Asked) -> list[Line]:
    passages = asked.evidence.passages
    return [Line("faq.answer", {"passage": passage_slot(passages[0])})] if passages else []


def passage_slot(passage: Passage) -> str:
    return f"{{{{passage:{passage.id}}}}}"


def source_of(passage: Passage) -> tuple[dict[str, str], ...]:
    return ({"title": passage.title, "url": passage.url, "source": passage.source, "version": str(passage.version)},)
