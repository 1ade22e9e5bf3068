"""For what it takes a bookseller: finishing a series, comparing two, the order of reading."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db.models import Q

from chat.dialogue import price_limit
from chat.evidence import Evidence, Finish
from chat.gathering.editions import editions_of, first_editions, preferred_language
from chat.gathering.owned import bought, language_read, volumes_had
from chat.gathering.work import Gathering, series_facts_of, with_facts
from mangaassist.dbthreads import in_database
from shop.completion import Choice, cheapest_completion, furthest_within
from shop.coverage import LAST_VOLUME
from shop.facts import SeriesFacts
from shop.models import Edition, SeriesRelation
from shop.offers import LiveOffer
from shop.reading_order import reading_order

MOST_COMPARED = 3
# Relations of relations: a family of series is small, a circle ends by itself.
FURTHEST_RELATION = 6


@dataclass(frozen=True, slots=True)
class Sold:
    """An edition of the series, as far as finishing it goes."""

    asin: str
    volumes: frozenset[int]
    format: str
    language: str


async def for_finish(work: Gathering) -> Evidence:
    request = work.request
    series_id = request.series[0] if request.series else ""
    if not series_id and request.asin:
        products = await work.products([request.asin])
        series_id = products[request.asin].series_id if request.asin in products else ""
    series = await series_facts_of(work, [series_id])
    if series_id not in series:
        return Evidence()
    mine = await bought(work)
    sold = await work.limited("products", in_database(_sold, series_id), [])
    language = _language(work, sold, language_read(mine, series_id))
    has = volumes_had(work, mine, series_id, language)
    wanted = _wanted(work, series[series_id], sold, has)
    editions = [each for each in sold if each.language == language and _fits_format(work, each)]
    offers = await work.offers(each.asin for each in editions)
    evidence = Evidence(series=series, has=has)
    if "offers" in work.failed or "products" in work.failed:
        return evidence
    currency = _currency(offers)
    choices = [
        Choice(each.asin, each.volumes, offer.price.amount)
        for each in editions
        if (offer := offers.get(each.asin)) and offer.buyable and offer.price and offer.price.currency == currency
    ]
    limit = price_limit(request.state, of_series=True)
    foreign = limit is not None and limit[1] not in {"", currency}

    def work_out() -> Finish:
        chosen = cheapest_completion(wanted, choices)
        short = limit is not None and not foreign and chosen.total > limit[0]
        return Finish(
            series=series_id,
            language=language,
            wanted=wanted,
            chosen=chosen,
            within=furthest_within(wanted, choices, limit[0]) if limit and short else None,
            limit_is_foreign=foreign,
        )

    # Some ten milliseconds for a long series: not in the loop, where other shoppers wait.
    evidence.finish = await work.limited("finish", in_database(work_out), None)
    if evidence.finish is None:
        return evidence
    evidence.bundles["finish"] = evidence.finish.chosen.asins
    if evidence.finish.within:
        evidence.bundles["within"] = evidence.finish.within.asins
    return await with_facts(work, evidence, evidence.finish.chosen.asins + evidence.bundles.get("within", ()), ())


def _sold(series_id: str) -> list[Sold]:
    rows = Edition.objects.of_series(series_id).values_list("asin", "volumes", "format", "language")
    return [Sold(asin, frozenset(volumes), form, language) for asin, volumes, form, language in rows if volumes]


def _language(work: Gathering, sold: list[Sold], read: str) -> str:
    """One language for the whole series: as asked for, else as it is read so far, else as is spoken."""
    there = Counter(each.language for each in sold)
    asked = work.request.edition_language or work.request.state.edition_language
    likely = asked or (read if read in there else "") or work.request.language
    if likely in there or asked or not there:
        return likely
    return there.most_common(1)[0][0]


def _wanted(work: Gathering, series: SeriesFacts, sold: list[Sold], has: frozenset[int]) -> frozenset[int]:
    """The named volumes, or all there are, less what is there."""
    request = work.request
    known = frozenset(volume for each in sold for volume in each.volumes)
    every = frozenset(range(1, min(series.volume_count, LAST_VOLUME) + 1)) if series.volume_count else known
    named = frozenset(request.volumes) - has
    if not named:
        return every - has
    return frozenset(v for v in every if v >= min(named)) - has if request.onwards else named


def _fits_format(work: Gathering, edition: Sold) -> bool:
    """As wished; e-books only when asked for: nobody finishes a shelf with a file."""
    form = work.request.format
    return edition.format == form if form else edition.format != "ebook"


def _currency(offers: dict[str, LiveOffer]) -> str:
    currencies = Counter(offer.price.currency for offer in offers.values() if offer.price is not None and offer.buyable)
    return currencies.most_common(1)[0][0] if currencies else ""


async def for_comparison(work: Gathering) -> Evidence:
    named = work.request.series[:MOST_COMPARED]
    first = await work.limited("products", in_database(first_editions, work, named), [])
    evidence = Evidence(editions=tuple(asin for _, asin in first))
    return await with_facts(work, evidence, evidence.editions, named)


async def for_reading_order(work: Gathering) -> Evidence:
    request = work.request
    series_id = request.series[0] if request.series else ""
    family = await work.limited("products", in_database(_family, series_id), set())
    known = await series_facts_of(work, family)
    if series_id not in known:
        return Evidence()
    relations = [
        (facts.id, kind, other) for facts in known.values() for kind, other in facts.relations if other in known
    ]
    order = reading_order(series_id, relations, {facts.id: facts.started for facts in known.values()})
    first = await work.limited(
        "products", in_database(editions_of, order[0].series, prefer=preferred_language(request)), []
    )
    evidence = Evidence(series=known, order=order, editions=tuple(first[:1]))
    return await with_facts(work, evidence, evidence.editions, ())


def _family(series_id: str) -> set[str]:
    """Everything connected with a series, from whichever side the relation is told."""
    family, new = {series_id}, {series_id}
    for _ in range(FURTHEST_RELATION):
        pairs = SeriesRelation.objects.filter(Q(series__in=new) | Q(to__in=new)).values_list("series_id", "to_id")
        new = {each for pair in pairs for each in pair} - family
        if not new:
            break
        family |= new
    return family
