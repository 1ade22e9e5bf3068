"""Recommendations and search: lists of titles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from chat.answers.asked import (
    LONGEST_LIST,
    Asked,
    authors_of,
    fits_age,
    live_words,
    names,
    product_cards,
    remember_focus,
    replies,
    series_title,
    title_slot,
)
from chat.answers.unknown import unknown_name_line
from chat.constraints import merge
from chat.dialogue import DialogueState, Request, age_limit, is_of_a_time
from chat.guard import escape
from chat.naming import in_print
from chat.phrases import JOINERS, join, name_of, say, say_day
from chat.plan import AnswerPlan, CardRef, Line
from chat.understanding.types import Language
from shop.facts import ProductFacts, SeriesFacts

# Titles of one wish that are remembered as told.
MOST_TOLD = 60


def recommend(asked: Asked) -> AnswerPlan:
    request, evidence, language = asked.request, asked.evidence, asked.language
    wishes = _wishes(language, request)
    items = [item for item in evidence.recommended if item.asin in evidence.products][:LONGEST_LIST]
    if not items and request.cheaper and request.state.shown:
        return _nothing_cheaper(asked, wishes)
    if not items:
        if "recommendations" in evidence.failed:
            lines = [Line("failed.products")]
        else:
            lines = [Line("recommend.more.none" if request.more else "recommend.none")]
            wishes = [*_subjects(language, request), *wishes]
            lines += _said_wishes(language, wishes)
        return AnswerPlan(
            lines=tuple(lines),
            state=request.state,
            quick_replies=replies(language, "lift", "recommend", "human") if wishes else replies(language, "recommend"),
        )
    by_price = request.cheaper or request.state.order_by == "cheapest"
    lines = [Line("recommend.failed")] if "recommendations" in evidence.failed else []
    if request.unknown:
        lines.append(
            unknown_name_line(asked)
            if request.entities.similar_to
            else Line("unknown.subject", {"name": escape(in_print(request.unknown))})
        )
    if evidence.limit_is:
        lines.append(Line(f"limit.{evidence.limit_is}"))
    if evidence.limit_is == "foreign":
        wishes = _wishes(language, request, without_price=True)
    lines += _said_wishes(language, wishes)
    lines.append(_recommend_intro(asked, personal=any(item.engine != "popular" for item in items)))
    lines += [
        _introduce("recommend.item", language, evidence.series[item.series_id])
        for item in items
        if item.series_id in evidence.series and not by_price
    ]
    if by_price:
        lines += [Line("price.item", live_words(item.asin), bullet=True) for item in items]
    shown = tuple(item.asin for item in items)
    return AnswerPlan(
        lines=tuple(lines),
        state=_remembered(asked, shown),
        cards=tuple(CardRef("product", item.asin, item.reason) for item in items),
        quick_replies=replies(language, "more", "second", "in_stock"),
    )


def _remembered(asked: Asked, shown: tuple[str, ...]) -> DialogueState:
    """The list to point into, and all that was told for this wish, whatever is asked between: "more" are others."""
    state = remember_focus(asked.request.state, asked.evidence, shown=shown)
    told = merge(state.told, state.shown_series, without=())
    return replace(state, liked=asked.request.series, told=told[-MOST_TOLD:])


def _nothing_cheaper(asked: Asked, wishes: list[str]) -> AnswerPlan:
    """The last list stays, with its prices as they are now."""
    request, evidence = asked.request, asked.evidence
    shown = tuple(asin for asin in request.state.shown if asin in evidence.products)
    failed = "offers" in evidence.failed
    lines = _said_wishes(asked.language, wishes)
    lines.append(Line("recommend.cheaper.failed" if failed else "recommend.cheaper.none"))
    lines += [Line("price.item", live_words(asin), bullet=True) for asin in shown]
    return AnswerPlan(
        lines=tuple(lines),
        state=request.state,
        cards=product_cards(*shown),
        quick_replies=replies(asked.language, "promotions", "lift", "more"),
    )


def _said_wishes(language: Language, wishes: list[str]) -> list[Line]:
    return [Line("recommend.constraints", {"wishes": JOINERS[language].join(wishes)})] if wishes else []


def _recommend_intro(asked: Asked, *, personal: bool) -> Line:
    request, language = asked.request, asked.language
    if request.cheaper:
        return Line("recommend.cheaper")
    if request.more:
        return Line("recommend.more")
    if request.state.order_by:
        return Line(f"recommend.{request.state.order_by}")
    liked = tuple(each for each in request.series if each in asked.evidence.series)
    if liked:
        titles = JOINERS[language].join(series_title(each) for each in liked)
        if request.state.age is not None and not all(fits_age(request, asked.evidence.series[each]) for each in liked):
            # What is like a work for adults is not for a child.
            return Line("recommend.younger", {"titles": titles, "age": str(request.state.age)})
        return Line("recommend.similar", {"titles": titles})
    if wish := _subjects(language, request):
        return Line("recommend.wish", {"wish": JOINERS[language].join(wish)})
    return Line("recommend.personal" if personal and asked.signed_in else "recommend.popular")


def _subjects(language: Language, request: Request) -> list[str]:
    """What was wished for: genres, moods, and for whom it is drawn."""
    state = request.state
    return [name_of(language, each) for each in (*state.genres, *state.themes, state.demographic) if each]


def _wishes(language: Language, request: Request, *, without_price: bool = False) -> list[str]:
    """The constraints that were applied, said aloud."""
    state = request.state
    wishes = []
    refused = (*state.exclude_genres, *state.exclude_themes, *state.exclude_demographics)
    if refused:
        wishes.append(say(language, "wish.without", names=join(language, refused)))
    if request.format:
        wishes.append(say(language, "wish.format", name=name_of(language, request.format)))
    if request.edition_language:
        wishes.append(say(language, "wish.language", name=name_of(language, request.edition_language)))
    if not_in := (*state.exclude_formats, *state.exclude_languages):
        wishes.append(say(language, "wish.not_in", names=join(language, not_in)))
    if state.status:
        wishes.append(say(language, "wish.status", name=name_of(language, state.status)))
    if state.max_volumes is not None:
        wishes.append(say(language, "wish.length", count=str(state.max_volumes)))
    if state.age is not None:
        wishes.append(_age_wish(language, request))
    if state.budget and not without_price:
        wishes.append(say(language, "wish.price", limit="{{limit:book}}"))
    return wishes


def _age_wish(language: Language, request: Request) -> str:
    return say(language, "wish.age", age=str(request.state.age), rating=name_of(language, age_limit(request.state)))


def _age_said(asked: Asked, listed: Iterable[str] = ()) -> list[Line]:
    """A search keeps to the age that was given for somebody, and says so; what was named is shown all the same."""
    request, language = asked.request, asked.language
    if request.state.age is None:
        return []
    if not (request.series or request.entities.authors):
        return _said_wishes(language, [_age_wish(language, request)])
    known = (asked.evidence.series[each] for each in listed if each in asked.evidence.series)
    above = [series_title(each.id) for each in known if not fits_age(request, each)]
    if not above:
        return []
    return [Line("search.above_age", {"titles": JOINERS[language].join(above), "age": str(request.state.age)})]


def _author(asked: Asked, name: str) -> str:
    """As the language writes it, when the catalogue knows that."""
    for series in asked.evidence.series.values():
        if asked.language == "ja" and name in series.authors and len(series.native_authors) == len(series.authors):
            return names(asked.language, (series.native_authors[series.authors.index(name)],))
    return names(asked.language, (name,))


def _introduce(phrase: str, language: Language, series: SeriesFacts) -> Line:
    return Line(
        phrase,
        {
            "title": series_title(series.id),
            "authors": authors_of(language, series),
            "why": join(language, series.genres[:2]),
        },
        bullet=True,
    )


def search(asked: Asked) -> AnswerPlan:
    request, evidence, language = asked.request, asked.evidence, asked.language
    found = evidence.found[:LONGEST_LIST]
    if not found:
        return AnswerPlan(
            lines=(_nothing_found(asked), *_age_said(asked)),
            state=request.state,
            quick_replies=replies(language, *(["lift"] if request.state.age is not None else []), "recommend", "human"),
        )
    in_order = dict.fromkeys(evidence.products[asin].series_id for asin in found if asin in evidence.products)
    authors = request.entities.authors
    intro = (
        Line("search.released")
        if is_of_a_time(request)
        else Line("search.author", {"author": _author(asked, authors[0])})
        if authors and not request.series
        else Line("search.found")
    )
    items = (
        [_dated(language, evidence.products[asin]) for asin in found]
        if is_of_a_time(request)
        else [_introduce("search.item", language, evidence.series[s]) for s in in_order if s in evidence.series]
    )
    only = found[0] if len(found) == 1 else ""
    limit = [Line(f"limit.{evidence.limit_is}")] if evidence.limit_is else []
    return AnswerPlan(
        lines=(intro, *items, *limit, *_age_said(asked, in_order)),
        state=remember_focus(request.state, evidence, shown=found, asin=only),
        cards=product_cards(*found),
        quick_replies=replies(language, "in_stock", "price", "similar"),
    )


def _nothing_found(asked: Asked) -> Line:
    if "products" in asked.evidence.failed:
        return Line("search.failed")
    if is_of_a_time(asked.request):
        return Line("search.released.none")
    if asked.request.entities.isbns:
        return Line("search.none.isbn")
    return unknown_name_line(asked) if asked.request.unknown else Line("search.none")


def _dated(language: Language, product: ProductFacts) -> Line:
    assert product.release_date is not None
    words = {"title": title_slot(product.asin), "date": say_day(language, product.release_date)}
    return Line("search.released.item", words, bullet=True)
