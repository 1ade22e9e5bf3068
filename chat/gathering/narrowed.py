"""A list kept to what no engine knows of: status, length, refused forms and languages, and the order asked for."""

from __future__ import annotations

from collections.abc import Iterable

from chat.dialogue import DialogueState, age_limit
from chat.evidence import Evidence
from chat.gathering.work import BUYABLE, CANDIDATES, Gathering, with_facts
from chat.phrases import say
from mangaassist.dbthreads import in_database
from recommendations.recommend import Recommendation
from recommendations.requests import MOST_ITEMS
from shop.facts import ProductFacts, SeriesFacts
from shop.formats import format_rank
from shop.models import Edition, ages_up_to
from shop.text import fold

# Fewer than these of an engine's are filled up from the catalogue.
FEW = 5
# Editions that are looked at for a list from the catalogue: the best of them is the best of the shop.
MOST_LOOKED_AT = 400


def is_narrowed(state: DialogueState) -> bool:
    refused = state.exclude_formats or state.exclude_languages or state.exclude_demographics
    return bool(refused or state.status or state.max_volumes is not None or state.order_by)


def wanted(work: Gathering) -> int:
    """How many suggestions to ask for: a narrowed list needs more to choose from."""
    return MOST_ITEMS if is_narrowed(work.request.state) else CANDIDATES


def language_wanted(work: Gathering) -> str:
    """As asked for, else as is spoken; never one that was refused, as long as there is another."""
    request, refused = work.request, work.request.state.exclude_languages
    likely = (request.edition_language, request.language, "en", "ja")
    return next((language for language in likely if language and language not in refused), request.language)


async def narrowed(work: Gathering, items: Iterable[Recommendation], evidence: Evidence) -> list[Recommendation]:
    """``items`` that keep to the wish, in the order that is wanted. ``evidence`` gets the facts of what is added."""
    state = work.request.state
    by_rule = state.order_by in {"rating", "newest"}
    kept = [] if by_rule else keeping(state, items, evidence)
    if by_rule or len(kept) < FEW:
        known = {item.series_id for item in kept}
        kept += [item for item in await _from_catalogue(work, evidence) if item.series_id not in known]
    if state.order_by == "cheapest":
        offers = await work.offers(item.asin for item in kept)
        prices = {asin: offer.price for asin, offer in offers.items() if offer.price is not None and offer.buyable}
        kept = sorted((item for item in kept if item.asin in prices), key=lambda item: prices[item.asin].amount)
    return kept


def keeping(state: DialogueState, items: Iterable[Recommendation], evidence: Evidence) -> list[Recommendation]:
    """Those that keep to everything that was said, in their order."""
    return [item for item in items if _keeps(state, item, evidence)]


def _keeps(state: DialogueState, item: Recommendation, evidence: Evidence) -> bool:
    series, product = evidence.series.get(item.series_id), evidence.products.get(item.asin)
    return series is not None and product is not None and fits(state, series, product)


def fits(state: DialogueState, series: SeriesFacts, product: ProductFacts) -> bool:
    """Whether an edition and its series keep to everything that was said. An unknown length is not a short one."""
    if state.status and series.status != state.status:
        return False
    if state.max_volumes is not None and (series.volume_count is None or series.volume_count > state.max_volumes):
        return False
    words = {fold(word) for word in (*series.genres, *series.themes)}
    return (
        series.age_rating in ages_up_to(age_limit(state))
        and product.age_rating in ages_up_to(age_limit(state))
        and product.format not in state.exclude_formats
        and product.language not in state.exclude_languages
        and series.demographic not in state.exclude_demographics
        and state.demographic in {"", series.demographic}
        and all(_met(word, words) for word in (*state.genres, *state.themes))
        and not any(_met(word, words) for word in (*state.exclude_genres, *state.exclude_themes))
    )


def _met(wished: str, words: set[str]) -> bool:
    """ "Fantasy" is met by "dark fantasy", as for the engines."""
    return any(set(fold(wished).split()) <= set(word.split()) for word in words)


async def _from_catalogue(work: Gathering, evidence: Evidence) -> list[Recommendation]:
    """First editions that can be bought now and keep to the wish: the best rated, or the newest series, first."""
    request, state = work.request, work.request.state
    asins = await work.limited("products", in_database(_beginnings, work), [])
    await with_facts(work, evidence, asins, ())
    told = {*request.series, *(state.told if request.more else ())}
    first: dict[str, list[ProductFacts]] = {}
    for asin in asins:
        product = evidence.products.get(asin)
        series = evidence.series.get(product.series_id) if product else None
        if product and series and series.id not in told and fits(state, series, product):
            first.setdefault(series.id, []).append(product)
    chosen = list(first.items())[: 3 * CANDIDATES]
    offers = await work.offers(each.asin for _, products in chosen for each in products)
    reason = say(request.language, "reason.first")
    found = []
    for series_id, products in chosen:
        there = [
            p.asin for p in sorted(products, key=_rank) if p.asin in offers and offers[p.asin].availability in BUYABLE
        ]
        if "offers" in work.failed:
            there = [min(products, key=_rank).asin]
        if there:
            found.append(
                Recommendation(asin=there[0], series_id=series_id, engine="catalogue", reason=reason, because=())
            )
    return found[:CANDIDATES]


def _rank(product: ProductFacts) -> int:
    return format_rank(product.format)


def _beginnings(work: Gathering) -> list[str]:
    state = work.request.state
    rows = Edition.objects.filter(first_volume=1, in_print=True).in_language(language_wanted(work))
    if work.request.format:
        rows = rows.in_format(work.request.format)
    if state.status:
        rows = rows.filter(series__status=state.status)
    if state.max_volumes is not None:
        rows = rows.filter(series__volume_count__lte=state.max_volumes)
    rows = rows.exclude(format__in=state.exclude_formats).exclude(rating=None, series__started=None)
    order = ("-series__started",) if state.order_by == "newest" else ()
    # Many voices before few: one reader's five stars are no best rating.
    return list(rows.order_by(*order, "-rating", "-rating_count", "pk").values_list("pk", flat=True)[:MOST_LOOKED_AT])
