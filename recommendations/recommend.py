"""What chat, the shop's pages and partners call: recommendations that can be bought at this moment.

Who might like what is cached for some minutes (recommendations.kinds); what is in stock is read live for every
answer, whichever engine spoke, and a shopper's own doings make the cached part new at once.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import structlog
from django.db import close_old_connections

from caching.policy_cache import policy_cache
from mangaassist.breaker import BoundedExecutor, ExecutorFull
from mangaassist.rehearsal import only_reading
from recommendations import ladder
from recommendations.backends.base import RecommenderUnavailable
from recommendations.drafting import DEEP, draft
from recommendations.experiments import assign, expose
from recommendations.interactions import NewInteraction, Recorded, owner_of, record_interactions
from recommendations.kinds import RECOMMENDATIONS_KIND, ShelfDraft, Shortlist, Suggestion
from recommendations.reasons import sentence
from recommendations.requests import (
    Recommendation,
    RecommendationRequest,
    Recommendations,
    Shelf,
    query_hash,
    tidied,
)
from recommendations.tuning import Tuning
from shop.offers import LiveOffer, OffersUnavailable, aread_offers, read_offers
from shop.orders import OrdersUnavailable, owned_asins

__all__ = [
    "NewInteraction",
    "Recommendation",
    "RecommendationRequest",
    "Recommendations",
    "Recorded",
    "Shelf",
    "arecommend_for",
    "recommend_for",
    "record_interactions",
]

log = structlog.get_logger(__name__)
T = TypeVar("T")

NOTHING = Recommendations(items=(), engine="", recommendation_id="", shelves=())
# Engines and their queries: a slow one takes these threads and no others.
_executor = BoundedExecutor("recommendations", threads=8, queue=64)
# Suggestions whose stock is read beyond those that are to be shown.
SPARE = 3
_ON_SALE = frozenset({"in_stock", "low_stock"})


@dataclass(slots=True)
class _Call:
    """One request on its way. ``unkept``: a shortlist that must not be cached, since an engine had failed."""

    request: RecommendationRequest
    owned: frozenset[str]
    tuning: Tuning
    args: tuple[str, str]
    unkept: list[Shortlist] = field(default_factory=list)

    def compute(self) -> Shortlist | None:
        """What to cache; None and ``unkept`` when it is to be used once only."""
        made = draft(self.request, self.owned, self.tuning)
        if made.keep:
            return made.shortlist
        self.unkept.append(made.shortlist)
        return None

    def compute_alone(self) -> Shortlist:
        """For a call that waited for another's computation which was not to be kept."""
        return self.unkept[-1] if self.unkept else draft(self.request, self.owned, self.tuning).shortlist

    def heads(self) -> tuple[int, int]:
        """How much of each shelf to look at: mostly a little more than is shown will do, else all of it."""
        return self.request.limit + SPARE, DEEP

    def deeper(self) -> Shortlist:
        return draft(self.request, self.owned, self.tuning, deep=True).shortlist


def recommend_for(request: RecommendationRequest) -> Recommendations:
    """Blocking; for the event loop there is :func:`arecommend_for`. Raises only what the database raises."""
    request = tidied(request)
    if not request.limit:
        return NOTHING
    call = _prepare(request)
    cached = policy_cache.get_or_compute(RECOMMENDATIONS_KIND, call.args, call.compute)
    shortlist = cached if cached is not None else call.compute_alone()
    for head in call.heads():
        found, enough = _choose(shortlist, head, _offers(_asins(shortlist, head)), call)
        if enough:
            return found
    shortlist = call.deeper()
    return _choose(shortlist, DEEP, _offers(_asins(shortlist, DEEP)), call)[0]


async def arecommend_for(request: RecommendationRequest) -> Recommendations:
    """:func:`recommend_for` in threads of its own. Raises RecommenderUnavailable when too many are waiting."""
    request = tidied(request)
    if not request.limit:
        return NOTHING
    call = await in_thread(partial(_prepare, request))
    cached = await policy_cache.aget_or_compute(RECOMMENDATIONS_KIND, call.args, lambda: in_thread(call.compute))
    shortlist = cached if cached is not None else await in_thread(call.compute_alone)
    for head in call.heads():
        found, enough = _choose(shortlist, head, await _aoffers(_asins(shortlist, head)), call)
        if enough:
            return found
    shortlist = await in_thread(call.deeper)
    return _choose(shortlist, DEEP, await _aoffers(_asins(shortlist, DEEP)), call)[0]


async def in_thread(function: Callable[[], T]) -> T:
    context = contextvars.copy_context()

    def work() -> T:
        close_old_connections()
        return context.run(only_reading, function)

    try:
        return await _executor.run(work)
    except ExecutorFull as error:
        raise RecommenderUnavailable("Too many recommendations are being made.") from error


def _prepare(request: RecommendationRequest) -> _Call:
    owned: frozenset[str] = frozenset()
    if request.customer_id:
        try:
            owned = frozenset(owned_asins(request.customer_id))
        except OrdersUnavailable as error:
            # Purchases that were recorded as interactions are still known.
            log.warning("recommendations_without_orders", error=str(error))
    owner = owner_of(request.customer_id, request.session_id)
    assignment = assign(owner if request.customer_id or request.session_id else "")
    expose(assignment)
    hashed = query_hash(request, engine=ladder.version(), tuning=assignment.tuning, owned=owned)
    return _Call(request, owned, assignment.tuning, (owner, hashed))


