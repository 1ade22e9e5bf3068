"""The age that was told binds every answer: what is above it is named as such, never described, priced or sold.

What is retrieved for a wish keeps to it from the start (chat.gathering); this is for titles that the shopper names.
"""

from __future__ import annotations

from dataclasses import replace

from chat.answers.asked import Asked, replies, series_title, title_slot
from chat.guard import slots_in
from chat.phrases import name_of
from chat.plan import AnswerPlan, Line

# These say by themselves which of the titles are not for that age.
_SAY_IT_THEMSELVES = frozenset({"recommend", "search", "compare", "reading_order"})
# Slots that only name a thing.
_NAMES = frozenset({"title", "series"})


def keep_to_age(asked: Asked, plan: AnswerPlan) -> AnswerPlan:
    """``plan`` without what may not be given to a reader of the age that was told, and saying so."""
    withheld = asked.evidence.withheld
    touched = [id for line in plan.lines for word in line.words.values() for _, id in slots_in(word)]
    touched += [card.id for card in plan.cards]
    if not withheld or asked.request.intent in _SAY_IT_THEMSELVES or not withheld.intersection(touched):
        return replace(plan, cards=tuple(card for card in plan.cards if card.id not in withheld))
    above = _titles(asked, [id for id in touched if id in withheld])
    kept = tuple(line for line in plan.lines if not _tells(line, withheld))
    # "Is it all right for her?" was answered already.
    said = any(line.phrase.startswith("series.age_rating") for line in kept)
    is_about_them = set(_subjects(asked, plan)) <= withheld
    lines = () if is_about_them and not said else kept
    return replace(
        plan,
        lines=(*(() if said else above), *lines),
        cards=tuple(card for card in plan.cards if card.id not in withheld),
        quick_replies=replies(asked.language, "for_that_age", "for_me"),
        citations=() if is_about_them else plan.citations,
        state=replace(plan.state, asked=""),
    )


def _subjects(asked: Asked, plan: AnswerPlan) -> list[str]:
    return [*asked.request.series] or [id for id in (plan.state.series, asked.request.state.series) if id][:1]


def _tells(line: Line, withheld: frozenset[str]) -> bool:
    """Whether it says more of them than their name and rating."""
    if line.phrase.startswith("series.age_rating"):
        return False
    return any(id in withheld for word in line.words.values() for _, id in slots_in(word))


def _titles(asked: Asked, ids: list[str]) -> tuple[Line, ...]:
    """One line a title; a series and its own volumes are one."""
    evidence, language, age = asked.evidence, asked.language, str(asked.request.state.age)
    lines: dict[str, Line] = {}
    for id in ids:
        product = evidence.products.get(id)
        series = evidence.series.get(product.series_id if product else id)
        if series is not None and series.id in evidence.withheld:
            title, rating, key = series_title(series.id), series.age_rating, series.id
        elif product is not None:
            title, rating, key = title_slot(product.asin), product.age_rating, product.asin
        else:
            continue
        lines[key] = Line("age.above", {"title": title, "rating": name_of(language, rating), "age": age})
    return tuple(lines.values())[:3]
