"""For questions about one series, one edition, or the volume after it."""

from __future__ import annotations

import asyncio
from typing import Literal

from chat.answers import last_volume
from chat.dialogue import Request, price_limit
from chat.evidence import Evidence
from chat.gathering.editions import bare_volume, editions_of, numbered_collection, preferred_language, volumes_of
from chat.gathering.instead import lacking, nearest_editions
from chat.gathering.newest import for_newest
from chat.gathering.owned import bought, language_read, most_read, volumes_had, without_spoilers
from chat.gathering.several import cheapest_first, for_several
from chat.gathering.wishes import affordable, recommendation_request
from chat.gathering.work import BUYABLE, CANDIDATES, Gathering, running_promotions, series_facts_of, with_facts
from mangaassist.dbthreads import in_database
from recommendations.recommend import arecommend_for
from shop.coverage import gaps
from shop.facts import ProductFacts
from shop.models import Edition


async def for_title(work: Gathering) -> Evidence:
    request = work.request
    if request.newest:
        return await for_newest(work)
    if request.of_several:
        return await _in_another_currency(work, await for_several(work))
    if request.asins:
        evidence = await with_facts(work, Evidence(), request.asins, ())
        evidence.found = await cheapest_first(work, request.asins) if request.entities.order == "cheapest" else ()
        return await _in_another_currency(work, evidence)
    if request.asin and not request.series:
        _, limit_is = await _affordable_first(work, [request.asin])
        evidence = Evidence(editions=(request.asin,), limit_is=limit_is)
        evidence, promotions = await asyncio.gather(
            with_facts(work, evidence, [request.asin], ()), running_promotions(work)
        )
        evidence.promotions = promotions
        return await _around(work, evidence)
    chosen, instead = await work.limited("products", in_database(_editions_asked, work), ([], []))
    related: list[str] = []
    if request.intent == "series_facts":
        known = await series_facts_of(work, request.series)
        related = [other for facts in known.values() for _, other in facts.relations]
    if "editions" not in request.facts:
        # A long series has a hundred; told are the likeliest few.
        chosen, instead = chosen[:CANDIDATES], instead[:CANDIDATES]
    chosen, limit_is = await _affordable_first(work, chosen)
    evidence = Evidence(editions=tuple(chosen), found=tuple(instead) if not chosen else (), limit_is=limit_is)
    if not chosen:
        evidence.lacking = await work.limited("products", in_database(_lacking, request), "")
    evidence, promotions = await asyncio.gather(
        with_facts(work, evidence, (*chosen, *instead), (*request.series, *related)), running_promotions(work)
    )
    evidence.promotions = promotions
    return await _around(work, evidence)


async def _affordable_first(work: Gathering, chosen: list[str]) -> tuple[list[str], Literal["", "foreign", "over"]]:
    """What the limit of this message pays for stands first, be it another edition of the same volumes."""
    request = work.request
    limit = price_limit(request.state)
    if limit is None or request.entities.max_price is None or not chosen:
        return chosen, ""
    others: list[str] = []
    if request.series:
        volumes = request.volumes or bare_volume(request)
        prefer = preferred_language(request)
        others = await work.limited(
            "products", in_database(editions_of, request.series[0], volumes=volumes, prefer=prefer), []
        )
    candidates = list(dict.fromkeys([*chosen[:CANDIDATES], *others]))[: 2 * CANDIDATES]
    offers = await work.offers(candidates)
    fit = [asin for asin in candidates if affordable(offers.get(asin), limit)]
    if fit:
        return [*fit, *(asin for asin in chosen if asin not in fit)], ""
    sold_in = {offer.price.currency for offer in offers.values() if offer.price is not None}
    if not sold_in:
        return chosen, ""
    return chosen, "over" if limit[1] in {"", *sold_in} else "foreign"


async def _in_another_currency(work: Gathering, evidence: Evidence) -> Evidence:
    """Notes that a price is asked for in a currency that it is not sold in: nothing is converted here."""
    asked = work.request.entities.asked_currency
    if asked and work.request.intent == "price":
        offers = await work.offers(evidence.editions[:1] or tuple(evidence.products))
        sold_in = {offer.price.currency for offer in offers.values() if offer.price is not None}
        evidence.foreign = asked if sold_in and asked not in sold_in else ""
    return evidence


async def _around(work: Gathering, evidence: Evidence) -> Evidence:
    """What belongs to an answer about one edition: others in its place, and what the shopper has of it."""
    request = work.request
    product = evidence.products.get(evidence.editions[0]) if evidence.editions else None
    if product is None:
        return evidence
    if request.cheaper:
        await _cheaper_than(work, evidence, product)
    elif request.intent == "availability":
        await _offer_instead(work, evidence, product)
    await _in_another_currency(work, evidence)
    if len(product.volumes) > 1 or request.intent == "product_facts":
        evidence.has = volumes_had(work, await bought(work), product.series_id)
    if not request.spoilers_wanted:
        evidence.products = {asin: without_spoilers(each, evidence.has) for asin, each in evidence.products.items()}
    return evidence


