"""Price, stock and the next volume: every value is a slot, filled live at release."""

from __future__ import annotations

from dataclasses import replace

from chat.answers.asked import (
    LONGEST_LIST,
    Asked,
    chosen_edition,
    foreign_currency,
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
from chat.phrases import JOINERS, name_of
from chat.plan import AnswerPlan, CardRef, Line
from shop.coverage import gaps
from shop.facts import ProductFacts


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
    # In another order when one was asked for.
    in_order = (*evidence.found, *(evidence.editions if request.of_several else request.asins))
    if not (request.asins or request.of_several):
        in_order = ()
    several = tuple(dict.fromkeys(asin for asin in in_order if asin in evidence.products))
    if not several and len(request.volumes) > 1:
        several = tuple(asin for asin in evidence.editions if asin in evidence.products)
    if several:
        several = several[:LONGEST_LIST]
        sorted_by_price = bool(in_order and evidence.found)
        return AnswerPlan(
            lines=(
                Line("price.many.cheapest" if sorted_by_price else "price.many"),
                *(Line("price.item", live_words(asin), bullet=True) for asin in several),
                *(Line("edition.none", {"title": series_title(each)}) for each in evidence.without),
                *foreign_currency(asked),
            ),
            state=remember_focus(request.state, evidence, shown=several),
            cards=product_cards(*several),
            quick_replies=replies(language, "second", "similar"),
        )
    product = chosen_edition(asked)
    if product is None:
        return no_edition(asked)
    lines = [
        *([Line(f"limit.{evidence.limit_is}")] if evidence.limit_is else []),
        Line(phrase, live_words(product.asin)),
        *foreign_currency(asked),
        *overlap_hints(asked, product),
        *promotion_hints(product, asked),
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
        return _next_on_the_shelf(asked)
    read = evidence.products.get(request.asin)
    # Without any: the facts of the edition on the page were cut.
    series_id = request.series[0] if request.series else read.series_id if read else ""
    product = next((evidence.products[a] for a in evidence.editions if a in evidence.products), None)
    between = tuple(a for a in evidence.found if a in evidence.products and a not in evidence.editions[:1])
    if product is None and series_id not in evidence.series:
        return no_edition(asked)
    last = last_volume(request, evidence)
    if product is None and last is None:
        return no_edition(asked)
    if request.asks_for_gaps and evidence.has and (between or product):
        return _missing(asked, series_id, (*between, *([product.asin] if product else ())))
    missing = [Line("next.gap")] if between else []
    missing += [Line("price.item", live_words(asin), bullet=True) for asin in between]
    if product is None:
        return _nothing_follows(asked, series_id, between, missing)
    state = remember_focus(request.state, evidence, asin=product.asin, series=series_id)
    return AnswerPlan(
        lines=(
            *_not_in_that_language(asked, product, series_id, last),
            _next_line(asked, product, series_id, last),
            *overlap_hints(asked, product),
            *promotion_hints(product, asked),
            *missing,
        ),
        state=replace(state, asked="last_volume" if last is None else ""),
        cards=product_cards(product.asin, *between),
        quick_replies=replies(language, "in_stock", "finish", "similar"),
    )


def _next_on_the_shelf(asked: Asked) -> AnswerPlan:
    """Without a title: what would come next of everything that the shopper reads, or that it cannot be had; else we
    ask which."""
    request, evidence = asked.request, asked.evidence
    items = [item for item in evidence.recommended if item.asin in evidence.products][:LONGEST_LIST]
    if not items:
        failed = "recommendations" in evidence.failed
        read = JOINERS[asked.language].join(series_title(series_id) for series_id in evidence.series)
        which = Line("next.none_to_be_had", {"series": read}) if read else Line("next.which")
        return AnswerPlan(
            lines=(Line("failed.products") if failed else which,),
            state=replace(request.state, asked="" if failed else "which_series"),
            quick_replies=replies(asked.language, "recommend"),
        )
    shown = tuple(item.asin for item in items)
    return AnswerPlan(
        lines=(Line("next.shelf"), *(Line("price.item", live_words(asin), bullet=True) for asin in shown)),
        state=remember_focus(request.state, evidence, shown=shown),
        cards=tuple(CardRef("product", item.asin, item.reason) for item in items),
        quick_replies=replies(asked.language, "second", "similar"),
    )


def _next_line(asked: Asked, product: ProductFacts, series_id: str, last: int | None) -> Line:
    """What follows; when it is not the very next volume in the language that is read, that is said first."""
    request, language = asked.request, asked.language
    words = live_words(product.asin) | {"series": series_title(series_id), "last": str(last)}
    if last is None:
        return Line("next.unknown", words)
    if last + 1 not in product.volumes:
        return Line("next.not_carried", words)
    read = asked.evidence.reading
    if read and product.language != read:
        names = {"language": name_of(language, read), "other": name_of(language, product.language)}
        return Line("next.other_language", words | names)
    stated = request.volumes or not asked.evidence.has or request.steps_on
    return Line("next.stated" if stated else "next.owned", words)


def _not_in_that_language(asked: Asked, product: ProductFacts, series_id: str, last: int | None) -> list[Line]:
    """Said by the answer itself where the last volume is known."""
    wanted = asked.request.edition_language
    if last is not None or wanted in {"", product.language}:
        return []
    words = {"title": series_title(series_id), "language": name_of(asked.language, wanted)}
    return [Line("edition.none.language", words)]


def _missing(asked: Asked, series_id: str, asins: tuple[str, ...]) -> AnswerPlan:
    """The gaps first, then what follows the last volume one has."""
    request, evidence = asked.request, asked.evidence
    return AnswerPlan(
        lines=(
            Line("next.missing", {"series": series_title(series_id)}),
            *(Line("price.item", live_words(asin), bullet=True) for asin in asins),
        ),
        state=remember_focus(request.state, evidence, shown=asins, series=series_id),
        cards=product_cards(*asins),
        quick_replies=replies(asked.language, "finish", "in_stock", "similar"),
    )


def _nothing_follows(asked: Asked, series_id: str, between: tuple[str, ...], missing: list[Line]) -> AnswerPlan:
    """The end of what is carried: "you have everything" only when nothing is missing before it."""
    request, evidence = asked.request, asked.evidence
    title = {"series": series_title(series_id)}
    has = evidence.has or frozenset(request.volumes)
    complete = bool(has) and not gaps(has)
    phrase = "next.complete" if complete else "next.end"
    return AnswerPlan(
        lines=(Line(phrase, title), *missing),
        state=remember_focus(request.state, evidence, shown=between, series=series_id),
        cards=product_cards(*between),
        quick_replies=replies(asked.language, "finish", "similar"),
    )


def last_volume(request: Request, evidence: Evidence) -> int | None:
    """Up to where the shopper has read: as said now, as they told and bought earlier, else as on the page or in focus.

    What we proposed ourselves is nothing that they have read, unless they step on behind it.
    """
    if request.volumes:
        return max(request.volumes)
    if (request.steps_on or not evidence.has) and request.asin in evidence.products:
        return max(evidence.products[request.asin].volumes, default=None)
    return max(evidence.has, default=None)
