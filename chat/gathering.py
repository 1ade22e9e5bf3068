"""Collects what an answer needs, concurrently, each step cut at its limit: the answer then goes on without it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Collection, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

import structlog
from django.conf import settings

from chat.answers import last_volume
from chat.dialogue import Request, age_limit, price_limit
from chat.evidence import Evidence
from chat.phrases import say
from chat.tokens import Shopper
from chat.trace import Trace
from knowledge.search import asearch_passages, search_products
from mangaassist.dbthreads import in_database
from recommendations.ordering import Found, Ordered, aorder_for
from recommendations.recommend import (
    Recommendation,
    RecommendationRequest,
    arecommend_for,
)
from shop.facts import ProductFacts, SeriesFacts, aproduct_facts, load_series_facts
from shop.models import Edition, ages_up_to
from shop.offers import LiveOffer, OffersUnavailable, aread_offers
from shop.orders import OrderView, find_order, orders_of, owned_asins
from shop.promotions import PromotionRule, aactive_promotions
from shop.search import SearchFilters, search_editions, search_series, series_by_author

log = structlog.get_logger(__name__)
T = TypeVar("T")

# More than a list shows, so that a price limit or the stock still leaves enough.
CANDIDATES = 12
_BUYABLE = frozenset({"in_stock", "low_stock", "pre_order"})


class Gathering:
    """One turn's collecting. ``failed`` names the steps that did not come in time or broke."""

    def __init__(self, request: Request, shopper: Shopper, trace: Trace) -> None:
        self.request = request
        self.shopper = shopper
        self.trace = trace
        self.failed: set[str] = set()

    async def limited(self, step: str, work: Awaitable[T], otherwise: T) -> T:
        """``work`` within the step's limit (``settings.TURN_LIMITS_S``), else ``otherwise``."""
        limit = settings.TURN_LIMITS_S.get(step, settings.TURN_LIMITS_S["products"])
        try:
            with self.trace.step(step):
                return await asyncio.wait_for(work, limit)
        except Exception as error:  # Any dependency's failure costs its part of the answer only.
            log.warning("turn_step_failed", step=step, error=type(error).__name__, detail=str(error)[:200])
            self.failed.add(step)
            return otherwise

    async def products(self, asins: Iterable[str]) -> dict[str, ProductFacts]:
        wanted = tuple(dict.fromkeys(asin for asin in asins if asin))
        return await self.limited("products", aproduct_facts(wanted), {}) if wanted else {}

    async def offers(self, asins: Iterable[str]) -> dict[str, LiveOffer]:
        """For ranking and filtering only; what is shown is read again at release."""
        wanted = tuple(dict.fromkeys(asins))
        try:
            return await asyncio.wait_for(aread_offers(wanted), settings.TURN_LIMITS_S["products"]) if wanted else {}
        except (OffersUnavailable, TimeoutError):
            self.failed.add("offers")
            return {}


async def gather(request: Request, shopper: Shopper, trace: Trace) -> Evidence:
    """The evidence of one answer. Never raises for a dependency: see ``Evidence.failed``."""
    work = Gathering(request, shopper, trace)
    match request.intent:
        case "recommend":
            evidence = await _for_recommendation(work)
        case "search":
            evidence = await _for_search(work)
        case "series_facts" | "product_facts" | "price" | "availability":
            evidence = await _for_title(work)
        case "next_volume":
            evidence = await _for_next_volume(work)
        case "promotions":
            evidence = await _for_promotions(work)
        case "order_status":
            evidence = await _for_orders(work)
        case "faq":
            evidence = await _for_question(work)
        case "greeting":
            evidence = await _for_page(work)
        case _:
            evidence = Evidence()
    evidence.failed = frozenset(work.failed)
    return evidence


async def _for_question(work: Gathering) -> Evidence:
    """Help that answers it; where there is none, what is said of the product that the shopper looks at or talks of."""
    request = work.request
    passages = await work.limited("passages", asearch_passages(request.text, request.language), [])
    if not passages and "passages" not in work.failed:
        allowed = ages_up_to(age_limit(request.state))
        products = await work.products([request.asin or request.context.asin])
        asins = [asin for asin, product in products.items() if product.age_rating in allowed]
        passages = (
            await work.limited("passages", in_database(search_products, request.text, asins), []) if asins else []
        )
    return Evidence(passages=tuple(passages))


async def _for_page(work: Gathering) -> Evidence:
    context = work.request.context
    products = await work.products([context.asin])
    series = await _series(work, [context.series] if context.series else [])
    return Evidence(products=products, series=series)


