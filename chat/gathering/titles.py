"""For questions about one series, one edition, or the volume after it."""

from __future__ import annotations

from chat.answers import last_volume
from chat.evidence import Evidence
from chat.gathering.editions import bare_volume, editions_of, preferred_language, volumes_of
from chat.gathering.wishes import recommendation_request
from chat.gathering.work import BUYABLE, CANDIDATES, Gathering, running_promotions, series_facts_of, with_facts
from mangaassist.dbthreads import in_database
from recommendations.recommend import arecommend_for
from shop.models import Edition
from shop.orders import owned_asins


async def for_title(work: Gathering) -> Evidence:
    request = work.request
    if request.asins:
        return await with_facts(work, Evidence(), request.asins, ())
    if request.asin and not request.series:
        evidence = await with_facts(work, Evidence(editions=(request.asin,)), [request.asin], ())
        if request.intent == "availability":
            await _offer_instead(work, evidence)
        evidence.promotions = await running_promotions(work)
        return evidence
    chosen, instead = await work.limited("products", in_database(_editions_asked, work), ([], []))
    related: list[str] = []
    if request.intent == "series_facts":
        known = await series_facts_of(work, request.series)
        related = [other for facts in known.values() for _, other in facts.relations]
    evidence = Evidence(editions=tuple(chosen), found=tuple(instead) if not chosen else ())
    evidence = await with_facts(work, evidence, (*chosen, *instead), (*request.series, *related))
    evidence.promotions = await running_promotions(work)
    if request.intent == "availability" and chosen:
        await _offer_instead(work, evidence)
    return evidence


def _editions_asked(work: Gathering) -> tuple[list[str], list[str]]:
    """(what was asked for, what there is instead)."""
    request = work.request
    series_id = request.series[0]
    volumes = request.volumes or bare_volume(request) or volumes_of(request.variant_of)
    prefer = preferred_language(request)
    exact = editions_of(
        series_id, language=request.edition_language, format=request.format, volumes=volumes, prefer=prefer
    )
    if not exact and request.variant_of:
        # No such edition of that very volume: the series in that form is what is meant next.
        exact = editions_of(series_id, language=request.edition_language, format=request.format, prefer=prefer)
    if exact:
        return exact, []
    return [], editions_of(series_id, prefer=prefer)


async def _offer_instead(work: Gathering, evidence: Evidence) -> None:
    """When the one asked for cannot be bought now: other editions with the same volume that can."""
    asin = evidence.editions[0] if evidence.editions else ""
    product = evidence.products.get(asin)
    if product is None:
        return
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
        return evidence
    owned: set[str] = set()
    if work.shopper.customer_id:
        owned = await work.limited("orders", in_database(owned_asins, work.shopper.customer_id), set())
    evidence = await with_facts(work, Evidence(owned=frozenset(owned)), (request.asin, *owned), request.series)
    series_id = request.series[0] if request.series else ""
    if not series_id and request.asin in evidence.products:
        series_id = evidence.products[request.asin].series_id
        evidence.series |= await series_facts_of(work, [series_id])
    if not series_id:
        return evidence
    last = last_volume(request, evidence, series_id)
    language = request.edition_language or _language_read(evidence, series_id) or preferred_language(request)
    nexts = await work.limited("products", in_database(_next_editions, series_id, last, language, request.format), [])
    evidence.editions = tuple(nexts)
    evidence.products |= await work.products(nexts)
    evidence.promotions = await running_promotions(work)
    return evidence


def _language_read(evidence: Evidence, series_id: str) -> str:
    """The language in which the shopper has this series so far."""
    mine = [evidence.products[a] for a in evidence.owned if a in evidence.products]
    return next((product.language for product in mine if product.series_id == series_id), "")


def _next_editions(series_id: str, last: int | None, language: str, format: str) -> list[str]:
    """The next volume in this language; in another one only when this one has the series not at all."""
    wanted = ((last or 0) + 1,)
    found = editions_of(series_id, language=language, format=format, volumes=wanted)
    if not found and not Edition.objects.of_series(series_id).in_language(language).exists():
        found = editions_of(series_id, format=format, volumes=wanted)
    return found[:3]
