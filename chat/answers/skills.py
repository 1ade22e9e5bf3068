"""Finishing a series, comparing two, the order of reading: what a bookseller works out. Values that age are slots."""

from __future__ import annotations

from chat.answers.asked import (
    LONGEST_LIST,
    Asked,
    authors_of,
    fits_age,
    live_words,
    product_cards,
    remember_focus,
    replies,
    series_title,
    volume_words,
)
from chat.evidence import Finish
from chat.phrases import JOINERS, join, name_of, say
from chat.plan import AnswerPlan, CardRef, Line
from chat.understanding.types import Language
from shop.facts import SeriesFacts


def finish(asked: Asked) -> AnswerPlan:
    """What it takes to have the rest of a series, or the named volumes of it."""
    request, evidence, language = asked.request, asked.evidence, asked.language
    plan = evidence.finish
    series = next(iter(evidence.series.values()), None)
    if plan is None or series is None:
        phrase = "failed.products" if "products" in evidence.failed else "unclear.title"
        lines = [Line("finish.failed" if {"offers", "finish"} & evidence.failed else phrase)]
        return AnswerPlan(lines=tuple(lines), state=request.state)
    title = {"series": series_title(series.id)}
    shown = (plan.within.asins if plan.within else plan.chosen.asins)[:LONGEST_LIST]
    only = shown[0] if len(shown) == 1 else ""
    state = remember_focus(request.state, evidence, shown=shown, asin=only, series=series.id)
    lines = [Line("finish.has", title | {"volumes": volume_words(language, evidence.has)})] if evidence.has else []
    if not plan.wanted:
        return AnswerPlan(lines=(*lines, Line("next.complete", title)), state=state)
    lines += _way(asked, plan, title)
    return AnswerPlan(
        lines=tuple(lines),
        state=state,
        cards=product_cards(*shown),
        quick_replies=replies(language, "in_stock", "ebooks", "similar"),
    )


def _way(asked: Asked, plan: Finish, title: dict[str, str]) -> list[Line]:
    language, chosen = asked.language, plan.chosen
    missing = Line("finish.missing", {"volumes": volume_words(language, chosen.missing)})
    kept_to = [name_of(language, plan.language)]
    if asked.request.format:
        kept_to.append(name_of(language, asked.request.format))
    wishes = Line("finish.kept", {"wishes": JOINERS[language].join(kept_to)})
    if not chosen.asins:
        return [Line("finish.nothing", title), wishes, *([missing] if chosen.missing else [])]
    words = title | {"volumes": volume_words(language, chosen.covered), "total": "{{total:finish}}"}
    lines = [Line("finish.one" if len(chosen.asins) == 1 else "finish.way", words | {"count": str(len(chosen.asins))})]
    lines += [Line("price.item", live_words(asin), bullet=True) for asin in chosen.asins[:LONGEST_LIST]]
    if len(chosen.asins) > LONGEST_LIST:
        lines.append(Line("finish.more", bullet=True))
    lines += _limit(asked, plan)
    if chosen.overlaps:
        lines.append(Line("finish.overlap", {"volumes": volume_words(language, chosen.overlaps)}))
    if chosen.missing:
        lines.append(missing)
    if not chosen.exact:
        lines.append(Line("finish.inexact"))
    return [*lines, wishes]


def _limit(asked: Asked, plan: Finish) -> list[Line]:
    if "series" not in asked.evidence.limits:
        return []
    if plan.limit_is_foreign:
        return [Line("finish.foreign")]
    phrase = "finish.verdict.partial" if plan.chosen.missing else "finish.verdict"
    lines = [Line(phrase, {"verdict": "{{verdict:finish}}"})]
    if plan.within is not None:
        volumes = volume_words(asked.language, plan.within.covered)
        lines.append(Line("finish.within", {"volumes": volumes, "total": "{{total:within}}"}))
    return lines