def _editions_asked(work: Gathering) -> tuple[list[str], list[str]]:
    """(what was asked for, what there is instead)."""
    request = work.request
    series_id = request.series[0]
    volumes = _volumes_asked(request)
    prefer = preferred_language(request)
    if request.collection is not None and request.format:
        numbered = numbered_collection(series_id, request.format, request.collection, prefer=prefer)
        # Another one of the same form would be taken for it.
        return numbered, [] if numbered else nearest_editions(request, volumes)
    exact = editions_of(
        series_id, language=request.edition_language, format=request.format, volumes=volumes, prefer=prefer
    )
    if not exact and request.variant_of:
        # No such edition of that very volume: the series in that form is what is meant next.
        exact = editions_of(series_id, language=request.edition_language, format=request.format, prefer=prefer)
    if exact:
        return exact, []
    return [], nearest_editions(request, volumes)


def _volumes_asked(request: Request) -> tuple[int, ...]:
    return request.volumes or bare_volume(request) or volumes_of(request.variant_of)


def _lacking(request: Request) -> Literal["volume", "format", "language", "such"]:
    return lacking(request, _volumes_asked(request))


async def _cheaper_than(work: Gathering, evidence: Evidence, product: ProductFacts) -> None:
    """Other editions in this language that hold the same volumes and cost less now, the cheapest first."""
    others = await work.limited(
        "products",
        in_database(editions_of, product.series_id, language=product.language, volumes=product.volumes),
        [],
    )
    facts = await work.products(others)
    holding = [asin for asin, other in facts.items() if set(product.volumes) <= set(other.volumes)]
    offers = await work.offers((product.asin, *holding))
    prices = {asin: offer.price for asin, offer in offers.items() if offer.price is not None and offer.buyable}
    here = offers[product.asin].price if product.asin in offers else None
    less = [
        asin
        for asin in holding
        if here is not None
        and (price := prices.get(asin))
        and price.currency == here.currency
        and price.amount < here.amount
    ]
    evidence.found = tuple(sorted(less, key=lambda asin: prices[asin].amount))[:3]
    evidence.products |= {asin: facts[asin] for asin in evidence.found}


async def _offer_instead(work: Gathering, evidence: Evidence, product: ProductFacts) -> None:
    """When the one asked for cannot be bought now: other editions with the same volume that can."""
    asin = product.asin
    offers = await work.offers([asin])
    if asin not in offers or offers[asin].availability in BUYABLE:
        return
    others = await work.limited(
        "products",
        in_database(editions_of, product.series_id, volumes=product.volumes, prefer=product.language),
        [],
    )
    others = [other for other in others if other != asin][:CANDIDATES]
    stocked = await work.offers(others)
    evidence.found = tuple(o for o in others if o in stocked and stocked[o].availability in BUYABLE)[:3]
    evidence.products |= await work.products(evidence.found)


async def for_next_volume(work: Gathering) -> Evidence:
    request = work.request
    if not request.series and not request.asin:
        if not work.shopper.customer_id:
            return Evidence()
        found = await work.limited(
            "recommendations", arecommend_for(recommendation_request(work, shelf="continue")), None
        )
        items = (
            tuple(item for shelf in found.shelves if shelf.name == "continue" for item in shelf.items) if found else ()
        )
        evidence = await with_facts(work, Evidence(), (item.asin for item in items), ())
        evidence.recommended = items
        if not items and "recommendations" not in work.failed:
            evidence.series = await series_facts_of(work, most_read(await bought(work)))
        return evidence
    mine = await bought(work)
    evidence = await with_facts(work, Evidence(), (request.asin,), request.series)
    series_id = request.series[0] if request.series else ""
    if not series_id and request.asin in evidence.products:
        series_id = evidence.products[request.asin].series_id
    if not series_id:
        return evidence
    evidence.has = volumes_had(work, mine, series_id)
    last = last_volume(request, evidence)
    evidence.reading = request.edition_language or language_read(mine, series_id) or preferred_language(request)
    evidence.editions = tuple(
        await work.limited(
            "products", in_database(_next_editions, series_id, last, evidence.reading, request.format), []
        )
    )
    has = evidence.has or frozenset(request.volumes)
    evidence.found = tuple(
        await work.limited("products", in_database(_between, series_id, has, evidence.reading, request.format), [])
    )
    evidence.products |= await work.products((*evidence.editions, *evidence.found))
    evidence.promotions = await running_promotions(work)
    return evidence


def _between(series_id: str, has: frozenset[int], language: str, format: str) -> list[str]:
    """An edition of each of the first volumes that are missing between those one has, in this language or another."""
    missing = [volume for volume in gaps(has) if volume > min(has)][:3]
    found = (
        editions_of(series_id, language=language, format=format, volumes=(volume,))
        or editions_of(series_id, format=format, volumes=(volume,))
        for volume in missing
    )
    return list(dict.fromkeys(editions[0] for editions in found if editions))


def _next_editions(series_id: str, last: int | None, language: str, format: str) -> list[str]:
    """The next volume in this language, else in another one, else the nearest volume behind it that is carried."""
    following = (last or 0) + 1
    found = editions_of(series_id, language=language, format=format, volumes=(following,)) or editions_of(
        series_id, format=format, volumes=(following,)
    )
    if not found:
        carried = Edition.objects.of_series(series_id).values_list("volumes", flat=True)
        later = min((volume for volumes in carried for volume in volumes if volume > following), default=None)
        if later is not None:
            found = editions_of(series_id, format=format, volumes=(later,), prefer=language)
    return found[:3]
