"""For recommendations and searches."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal

from chat.dialogue import age_limit, is_of_a_time, price_limit
from chat.evidence import Evidence
from chat.gathering.editions import first_editions, preferred_language, search_filters
from chat.gathering.narrowed import is_narrowed, keeping, language_wanted, narrowed, wanted
from chat.gathering.work import CANDIDATES, Gathering, with_facts
from chat.phrases import say
from mangaassist.dbthreads import in_database
from mangaassist.redaction import redact
from recommendations.ordering import Found, Ordered, aorder_for
from recommendations.recommend import Recommendation, RecommendationRequest, arecommend_for
from shop.offers import LiveOffer
from shop.search import (
    EditionHit,
    SearchFilters,
    released_editions,
    search_editions,
    search_series,
    sells_in,
    series_allowed,
    series_by_author,
)
from shop.titles import nearest_titles


async def for_recommendation(work: Gathering) -> Evidence:
    request = work.request
    wished = recommendation_request(work)
    found = await work.limited("recommendations", arecommend_for(wished), None)
    refuses_english = "en" in request.state.exclude_languages
    if found and not found.items and not request.edition_language and wished.language != "en" and not refuses_english:
        # A language that nobody asked for keeps nothing from the shopper.
        found = await work.limited("recommendations", arecommend_for(replace(wished, language="en")), found)
    items = found.items if found else ()
    evidence = Evidence()
    if found:
        evidence.engine, evidence.recommendation_id = found.engine, found.recommendation_id
    if not items and "recommendations" in work.failed:
        items = await _shelf_without_engine(work)
    evidence = await with_facts(work, evidence, (item.asin for item in items), request.series)
    chosen = await narrowed(work, items, evidence) if is_narrowed(request.state) else list(items)
    kept = await within_budget(work, chosen, evidence)
    if request.cheaper:
        kept = await _cheaper_first(work, kept)
        evidence = await with_facts(work, evidence, request.state.shown, ())
    evidence.recommended = tuple(kept)
    return evidence


def recommendation_request(work: Gathering, *, shelf: str = "") -> RecommendationRequest:
    request, state = work.request, work.request.state
    return RecommendationRequest(
        customer_id=work.shopper.customer_id,
        session_id=work.shopper.session_id,
        series_id=request.series[0] if request.series else "",
        locale=request.language,
        language=language_wanted(work),
        format=request.format,
        genres=state.genres,
        exclude_genres=state.exclude_genres,
        themes=state.themes,
        exclude_themes=state.exclude_themes,
        demographic=state.demographic,
        exclude_series=(*request.series, *(state.told if request.more else ())),
        max_age_rating=age_limit(state),
        viewing=request.context.asin,
        device=request.context.device,
        shelf="continue" if shelf == "continue" else "discover",
        limit=wanted(work),
    )


async def _shelf_without_engine(work: Gathering) -> tuple[Recommendation, ...]:
    """With every engine silent: well-rated series of the wished genre, straight from the catalogue."""
    request, state = work.request, work.request.state
    words = " ".join((*state.genres, *state.themes)) or state.demographic or "manga"
    hits = await work.limited(
        "search", in_database(search_series, words, filters=search_filters(work), limit=CANDIDATES), []
    )
    first = await work.limited("products", in_database(first_editions, work, [hit.series_id for hit in hits]), [])
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


async def _cheaper_first(work: Gathering, items: list[Recommendation]) -> list[Recommendation]:
    """Those that cost less than the dearest of the last list, cheapest first."""
    offers = await work.offers((*(item.asin for item in items), *work.request.state.shown))
    prices = {asin: offer.price for asin, offer in offers.items() if offer.price is not None and offer.buyable}
    before = [prices[asin] for asin in work.request.state.shown if asin in prices]
    dearest = max(before, key=lambda price: price.amount, default=None)
    cheaper = [
        item
        for item in items
        if (price := prices.get(item.asin))
        and (dearest is None or (price.currency == dearest.currency and price.amount < dearest.amount))
    ]
    return sorted(cheaper, key=lambda item: prices[item.asin].amount)


async def within_budget(work: Gathering, listed: list[Recommendation], evidence: Evidence) -> list[Recommendation]:
    """Those that cost no more than the limit. Of a limit in a currency that they are not sold in: the editions that
    are, else all of them, and the answer says that nothing was converted (``Evidence.limit_is``)."""
    limit = price_limit(work.request.state)
    if limit is None:
        return listed
    offers = await work.offers(item.asin for item in listed)
    kept = [item for item in listed if affordable(offers.get(item.asin), limit)]
    sold_in = {offer.price.currency for offer in offers.values() if offer.price is not None}
    if kept or not sold_in or limit[1] in {"", *sold_in}:
        return kept
    other = "" if work.request.edition_language else LANGUAGE_SOLD_IN.get(limit[1], "")
    if other and other not in work.request.state.exclude_languages:
        wished = replace(recommendation_request(work), language=other)
        found = await work.limited("recommendations", arecommend_for(wished), None)
        items = list(found.items) if found else []
        await with_facts(work, evidence, (item.asin for item in items), ())
        if is_narrowed(work.request.state):
            # Another language's editions are held to the same wish.
            items = keeping(work.request.state, items, evidence)
        offers = await work.offers(item.asin for item in items)
        evidence.limit_is = "switched"
        return [item for item in items if affordable(offers.get(item.asin), limit)]
    evidence.limit_is = "foreign"
    return listed


# In which language's editions a currency is mostly asked for; what they cost is read, never supposed.
LANGUAGE_SOLD_IN = {"JPY": "ja", "USD": "en"}


def affordable(offer: LiveOffer | None, limit: tuple[Decimal, str]) -> bool:
    amount, currency = limit
    price = offer.price if offer is not None else None
    return price is not None and price.amount <= amount and currency in {"", price.currency}


async def _is_sold_in(work: Gathering, currency: str) -> bool:
    return await work.limited("products", in_database(sells_in, currency), True)


async def for_search(work: Gathering) -> Evidence:
    request = work.request
    if request.entities.isbns and not request.entities.asins:
        return Evidence()
    hits = await work.limited("products", in_database(_search, work), [])
    # What is asked for by its date is listed by its date.
    ordered = (
        Ordered(tuple(hits), "")
        if is_of_a_time(request)
        else await work.limited(
            "order",
            aorder_for(
                hits,
                customer_id=work.shopper.customer_id,
                session_id=work.shopper.session_id,
                device=request.context.device,
            ),
            Ordered(tuple(hits), ""),
        )
    )
    found = [hit.asin for hit in ordered.found]
    evidence = await with_facts(work, Evidence(), found, request.series)
    evidence.found = tuple(asin for asin in found if asin in evidence.products)
    limit = price_limit(request.state) if request.entities.max_price is not None else None
    if limit is not None and evidence.found:
        offers = await work.offers(evidence.found)
        sold_in = {offer.price.currency for offer in offers.values() if offer.price is not None}
        if limit[1] and sold_in and limit[1] not in sold_in and not await _is_sold_in(work, limit[1]):
            evidence.limit_is = "foreign"
        else:
            evidence.found = tuple(asin for asin in evidence.found if affordable(offers.get(asin), limit))
    if not hits and "products" not in work.failed:
        wished = (*request.state.genres, *request.state.themes, *request.entities.authors)
        about = redact(_ASKING.sub("", request.text[:LONGEST_WISH])).strip()
        work.trace.note("not_found", kind="search" if wished else "title", about=about)
    return evidence


async def for_unknown_title(work: Gathering) -> Evidence:
    """The titles that are written most like it, were it a slip of the pen."""
    work.trace.note("not_found", kind="title", about=redact(work.request.unknown))
    near = await work.limited("search", in_database(_nearest, work), [])
    evidence = await with_facts(work, Evidence(), (asin for _, asin in near), ())
    evidence.found = tuple(asin for _, asin in near if asin in evidence.products)
    return evidence


def _nearest(work: Gathering) -> list[tuple[str, str]]:
    likely = [series_id for series_id, _ in nearest_titles(work.request.unknown, limit=3)]
    allowed = series_allowed(likely, search_filters(work))
    return first_editions(work, [series_id for series_id in dict.fromkeys(likely) if series_id in allowed])


# Of what was looked for, characters that are noted.
LONGEST_WISH = 300
# What stands before a title and is no part of it.
_ASKING = re.compile(
    r"^(?:do you (?:have|carry|sell|stock)|have you got|are you selling|i(?:'m| am) looking for)\s+(?:any|the|an?)?\b",
    re.IGNORECASE,
)


def _search(work: Gathering) -> list[Found]:
    """Best first: first volumes of the series found, else the editions found. What was named keeps its place."""
    entities, filters = work.request.entities, search_filters(work)
    if entities.asins:
        return [Found(asin, "", is_named=True) for asin in entities.asins]
    if is_of_a_time(work.request):
        return _released(work, filters)
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
    found = [Found(asin, series_id, series_id in named) for series_id, asin in first_editions(work, series)]
    if found or entities.authors:
        return found
    words, reader = _ASKING.sub("", work.request.text), preferred_language(work.request)
    editions = search_editions(words, filters=filters, reader=reader, limit=CANDIDATES)
    return [Found(hit.asin, hit.series_id, hit.is_named) for hit in editions]


def _released(work: Gathering, filters: SearchFilters) -> list[Found]:
    """What came or comes out in the time that was said, in the language that is spoken, else in any."""
    request, entities = work.request, work.request.entities
    series = [*request.series, *(id for author in entities.authors for id in series_by_author(author, filters=filters))]
    if entities.authors and not series:
        return []

    def find(filters: SearchFilters) -> list[EditionHit]:
        return released_editions(
            entities.released_from,
            entities.released_before,
            filters=filters,
            words=(*entities.genres, *entities.themes),
            series=series,
            limit=CANDIDATES,
        )

    hits = find(filters if filters.language else replace(filters, language=preferred_language(request)))
    return [Found(hit.asin, hit.series_id) for hit in hits or find(filters)]
