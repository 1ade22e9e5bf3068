"""Price, stock and the next volume: every value is a slot, filled live at release."""

from __future__ import annotations

from dataclasses import replace

from chat.answers.asked import (
    LONGEST_LIST,
    Asked,
    chosen_edition,
    keep_list,
    live_words,
    no_edition,
    overlap_hints,
    product_cards,
    promotion_hints,
    remember_focus,
    replies,
    series_title,
)
from chat.dialogue import Request
from chat.evidence import Evidence
from chat.plan import AnswerPlan, CardRef, Line


def price(asked: Asked) -> AnswerPlan:
    return _cheaper(asked) if asked.request.cheaper else _live_answer(asked, "price.one")


def _cheaper(asked: Asked) -> AnswerPlan:
    """Compared at live prices when it was gathered; what is shown is read again at release."""
    request, evidence, language = asked.request, asked.evidence, asked.language
    product = chosen_edition(asked)
    if product is None:
        return no_edition(asked)
    found = tuple(asin for asin in evidence.found if asin in evidence.products)
    if "offers" in evidence.failed or not found:
        phrase = "cheaper.failed" if "offers" in evidence.failed else "cheaper.none"
        return AnswerPlan(
            lines=(Line(phrase, live_words(product.asin)),),
            state=keep_list(remember_focus(request.state, evidence, asin=product.asin), request.state),
            cards=product_cards(product.asin),
            quick_replies=replies(language, "promotions", "finish", "similar"),
        )
    return AnswerPlan(
        lines=(
            Line("cheaper.found", live_words(product.asin)),
            *(Line("price.item", live_words(asin), bullet=True) for asin in found),
        ),
        state=remember_focus(request.state, evidence, shown=found, series=product.series_id),
        cards=product_cards(*found),
        quick_replies=replies(language, "next", "finish", "similar"),
    )


def availability(asked: Asked) -> AnswerPlan:
    return _live_answer(asked, "availability.one")


def _live_answer(asked: Asked, phrase: str) -> AnswerPlan:
    request, evidence, language = asked.request, asked.evidence, asked.language
    several = tuple(asin for asin in (request.asins or ()) if asin in evidence.products)
    if not several and len(request.volumes) > 1:
        several = tuple(asin for asin in evidence.editions if asin in evidence.products)
    if several:
        several = several[:LONGEST_LIST]
        return AnswerPlan(
            lines=(Line("price.many"), *(Line("price.item", live_words(asin), bullet=True) for asin in several)),
            state=remember_focus(request.state, evidence, shown=several),
            cards=product_cards(*several),
            quick_replies=replies(language, "second", "similar"),
        )
    product = chosen_edition(asked)
    if product is None:
        return no_edition(asked)
    lines = [
        Line(phrase, live_words(product.asin)),
        *overlap_hints(asked, product),
        *promotion_hints(product, evidence),
    ]
    instead = tuple(a for a in evidence.found if a in evidence.products and a != product.asin)[:3]
    if instead:
        lines.append(Line("availability.instead"))
        lines += [Line("price.item", live_words(asin), bullet=True) for asin in instead]
    # What is offered in its place is a list to point into; else the list that it came from stays one.
    shown = (product.asin, *instead) if instead else ()
    state = remember_focus(request.state, evidence, asin=product.asin, shown=shown)
    return AnswerPlan(
        lines=tuple(lines),
        state=state if instead else keep_list(state, request.state),
        cards=product_cards(product.asin, *instead),
        quick_replies=replies(language, "next", "similar", "japanese" if product.language == "en" else "english"),
    )


def next_volume(asked: Asked) -> AnswerPlan:
    request, evidence, language = asked.request, asked.evidence, asked.language
    if not request.series and not request.asin:
        items = [item for item in evidence.recommended if item.asin in evidence.products][:LONGEST_LIST]
        if not items:
            return AnswerPlan(lines=(Line("next.which"),), state=request.state)
        shown = tuple(item.asin for item in items)
        return AnswerPlan(
            lines=(Line("next.shelf"), *(Line("price.item", live_words(asin), bullet=True) for asin in shown)),
            state=remember_focus(request.state, evidence, shown=shown),
            cards=tuple(CardRef("product", item.asin, item.reason) for item in items),
        )
    series_id = request.series[0] if request.series else evidence.products[request.asin].series_id
    product = next((evidence.products[a] for a in evidence.editions if a in evidence.products), None)
    if product is None:
        known = series_id in evidence.series and bool(evidence.has)
        if known:
            line = Line("next.complete", {"series": series_title(series_id)})
            return AnswerPlan(lines=(line,), state=remember_focus(request.state, evidence, series=series_id))
        return no_edition(asked)
    last = last_volume(request, evidence)
    words = live_words(product.asin) | {"series": series_title(series_id), "last": str(last)}
    phrase = "next.unknown" if last is None else "next.stated" if request.volumes or request.asin else "next.owned"
    between = tuple(asin for asin in evidence.found if asin in evidence.products and asin != product.asin)
    missing = [Line("next.gap")] if between else []
    missing += [Line("price.item", live_words(asin), bullet=True) for asin in between]
    state = remember_focus(request.state, evidence, asin=product.asin, series=series_id)
    return AnswerPlan(
        lines=(Line(phrase, words), *overlap_hints(asked, product), *promotion_hints(product, evidence), *missing),
        state=replace(state, asked="last_volume" if last is None else ""),
        cards=product_cards(product.asin, *between),
        quick_replies=replies(language, "in_stock", "finish", "similar"),
    )


def last_volume(request: Request, evidence: Evidence) -> int | None:
    """Up to where the shopper has read: as said, as on the page or in focus, or as they told and bought earlier."""
    if request.volumes:
        return max(request.volumes)
    if request.asin and request.asin in evidence.products:
        return max(evidence.products[request.asin].volumes, default=None)
    return max(evidence.has, default=None)
