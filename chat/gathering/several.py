"""For a price or the stock of several titles that are named at once."""

from __future__ import annotations

from chat import cues
from chat.dialogue import Request
from chat.evidence import Evidence
from chat.gathering.editions import editions_of, preferred_language
from chat.gathering.work import Gathering, with_facts
from mangaassist.dbthreads import in_database

# Titles that are answered for at once.
MOST_TITLES = 5


async def for_several(work: Gathering) -> Evidence:
    """An edition of each, in the order in which they are named; the cheapest first when that is asked. A series of
    which nothing of the kind is carried is left in ``Evidence.without``."""
    request = work.request
    series = request.series[:MOST_TITLES]
    compares = cues.CHEAPER_OF_TWO.search(request.text) is not None
    choose = _in_one_language if compares else _one_of_each
    chosen = await work.limited("products", in_database(choose, request, series), {})
    evidence = Evidence(
        editions=tuple(asin for asin in chosen.values() if asin),
        without=tuple(each for each, asin in chosen.items() if not asin),
    )
    if compares:
        evidence.found = await cheapest_first(work, evidence.editions)
    return await with_facts(work, evidence, evidence.editions, series)


def _in_one_language(request: Request, series: tuple[str, ...]) -> dict[str, str]:
    """Prices are compared in one currency: in the first language that has them all, if there is one."""
    for language in dict.fromkeys((preferred_language(request), "en", "ja")):
        found = _one_of_each(request, series, language=language)
        if all(found.values()):
            return found
    return _one_of_each(request, series)


def _one_of_each(request: Request, series: tuple[str, ...], *, language: str = "") -> dict[str, str]:
    """Series → ASIN, empty for none. Numbers are shared out in order when there is one for each title."""
    shared_out = len(request.volumes) == len(series)
    found: dict[str, str] = {}
    for place, each in enumerate(series):
        editions = editions_of(
            each,
            language=request.edition_language or language,
            format=request.format,
            volumes=request.volumes[place : place + 1] if shared_out else request.volumes,
            prefer=preferred_language(request),
        )
        found[each] = editions[0] if editions else ""
    return found


async def cheapest_first(work: Gathering, asins: tuple[str, ...]) -> tuple[str, ...]:
    """Of those that can be bought; nothing when they are not sold in one currency."""
    offers = await work.offers(asins)
    prices = {asin: offer.price for asin, offer in offers.items() if offer.price is not None and offer.buyable}
    if len({price.currency for price in prices.values()}) != 1:
        return ()
    return tuple(sorted(prices, key=lambda asin: prices[asin].amount))
