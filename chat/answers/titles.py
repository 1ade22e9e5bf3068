"""Facts about series and editions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from django.utils.timezone import localdate

from chat.answers.asked import (
    Asked,
    authors_of,
    chosen_edition,
    description_of,
    fits_age,
    keep_list,
    live_words,
    no_edition,
    overlap_hints,
    product_cards,
    promotion_hints,
    remember_focus,
    replies,
    series_title,
    title_slot,
)
from chat.answers.newest import newest
from chat.guard import escape
from chat.phrases import join, name_of, say_day
from chat.plan import AnswerPlan, CardRef, Line
from chat.understanding.types import Fact, Language
from shop.coverage import gives_away
from shop.facts import ProductFacts, SeriesFacts

MOST_COMPARED = 3


def series_facts(asked: Asked) -> AnswerPlan:
    request, evidence, language = asked.request, asked.evidence, asked.language
    known = [each for each in request.series if each in evidence.series]
    if not known:
        failed = "products" in evidence.failed
        return AnswerPlan(lines=(Line("failed.products" if failed else "unclear.title"),), state=request.state)
    if request.newest:
        return newest(asked)
    if evidence.lacking in {"language", "format"} and set(request.facts) <= {"overview", "editions"}:
        return no_edition(asked)
    series = evidence.series[known[0]]
    facts = request.facts or ("overview",)
    # Two or three that are named together are told of together.
    lines = [
        line
        for each in known[:MOST_COMPARED]
        for fact in facts
        for line in _series_fact(fact, asked, evidence.series[each])
    ]
    first = tuple(asin for asin in evidence.editions if asin in evidence.products)[: 3 if "overview" in facts else 1]
    if first and "overview" in facts:
        lines.append(Line("series.first", live_words(first[0])))
    related = tuple(
        CardRef("series", other) for _, other in series.relations if "relations" in facts and other in evidence.series
    )
    return AnswerPlan(
        lines=tuple(lines),
        state=remember_focus(request.state, evidence, shown=first, series=series.id),
        cards=(*related, *product_cards(*first)),
        quick_replies=replies(language, "in_stock", "next", "similar"),
    )


def _series_fact(fact: Fact, asked: Asked, series: SeriesFacts) -> list[Line]:
    evidence, language = asked.evidence, asked.language
    title = series_title(series.id)
    authors = authors_of(language, series)
    match fact:
        case "author":
            return [Line("series.author", {"title": title, "authors": authors})]
        case "volumes":
            if series.volume_count is None:
                return [Line("series.volumes.unknown", {"title": title})]
            runs_on = series.status in {"ongoing", "hiatus"}
            phrase = f"series.volumes.{series.status}" if runs_on else "series.volumes"
            return [Line(phrase, {"title": title, "count": str(series.volume_count)})]
        case "status":
            return [Line("series.status", {"title": title, "status": name_of(language, series.status)})]
        case "started" if series.started is not None:
            return [Line("series.started", {"title": title, "started": str(series.started)})]
        case "genre":
            words = {"title": title, "genres": join(language, series.genres)}
            if series.themes:
                return [Line("series.genre", words | {"themes": join(language, series.themes)})]
            return [Line("series.genre.only", words)]
        case "age_rating":
            return [_age_rating(asked, series)]
        case "relations":
            others = [(kind, other) for kind, other in series.relations if other in evidence.series]
            if not others:
                return [Line("series.relations.none", {"title": title})]
            return [
                Line("series.relations", {"title": title}),
                *(
                    Line(
                        "series.relation",
                        {"other": series_title(other), "relation": name_of(language, kind)},
                        bullet=True,
                    )
                    for kind, other in others
                ),
            ]
        case "editions":
            mine = [evidence.products[a] for a in evidence.editions if a in evidence.products]
            if not mine:
                return [Line("edition.none", {"title": title})]
            return [
                Line(
                    "series.editions",
                    {
                        "title": title,
                        "formats": join(language, tuple(dict.fromkeys(each.format for each in mine))),
                        "languages": join(language, tuple(dict.fromkeys(each.language for each in mine))),
                    },
                )
            ]
        case _:
            words = {
                "title": title,
                "authors": authors,
                "demographic": name_of(language, series.demographic),
            }
            opening = (
                Line("series.overview", words | {"started": str(series.started)})
                if series.started is not None
                else Line("series.overview.undated", words)
            )
            return [opening, Line("series.description", {"description": description_of(language, series)})]


def product_facts(asked: Asked) -> AnswerPlan:
    request, evidence, language = asked.request, asked.evidence, asked.language
    product = chosen_edition(asked)
    if product is None:
        return no_edition(asked)
    lines = [
        Line(
            "edition.overview",
            {
                "title": title_slot(product.asin),
                "format": name_of(language, product.format),
                "language": name_of(language, product.language),
            },
        ),
        *_edition_details(language, product, request.facts),
    ]
    state = keep_list(remember_focus(request.state, evidence, asin=product.asin), request.state)
    withheld = request.plot and not request.spoilers_wanted and gives_away(product.volumes, evidence.has)
    if withheld:
        words = {"title": title_slot(product.asin), "last": str(max(evidence.has))}
        return AnswerPlan(
            lines=(Line("edition.spoiler", words),),
            state=replace(state, asked=f"spoiler:{product.asin}"),
            cards=product_cards(product.asin),
            quick_replies=replies(language, "tell_anyway", "next", "price"),
        )
    if request.plot or request.spoilers_wanted or not request.facts:
        lines += _blurb(asked, product)
    lines += overlap_hints(asked, product)
    lines.append(Line("price.one", live_words(product.asin)))
    lines += promotion_hints(product, asked)
    return AnswerPlan(
        lines=tuple(lines),
        state=state,
        cards=product_cards(product.asin),
        quick_replies=replies(language, "next", "similar", "japanese" if product.language == "en" else "english"),
    )


def _blurb(asked: Asked, product: ProductFacts) -> list[Line]:
    """The edition's own blurb when that gives nothing away or is asked for; else how the series begins."""
    request, evidence, language = asked.request, asked.evidence, asked.language
    wanted = request.plot or request.spoilers_wanted
    safe = min(product.volumes, default=1) <= max(evidence.has, default=1)
    if product.description and (wanted or (safe and product.language == language)):
        return [Line("edition.description", {"description": escape(product.description)})]
    lines = [Line("edition.plot.unknown", {"title": title_slot(product.asin)})] if wanted else []
    series = evidence.series.get(product.series_id)
    if series is not None:
        lines.append(Line("series.description", {"description": description_of(language, series)}))
    return lines


