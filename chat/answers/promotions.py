"""What is on offer: of the series that is asked for, of a genre, or at all."""

from __future__ import annotations

from chat import cues
from chat.answers.asked import LONGEST_LIST, Asked, product_cards, remember_focus, replies, series_title, title_slot
from chat.answers.unknown import unknown_name_line
from chat.evidence import Evidence
from chat.guard import escape
from chat.phrases import join
from chat.plan import AnswerPlan, CardRef, Line
from chat.understanding.types import Language
from shop.promotions import PromotionRule


def promotions(asked: Asked) -> AnswerPlan:
    evidence, request = asked.evidence, asked.request
    if "promotions" in evidence.failed:
        return AnswerPlan(lines=(Line("promotions.failed"),), state=request.state)
    about = tuple(each for each in evidence.asked_for if each in evidence.series)
    if about:
        return _of_series(asked, about)
    lines: list[Line] = []
    if cues.DISCOUNT_CODE.search(request.text):
        lines.append(Line("promotions.code"))
    elif request.unknown and cues.ON_SALE.search(request.text):
        lines.append(unknown_name_line(asked))
    if not evidence.promotions:
        return AnswerPlan(lines=(*lines, Line("promotions.none")), state=request.state)
    wished = (*request.entities.genres, *request.entities.themes, request.entities.demographic)
    wish = tuple(each for each in wished if each)
    if wish and evidence.found:
        return _of_a_wish(asked, wish)
    if wish:
        lines.append(Line("promotions.wish.none", {"wish": join(asked.language, wish)}))
    return _all(asked, lines)


def _of_series(asked: Asked, about: tuple[str, ...]) -> AnswerPlan:
    """Yes or no, of each that is named."""
    evidence = asked.evidence
    lines: list[Line] = []
    cards: list[CardRef] = []
    for series_id in about:
        rules = covering(series_id, evidence)
        lines += [
            Line("promotions.covers", {"series": series_title(series_id), **_words(rule, asked.language)})
            for rule in rules[:1]
        ]
        cards += [CardRef("promotion", rule.id) for rule in rules[:1]]
        if not rules:
            lines.append(Line("promotions.covers.not", {"series": series_title(series_id)}))
    shown = tuple(asin for asin in evidence.found if asin in evidence.products)
    state = remember_focus(asked.request.state, evidence, shown=shown, series=about[0] if len(about) == 1 else "")
    return AnswerPlan(
        lines=tuple(lines),
        state=state,
        cards=(*dict.fromkeys(cards), *product_cards(*shown)),
        quick_replies=replies(asked.language, "price", "promotions"),
    )


def _of_a_wish(asked: Asked, wish: tuple[str, ...]) -> AnswerPlan:
    evidence, lines = asked.evidence, [Line("promotions.wish", {"wish": join(asked.language, wish)})]
    shown = evidence.found[:LONGEST_LIST]
    cards: list[CardRef] = []
    for asin in shown:
        rule = covering(evidence.products[asin].series_id, evidence)[0]
        lines.append(
            Line("promotions.wish.item", {"product": title_slot(asin), **_words(rule, asked.language)}, bullet=True)
        )
        cards.append(CardRef("promotion", rule.id))
    return AnswerPlan(
        lines=tuple(lines),
        state=remember_focus(asked.request.state, evidence, shown=shown),
        cards=(*dict.fromkeys(cards), *product_cards(*shown)),
        quick_replies=replies(asked.language, "promotions", "recommend"),
    )


def _all(asked: Asked, before: list[Line]) -> AnswerPlan:
    evidence = asked.evidence
    rules = evidence.promotions[:LONGEST_LIST]
    items = (Line("promotions.item", _words(rule, asked.language), bullet=True) for rule in rules)
    fitting = (asin for asin in evidence.on_offer if asin in evidence.products and asin not in evidence.withheld)
    shown = tuple(fitting)[:LONGEST_LIST]
    return AnswerPlan(
        lines=(*before, Line("promotions.intro"), *items),
        state=remember_focus(asked.request.state, evidence, shown=shown),
        cards=(*(CardRef("promotion", rule.id) for rule in rules), *product_cards(*shown)),
        quick_replies=replies(asked.language, "recommend", "shipping"),
    )


def covering(series_id: str, evidence: Evidence) -> list[PromotionRule]:
    """The promotions that cover a series or at least an edition of it, the largest first."""
    series = evidence.series.get(series_id)
    found = [
        rule
        for rule in evidence.promotions
        if series is not None
        and rule.category == series.category
        and (
            not (rule.series or rule.asins)
            or series_id in rule.series
            or any(evidence.products[asin].series_id == series_id for asin in rule.asins if asin in evidence.products)
        )
    ]
    return sorted(found, key=lambda rule: -rule.percent_off)


def _words(rule: PromotionRule, language: Language) -> dict[str, str]:
    return {"title": escape(rule.title_in(language)), "percent": f"{rule.percent_off}%"}