def compare(asked: Asked) -> AnswerPlan:
    """Facts side by side, then what they share and where they differ."""
    request, evidence, language = asked.request, asked.evidence, asked.language
    known = [evidence.series[each] for each in request.series if each in evidence.series][:3]
    if len(known) < 2:
        phrase = "failed.products" if "products" in evidence.failed else "compare.which"
        return AnswerPlan(lines=(Line(phrase),), state=request.state)
    first = tuple(asin for asin in evidence.editions if asin in evidence.products and asin not in evidence.withheld)
    lines = [Line("compare.intro")]
    lines += [Line("compare.item", _side(language, each), bullet=True) for each in known]
    lines += _differences(language, known[0], known[1]) if len(known) == 2 else []
    above = [series_title(each.id) for each in known if request.state.age is not None and not fits_age(request, each)]
    if above:
        words = {"titles": JOINERS[language].join(above), "age": str(request.state.age)}
        lines.append(Line("search.above_age", words))
    if first:
        lines.append(Line("compare.start"))
        lines += [Line("price.item", live_words(asin), bullet=True) for asin in first]
    return AnswerPlan(
        lines=tuple(lines),
        state=remember_focus(request.state, evidence, shown=first),
        cards=product_cards(*first),
        quick_replies=replies(language, "first", "second", "in_stock"),
    )


def _side(language: Language, series: SeriesFacts) -> dict[str, str]:
    words = {
        "title": series_title(series.id),
        "demographic": name_of(language, series.demographic),
        "authors": authors_of(language, series),
    }
    dated = series.started is not None
    overview = say(
        language, "series.overview" if dated else "series.overview.undated", **words, started=str(series.started)
    )
    facts = [join(language, series.genres)] if series.genres else []
    if series.volume_count is not None:
        facts.append(say(language, "compare.volumes", count=str(series.volume_count)))
    facts += [name_of(language, series.status), name_of(language, series.age_rating)]
    return {"overview": overview, "facts": JOINERS[language].join(facts)}


_AGES = ("all", "teen", "older_teen", "mature", "adult")


def _differences(language: Language, one: SeriesFacts, two: SeriesFacts) -> list[Line]:
    lines = []
    shared = tuple(each for each in (*one.genres, *one.themes) if each in {*two.genres, *two.themes})
    if shared:
        lines.append(Line("compare.shared", {"names": join(language, shared)}))
    if one.volume_count and two.volume_count and one.volume_count != two.volume_count:
        shorter = min(one, two, key=lambda each: each.volume_count or 0)
        lines.append(Line("compare.shorter", {"title": series_title(shorter.id)}))
    complete = [each for each in (one, two) if each.status == "complete"]
    if len(complete) == 1:
        lines.append(Line("compare.complete", {"title": series_title(complete[0].id)}))
    if one.age_rating != two.age_rating and {one.age_rating, two.age_rating} <= set(_AGES):
        younger = min(one, two, key=lambda each: _AGES.index(each.age_rating))
        lines.append(Line("compare.younger", {"title": series_title(younger.id)}))
    return lines


def reading_order(asked: Asked) -> AnswerPlan:
    """Every series of the family once, in its place, and where it begins."""
    request, evidence, language = asked.request, asked.evidence, asked.language
    steps = [step for step in evidence.order if step.series in evidence.series]
    if not steps:
        failed = {"products", "series"} & evidence.failed
        return AnswerPlan(lines=(Line("failed.products" if failed else "unclear.title"),), state=request.state)
    series_id = request.series[0]
    first = tuple(asin for asin in evidence.editions if asin in evidence.products and asin not in evidence.withheld)
    title = {"title": series_title(series_id)}
    if len(steps) == 1:
        lines = [Line("order_of_reading.alone", title)]
    else:
        lines = [Line("order_of_reading", title)]
        lines += [
            Line(
                f"order_of_reading.{step.place}",
                {"title": series_title(step.series), "status": name_of(language, evidence.series[step.series].status)},
                bullet=True,
            )
            for step in steps
        ]
    if request.state.age is not None:
        above = [series_title(s.series) for s in steps if not fits_age(request, evidence.series[s.series])]
        if above:
            words = {"titles": JOINERS[language].join(above), "age": str(request.state.age)}
            lines.append(Line("search.above_age", words))
    if first:
        lines.append(Line("series.first", live_words(first[0])))
    return AnswerPlan(
        lines=tuple(lines),
        state=remember_focus(request.state, evidence, shown=first, series=series_id),
        cards=(*(CardRef("series", step.series) for step in steps if len(steps) > 1), *product_cards(*first)),
        quick_replies=replies(language, "in_stock", "finish", "similar"),
    )