async def _series(work: Gathering, ids: Iterable[str]) -> dict[str, SeriesFacts]:
    wanted = tuple(dict.fromkeys(id for id in ids if id))
    return await work.limited("series", in_database(load_series_facts, wanted), {}) if wanted else {}


async def _with_facts(work: Gathering, evidence: Evidence, asins: Iterable[str], series: Iterable[str]) -> Evidence:
    """Adds the facts of editions and of their series."""
    evidence.products |= await work.products(asins)
    of_products = (product.series_id for product in evidence.products.values())
    evidence.series |= await _series(work, (*series, *of_products))
    return evidence


# --- Recommendations and search ---------------------------------------------------------------------------


async def _for_recommendation(work: Gathering) -> Evidence:
    request = work.request
    found = await work.limited("recommendations", arecommend_for(recommendation_request(work)), None)
    items = found.items if found else ()
    evidence = Evidence()
    if found:
        evidence.engine, evidence.recommendation_id = found.engine, found.recommendation_id
    if not items and "recommendations" in work.failed:
        items = await _shelf_without_engine(work)
    evidence = await _with_facts(work, evidence, (item.asin for item in items), request.series)
    evidence.recommended = tuple(await _within_budget(work, items))
    return evidence


def recommendation_request(work: Gathering, *, shelf: str = "") -> RecommendationRequest:
    request, state = work.request, work.request.state
    language = request.edition_language or ("ja" if request.language == "ja" else "en")
    return RecommendationRequest(
        customer_id=work.shopper.customer_id,
        session_id=work.shopper.session_id,
        series_id=request.series[0] if request.series else "",
        locale=request.language,
        language=language,
        format=request.format,
        genres=state.genres,
        exclude_genres=state.exclude_genres,
        themes=state.themes,
        exclude_themes=state.exclude_themes,
        demographic=state.demographic,
        exclude_series=(*request.series, *state.told),
        max_age_rating=age_limit(state),
        viewing=request.context.asin,
        device=request.context.device,
        shelf="continue" if shelf == "continue" else "discover",
        limit=CANDIDATES,
    )


async def _shelf_without_engine(work: Gathering) -> tuple[Recommendation, ...]:
    """With every engine silent: well-rated series of the wished genre, straight from the catalogue."""
    request, state = work.request, work.request.state
    words = " ".join((*state.genres, *state.themes)) or state.demographic or "manga"
    hits = await work.limited("search", in_database(search_series, words, filters=_filters(work), limit=CANDIDATES), [])
    first = await work.limited("products", in_database(_first_editions, work, [hit.series_id for hit in hits]), [])
    language = request.language
    return tuple(
        Recommendation(
            asin=asin,
            series_id=series_id,
            engine="catalogue",
            reason=say(language, "reason.first"),
            because=(),
        )
        for series_id, asin in first
    )


async def _within_budget(work: Gathering, items: Iterable[Recommendation]) -> list[Recommendation]:
    limit = price_limit(work.request.state)
    listed = list(items)
    if limit is None:
        return listed
    offers = await work.offers(item.asin for item in listed)
    return [item for item in listed if _affordable(offers.get(item.asin), limit)]


def _affordable(offer: LiveOffer | None, limit: tuple[Decimal, str]) -> bool:
    amount, currency = limit
    price = offer.price if offer is not None else None
    return price is not None and price.amount <= amount and currency in {"", price.currency}


async def _for_search(work: Gathering) -> Evidence:
    request = work.request
    hits = await work.limited("products", in_database(_search, work), [])
    ordered = await work.limited(
        "order",
        aorder_for(
            hits,
            customer_id=work.shopper.customer_id,
            session_id=work.shopper.session_id,
            device=request.context.device,
        ),
        Ordered(tuple(hits), ""),
    )
    found = [hit.asin for hit in ordered.found]
    evidence = await _with_facts(work, Evidence(), found, request.series)
    evidence.found = tuple(asin for asin in found if asin in evidence.products)
    limit = price_limit(request.state) if request.entities.max_price is not None else None
    if limit is not None and evidence.found:
        offers = await work.offers(evidence.found)
        evidence.found = tuple(asin for asin in evidence.found if _affordable(offers.get(asin), limit))
    return evidence


# What stands before a title and is no part of it.
_ASKING = re.compile(
    r"^(?:do you (?:have|carry|sell|stock)|have you got|are you selling|i(?:'m| am) looking for)\s+(?:any|the|an?)?\b",
    re.IGNORECASE,
)


