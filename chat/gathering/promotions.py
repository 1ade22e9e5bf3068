"""For what is on offer: of the series or the genre that is asked for, or at all."""

from __future__ import annotations

from collections.abc import Iterator

from chat.answers.promotions import covering
from chat.evidence import Evidence
from chat.gathering.editions import first_editions
from chat.gathering.work import CANDIDATES, Gathering, running_promotions, series_facts_of, with_facts
from chat.understanding.types import Entities
from mangaassist.dbthreads import in_database
from shop.facts import SeriesFacts

# Series of which a promotion is asked at once.
MOST_SERIES = 3


async def for_promotions(work: Gathering) -> Evidence:
    request, rules = work.request, await running_promotions(work)
    evidence = await with_facts(work, Evidence(promotions=rules), (asin for rule in rules for asin in rule.asins), ())
    evidence.asked_for = _asked_for(work)[:MOST_SERIES]
    if evidence.asked_for:
        evidence.series |= await series_facts_of(work, evidence.asked_for)
        evidence.found = await _first_of(work, evidence, evidence.asked_for)
        return evidence
    of_rules = [each for rule in rules for each in rule.series]
    if _wishes(request.entities):
        evidence.series |= await series_facts_of(work, of_rules)
        fitting = [
            id for id, facts in evidence.series.items() if _fits(facts, request.entities) and covering(id, evidence)
        ]
        evidence.found = await _first_of(work, evidence, tuple(fitting[:CANDIDATES]))
        if evidence.found:
            return evidence
    first = await _first_of(work, evidence, tuple(each for rule in rules for each in rule.series[:2]))
    evidence.on_offer = (*dict.fromkeys((*(asin for rule in rules for asin in rule.asins[:2]), *first)),)
    return evidence


async def _first_of(work: Gathering, evidence: Evidence, series: tuple[str, ...]) -> tuple[str, ...]:
    """An edition of each to begin with, its facts added."""
    first = await work.limited("products", in_database(first_editions, work, list(series)), [])
    await with_facts(work, evidence, (asin for _, asin in first), ())
    return tuple(asin for _, asin in first if asin in evidence.products)


def _asked_for(work: Gathering) -> tuple[str, ...]:
    """The series that are named, else the one that "it" means."""
    request = work.request
    if request.series:
        return request.series
    if not request.entities.refers_back or _wishes(request.entities):
        return ()
    return tuple(each for each in (request.state.series or request.context.series,) if each)


def _wishes(entities: Entities) -> bool:
    return bool(entities.genres or entities.themes or entities.demographic)


def _fits(facts: SeriesFacts, entities: Entities) -> bool:
    return all(_each_fits(facts, entities))


def _each_fits(facts: SeriesFacts, entities: Entities) -> Iterator[bool]:
    yield set(entities.genres) <= set(facts.genres)
    yield set(entities.themes) <= set(facts.themes)
    yield entities.demographic in {"", facts.demographic}