def _age_rating(asked: Asked, series: SeriesFacts) -> Line:
    state, language = asked.request.state, asked.language
    words = {"title": series_title(series.id), "rating": name_of(language, series.age_rating)}
    if state.age is None:
        return Line("series.age_rating", words)
    return Line(
        "series.age_rating.fits" if fits_age(asked.request, series) else "series.age_rating.above",
        words | {"age": str(state.age)},
    )


def release(language: Language, day: date, former: date | None) -> Line:
    """When it comes or came out, and from which day that was moved, as long as it is not out."""
    words = {"date": say_day(language, day)}
    if day <= localdate():
        return Line("edition.released", words)
    if former is None or former == day:
        return Line("edition.releases", words)
    return Line("edition.moved", words | {"former": say_day(language, former)})


def _edition_details(language: Language, product: ProductFacts, facts: tuple[Fact, ...]) -> list[Line]:
    lines: list[Line] = []
    if len(product.volumes) > 1:
        first, last = str(product.volumes[0]), str(product.volumes[-1])
        lines.append(Line("edition.volumes", {"first": first, "last": last}))
    if product.pages is not None and (not facts or "pages" in facts):
        lines.append(Line("edition.pages", {"pages": str(product.pages)}))
    elif "pages" in facts:
        lines.append(Line("edition.pages.unknown", {"title": title_slot(product.asin)}))
    if product.release_date is not None and (not facts or "release_date" in facts):
        lines.append(release(language, product.release_date, product.former_release_date))
    if product.rating is not None and "rating" in facts:
        lines.append(Line("edition.rating", {"rating": f"{product.rating:g}", "best": "5"}))
    if product.publisher and "publisher" in facts:
        lines.append(Line("edition.publisher", {"publisher": escape(product.publisher)}))
    return lines