def _search(work: Gathering) -> list[Found]:
    """Best first: first volumes of the series found, else the editions found. What was named keeps its place."""
    entities, filters = work.request.entities, _filters(work)
    if entities.asins:
        return [Found(asin, "", is_named=True) for asin in entities.asins]
    named: Collection[str] = work.request.series
    if work.request.series:
        series = list(work.request.series)
    elif entities.authors:
        # What is named is shown, with a word on the age that was given (chat.answers.shelves).
        of_all_ages = replace(filters, max_age_rating="mature")
        named = series = [id for author in entities.authors for id in series_by_author(author, filters=of_all_ages)]
    else:
        words = " ".join((*entities.genres, *entities.themes)) or _ASKING.sub("", work.request.text)
        hits = search_series(words, filters=filters, limit=CANDIDATES)
        series, named = [hit.series_id for hit in hits], {hit.series_id for hit in hits if hit.is_named}
    found = [Found(asin, series_id, series_id in named) for series_id, asin in _first_editions(work, series)]
    if found or entities.authors:
        return found
    editions = search_editions(_ASKING.sub("", work.request.text), filters=filters, limit=CANDIDATES)
    return [Found(hit.asin, hit.series_id, hit.is_named) for hit in editions]


def _filters(work: Gathering) -> SearchFilters:
    request, state = work.request, work.request.state
    return SearchFilters(
        language=request.edition_language,
        format=request.format,
        max_age_rating=age_limit(state),
        demographic=state.demographic,
        exclude_genres=state.exclude_genres,
    )


def _first_editions(work: Gathering, series: Iterable[str]) -> list[tuple[str, str]]:
    """(series id, ASIN of the edition to begin with), in the wished language and format only."""
    request = work.request
    return [
        (series_id, editions[0])
        for series_id in series
        if (
            editions := _editions(
                series_id,
                language=request.edition_language,
                format=request.format,
                volumes=request.volumes,
                prefer=_preferred(request),
            )
        )
    ]


# --- One title --------------------------------------------------------------------------------------------


async def _for_title(work: Gathering) -> Evidence:
    request = work.request
    if request.asins:
        return await _with_facts(work, Evidence(), request.asins, ())
    if request.asin and not request.series:
        evidence = await _with_facts(work, Evidence(editions=(request.asin,)), [request.asin], ())
        if request.intent == "availability":
            await _offer_instead(work, evidence)
        evidence.promotions = await _promotions(work)
        return evidence
    chosen, instead = await work.limited("products", in_database(_editions_asked, work), ([], []))
    related: list[str] = []
    if request.intent == "series_facts":
        known = await _series(work, request.series)
        related = [other for facts in known.values() for _, other in facts.relations]
    evidence = Evidence(editions=tuple(chosen), found=tuple(instead) if not chosen else ())
    evidence = await _with_facts(work, evidence, (*chosen, *instead), (*request.series, *related))
    evidence.promotions = await _promotions(work)
    if request.intent == "availability" and chosen:
        await _offer_instead(work, evidence)
    return evidence


def _editions_asked(work: Gathering) -> tuple[list[str], list[str]]:
    """(what was asked for, what there is instead)."""
    request = work.request
    series_id = request.series[0]
    volumes = request.volumes or _number(request) or _volumes_of(request.variant_of)
    prefer = _preferred(request)
    exact = _editions(
        series_id, language=request.edition_language, format=request.format, volumes=volumes, prefer=prefer
    )
    if not exact and request.variant_of:
        # No such edition of that very volume: the series in that form is what is meant next.
        exact = _editions(series_id, language=request.edition_language, format=request.format, prefer=prefer)
    if exact:
        return exact, []
    return [], _editions(series_id, prefer=prefer)


def _volumes_of(asin: str) -> tuple[int, ...]:
    found = Edition.objects.filter(pk=asin).values_list("volumes", flat=True).first() if asin else None
    return tuple(found or ())


def _preferred(request: Request) -> str:
    """The edition language to show first: as asked for earlier, else the one that is spoken."""
    return request.state.edition_language or request.language


def _number(request: Request) -> tuple[int, ...]:
    return (request.entities.bare_number,) if request.entities.bare_number else ()