# --- The masks of the moment ----------------------------------------------------------------------------------


def _asins(shortlist: Shortlist, head: int) -> set[str]:
    return {asin for shelf in shortlist.shelves for each in shelf.suggestions[:head] for asin in each.asins}


def _offers(asins: Collection[str]) -> dict[str, LiveOffer] | None:
    """None when they cannot be read: then nothing is known to be sold out, and cards say "unknown"."""
    try:
        return read_offers(asins)
    except OffersUnavailable as error:
        log.warning("recommendations_without_offers", error=str(error))
        return None


async def _aoffers(asins: Collection[str]) -> dict[str, LiveOffer] | None:
    try:
        return await aread_offers(asins)
    except OffersUnavailable as error:
        log.warning("recommendations_without_offers", error=str(error))
        return None


def _choose(
    shortlist: Shortlist, head: int, offers: Mapping[str, LiveOffer] | None, call: _Call
) -> tuple[Recommendations, bool]:
    """What is shown of the ``head`` of each shelf, and whether that is enough (all that was asked for, or all there
    is). ``offers``: of the head."""
    request = call.request
    chosen: dict[str, list[Recommendation]] = {}
    enough = True
    for shelf in shortlist.shelves:
        # The popular shelf does not repeat the others.
        taken = {each.series_id for items in chosen.values() for each in items}
        now, later = _on_sale(shelf, head, offers, call, taken)
        chosen[shelf.name] = (now + later)[: request.limit]
        enough = enough and (len(now) >= request.limit or (shelf.complete and len(shelf.suggestions) <= head))
    shelves = (
        Shelf(name=shelf.name, title=shelf.title, items=tuple(chosen[shelf.name])) for shelf in shortlist.shelves
    )
    found = Recommendations(
        items=_one_list(chosen, call),
        engine=_engine(shortlist, request),
        recommendation_id=shortlist.recommendation_id,
        shelves=_in_order((shelf for shelf in shelves if shelf.items), call.tuning),
    )
    return found, enough


def _on_sale(
    shelf: ShelfDraft,
    head: int,
    offers: Mapping[str, LiveOffer] | None,
    call: _Call,
    taken: Collection[str],
) -> tuple[list[Recommendation], list[Recommendation]]:
    """(what can be had now, next volumes that can be ordered ahead)."""
    now: list[Recommendation] = []
    later: list[Recommendation] = []
    for each in shelf.suggestions[:head]:
        if each.series_id in taken:
            continue
        locale = call.request.locale
        asins = [asin for asin in each.asins if asin not in call.owned]
        on_sale = asins if offers is None else [asin for asin in asins if _is(offers.get(asin), _ON_SALE)]
        if on_sale:
            now.append(_shown(each, on_sale[0], locale, each.reason_code))
        elif shelf.name == "continue" and offers is not None:
            announced = [asin for asin in asins if _is(offers.get(asin), {"pre_order"})]
            later += [_shown(each, asin, locale, "next.pre_order") for asin in announced[:1]]
        if len(now) >= call.request.limit:
            break
    return now, later


def _is(offer: LiveOffer | None, availabilities: Collection[str]) -> bool:
    return offer is not None and offer.buyable and offer.availability in availabilities


def _shown(suggestion: Suggestion, asin: str, locale: str, code: str) -> Recommendation:
    reason = sentence(locale, code, because=suggestion.because_names, title=suggestion.title, volume=suggestion.volume)
    return Recommendation(
        asin=asin,
        series_id=suggestion.series_id,
        engine=suggestion.engine,
        reason=reason,
        because=suggestion.because,
    )


def _in_order(shelves: Iterable[Shelf], tuning: Tuning) -> tuple[Shelf, ...]:
    if tuning.shelf_order == "continue_first":
        return tuple(shelves)
    return tuple(sorted(shelves, key=lambda shelf: shelf.name == "continue"))


def _one_list(chosen: Mapping[str, list[Recommendation]], call: _Call) -> tuple[Recommendation, ...]:
    """The shelves as one: up to half of it goes on with what is being read, unless a like was asked for."""
    request = call.request
    going_on = chosen.get("continue", [])
    new = [*chosen.get("discover", ()), *chosen.get("popular", ())]
    if not request.shelf:
        similar = bool(request.series_id or request.asin)
        room = 0 if similar else max(request.limit // 2, request.limit - len(new))
        going_on = going_on[:room]
    if call.tuning.shelf_order == "discover_first":
        return (*new[: request.limit - len(going_on)], *going_on)
    return tuple([*going_on, *new][: request.limit])


def _engine(shortlist: Shortlist, request: RecommendationRequest) -> str:
    engines = {shelf.name: shelf.engine for shelf in shortlist.shelves}
    names = (request.shelf,) if request.shelf else ("discover", "popular", "continue")
    return next((engines[name] for name in names if name in engines), "")
