"""What we are asked to do and cannot: said plainly, with who or what can."""

from __future__ import annotations

from chat.answers.asked import (
    LONGEST_LIST,
    Asked,
    chosen_edition,
    keep_list,
    live_words,
    no_edition,
    product_cards,
    remember_focus,
    replies,
)
from chat.answers.desk import order_status, passage_slot, source_of
from chat.deeds import TO_AN_ORDER
from chat.plan import AnswerPlan, Line


def deed(asked: Asked) -> AnswerPlan:
    evidence, kind = asked.evidence, asked.request.deed
    lines = [Line("deed.order" if kind in TO_AN_ORDER else f"deed.{kind}")]
    if evidence.passages:
        lines.append(Line("deed.help", {"passage": passage_slot(evidence.passages[0])}))
    about = order_status(asked) if kind in TO_AN_ORDER else _the_books(asked)
    return AnswerPlan(
        lines=(*lines, *about.lines),
        state=about.state,
        cards=about.cards,
        citations=source_of(evidence.passages[0]) if evidence.passages else (),
        quick_replies=replies(asked.language, "human", "orders")
        if kind in TO_AN_ORDER
        else replies(asked.language, "in_stock", "similar"),
    )


def _the_books(asked: Asked) -> AnswerPlan:
    """Those that are meant, with the cards whose buttons do what we cannot."""
    request, evidence = asked.request, asked.evidence
    listed = tuple(asin for asin in request.asins if asin in evidence.products)[:LONGEST_LIST]
    product = None if listed else chosen_edition(asked)
    if not listed and product is None:
        return no_edition(asked)
    asins = listed or ((product.asin,) if product else ())
    after = remember_focus(
        request.state, evidence, asin="" if listed else asins[0], shown=listed if len(listed) > 1 else ()
    )
    return AnswerPlan(
        lines=tuple(Line("price.item", live_words(asin), bullet=True) for asin in asins),
        state=keep_list(after, request.state),
        cards=product_cards(*asins),
    )