def _editions(
    series_id: str,
    *,
    language: str = "",
    format: str = "",
    volumes: tuple[int, ...] = (),
    prefer: str = "",
) -> list[str]:
    """ASINs of a series' editions that fit, the likeliest meant first: single paperbacks by volume."""
    editions = Edition.objects.of_series(series_id)
    if language:
        editions = editions.in_language(language)
    if format:
        editions = editions.in_format(format)
    rows = list(editions.values_list("asin", "volumes", "format", "language", "in_print"))
    if volumes:
        rows = [row for row in rows if set(row[1]) & set(volumes)]
    order = ("paperback", "hardcover", "ebook", "omnibus", "deluxe", "box_set")

    def likeliness(row: tuple[str, list[int], str, str, bool]) -> tuple[object, ...]:
        _, has, form, lang, in_print = row
        return (
            bool(prefer) and lang != prefer,
            order.index(form) if form in order else len(order),
            not in_print,
            min(has, default=10_000),
            len(has),
        )

    return [row[0] for row in sorted(rows, key=likeliness)]


async def _offer_instead(work: Gathering, evidence: Evidence) -> None:
    """When the one asked for cannot be bought now: other editions with the same volume that can."""
    asin = evidence.editions[0] if evidence.editions else ""
    product = evidence.products.get(asin)
    if product is None:
        return
    offers = await work.offers([asin])
    if asin not in offers or offers[asin].availability in _BUYABLE:
        return
    others = await work.limited(
        "products",
        in_database(_editions, product.series_id, volumes=product.volumes, prefer=product.language),
        [],
    )
    others = [other for other in others if other != asin][:CANDIDATES]
    stocked = await work.offers(others)
    evidence.found = tuple(o for o in others if o in stocked and stocked[o].availability in _BUYABLE)[:3]
    evidence.products |= await work.products(evidence.found)


async def _for_next_volume(work: Gathering) -> Evidence:
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
        evidence = await _with_facts(work, Evidence(), (item.asin for item in items), ())
        evidence.recommended = items
        return evidence
    owned: set[str] = set()
    if work.shopper.customer_id:
        owned = await work.limited("orders", in_database(owned_asins, work.shopper.customer_id), set())
    evidence = await _with_facts(work, Evidence(owned=frozenset(owned)), (request.asin, *owned), request.series)
    series_id = request.series[0] if request.series else ""
    if not series_id and request.asin in evidence.products:
        series_id = evidence.products[request.asin].series_id
        evidence.series |= await _series(work, [series_id])
    if not series_id:
        return evidence
    last = last_volume(request, evidence, series_id)
    language = request.edition_language or _language_read(evidence, series_id) or _preferred(request)
    nexts = await work.limited("products", in_database(_next_editions, series_id, last, language, request.format), [])
    evidence.editions = tuple(nexts)
    evidence.products |= await work.products(nexts)
    evidence.promotions = await _promotions(work)
    return evidence


def _language_read(evidence: Evidence, series_id: str) -> str:
    """The language in which the shopper has this series so far."""
    mine = [evidence.products[a] for a in evidence.owned if a in evidence.products]
    return next((product.language for product in mine if product.series_id == series_id), "")


def _next_editions(series_id: str, last: int | None, language: str, format: str) -> list[str]:
    """The next volume in this language; in another one only when this one has the series not at all."""
    wanted = ((last or 0) + 1,)
    found = _editions(series_id, language=language, format=format, volumes=wanted)
    if not found and not Edition.objects.of_series(series_id).in_language(language).exists():
        found = _editions(series_id, format=format, volumes=wanted)
    return found[:3]


# --- Promotions and orders --------------------------------------------------------------------------------


async def _promotions(work: Gathering) -> tuple[PromotionRule, ...]:
    return tuple(await work.limited("promotions", aactive_promotions(), []))


async def _for_promotions(work: Gathering) -> Evidence:
    rules = await _promotions(work)
    asins = [asin for rule in rules for asin in rule.asins[:2]]
    series = [each for rule in rules for each in rule.series[:2]]
    first = await work.limited("products", in_database(_first_editions, work, series), [])
    evidence = await _with_facts(work, Evidence(promotions=rules), (*asins, *(asin for _, asin in first)), ())
    evidence.found = tuple(evidence.products)
    return evidence


async def _for_orders(work: Gathering) -> Evidence:
    customer_id = work.shopper.customer_id
    if not customer_id:
        return Evidence()
    numbers = work.request.order_ids
    orders = await work.limited("orders", in_database(_orders, customer_id, numbers), [])
    return Evidence(orders=tuple(orders))


def _orders(customer_id: str, numbers: tuple[str, ...]) -> list[OrderView]:
    """Only ever this customer's own."""
    if numbers:
        found = (find_order(number, customer_id=customer_id) for number in numbers)
        return [order for order in found if order is not None]
    return orders_of(customer_id, limit=3)
