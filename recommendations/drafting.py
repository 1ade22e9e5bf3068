"""Makes a shortlist: what the engines say, after every mask that does not depend on the moment."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import structlog
from django.db.models import Q
from django.utils import timezone

from recommendations.backends.base import RankedItem, RecommenderQuery
from recommendations.catalogue import Catalogue, catalogues
from recommendations.interactions import History, history_of, owner_of, viewed
from recommendations.kinds import ShelfDraft, Shortlist, Suggestion
from recommendations.ladder import LOCAL_ONLY, Answered, aliases, ask
from recommendations.reasons import shelf_title
from recommendations.requests import RecommendationRequest
from recommendations.shelves import COLLECTIONS, EditionRow, beginnings, continuations, next_volume, usual
from recommendations.tuning import Tuning
from recommendations.wishes import Asked, understand
from shop.models import Edition, EditionQuerySet, ages_up_to

log = structlog.get_logger(__name__)

# Series that reading is continued in, at most.
MOST_CONTINUED = 30
# Asked of the engines when a shortlist turned out too short.
DEEP = 500


@dataclass(frozen=True, slots=True)
class Draft:
    """``keep``: whether the shortlist may be cached; not so when an engine that usually answers did not."""

    shortlist: Shortlist
    keep: bool


@dataclass(slots=True)
class _Drafting:
    """What all shelves of one request share."""

    request: RecommendationRequest
    tuning: Tuning
    catalogue: Catalogue
    asked: Asked
    history: History
    # Of what the shopper has, newest first; series by series it decides where reading goes on.
    at_home: list[EditionRow]
    language: str
    format: str
    depth: int
    keep: bool = True
    recommendation_id: str = ""

    @property
    def had_series(self) -> frozenset[str]:
        return frozenset(edition.series_id for edition in self.at_home)

    @property
    def refused(self) -> frozenset[str]:
        """Series that are no discovery at all: at home, disliked, excluded, or what it is to be similar to."""
        seed = {self.asked.seed[0]} - {""}
        return self.had_series | self.history.disliked | frozenset(self.request.exclude_series) | seed

    @property
    def seen(self) -> frozenset[str]:
        return frozenset(item.series_id for item in self.history.items)


def draft(request: RecommendationRequest, owned: Collection[str], tuning: Tuning, *, deep: bool = False) -> Draft:
    """``owned``: ASINs that the shopper has. ``deep``: as many suggestions as there are (at most DEEP a shelf)."""
    catalogue = catalogues.current()
    history = history_of(request.customer_id, request.session_id, owned)
    if request.viewing and not history.items:
        history = replace(history, items=viewed(request.viewing))
    by_asin = {row.asin: row for row in _rows(Edition.objects.filter(pk__in=_asins_of(history)))}
    at_home = [by_asin[asin] for asin in history.had if asin in by_asin]
    # Newest first, so that of two habits the newer one decides.
    known = at_home or [by_asin[item.asin] for item in history.items if item.asin in by_asin]
    work = _Drafting(
        request=request,
        tuning=tuning,
        catalogue=catalogue,
        asked=understand(request, catalogue),
        history=history,
        at_home=at_home,
        language=request.language or _language(known, request.locale),
        format=usual((row.format for row in known), ""),
        depth=DEEP if deep else 2 * request.limit + 10,
    )
    shelves = tuple(_shelves(work))
    shortlist = Shortlist(
        owner=owner_of(request.customer_id, request.session_id),
        category=request.category,
        recommendation_id=work.recommendation_id,
        shelves=shelves,
    )
    return Draft(shortlist, work.keep)


def _asins_of(history: History) -> set[str]:
    return {*history.had, *(item.asin for item in history.items)}


def _language(rows: list[EditionRow], locale: str) -> str:
    """What the shopper reads; with nothing known, the locale's language unless the shop has nothing in it."""
    if rows:
        return usual((row.language for row in rows), locale)
    return locale if Edition.objects.in_language(locale).exists() else ""


def _rows(editions: EditionQuerySet, max_age_rating: str = "") -> list[EditionRow]:
    """``max_age_rating``: both the series and the edition may be for older readers; told by the database, the newest
    truth there is, and sorted out here: an index on so few values leads planners astray."""
    ages = ages_up_to(max_age_rating)
    fields = "pk", "series_id", "language", "format", "volumes", "edition_number", "age_rating", "series__age_rating"
    return [
        EditionRow(asin=pk, series_id=series, language=language, format=form, volumes=tuple(volumes), edition_number=no)
        for pk, series, language, form, volumes, no, age, series_age in editions.order_by().values_list(*fields)
        if age in ages and series_age in ages
    ]


def _shelves(work: _Drafting) -> Iterator[ShelfDraft]:
    wanted = work.request.shelf
    if wanted in ("", "continue") and work.at_home:
        yield _continue(work)
    if wanted in ("", "discover"):
        discover = _discover(work)
        yield discover
        if discover.name == "popular":
            return
    if wanted == "popular":
        yield _popular(work, ())
    elif wanted == "":
        # Our own popularity: one wait for a remote engine a request is enough.
        yield _popular(work, LOCAL_ONLY)


# --- Continue reading -------------------------------------------------------------------------------------------


def _continue(work: _Drafting) -> ShelfDraft:
    mine: dict[str, list[EditionRow]] = {}
    for edition in work.at_home:
        mine.setdefault(edition.series_id, []).append(edition)
    fits = work.catalogue.fitting(work.asked.wish)
    allowed = {
        series_id: rows
        for series_id, rows in mine.items()
        if series_id in work.catalogue.index
        and fits[work.catalogue.index[series_id]]
        and series_id not in work.history.disliked
        and series_id not in work.request.exclude_series
    }
    reading = dict(list(allowed.items())[:MOST_CONTINUED])
    offered: dict[str, list[EditionRow]] = {}
    for row in _rows(_next_ones(reading), work.request.max_age_rating):
        offered.setdefault(row.series_id, []).append(row)
    suggestions = []
    for series_id, rows in reading.items():
        asins = continuations(rows, offered.get(series_id, ()), format=work.request.format)
        if asins:
            suggestions.append(_continuation(work, series_id, asins, rows))
    title = shelf_title(work.request.locale, "continue")
    return ShelfDraft(name="continue", title=title, engine="continue", suggestions=tuple(suggestions), complete=True)


def _next_ones(reading: dict[str, list[EditionRow]]) -> EditionQuerySet:
    """Editions that may hold the next volume of one of these series, and some that do not."""
    volumes = {volume for rows in reading.values() if (volume := next_volume(rows)) is not None}
    holds = Q(first_volume__in=volumes) | Q(format__in=COLLECTIONS, first_volume__lt=max(volumes, default=0))
    return Edition.objects.filter(holds, series__in=reading) if volumes else Edition.objects.none()


def _continuation(work: _Drafting, series_id: str, asins: tuple[str, ...], rows: list[EditionRow]) -> Suggestion:
    return Suggestion(
        series_id=series_id,
        title=_title(work, series_id),
        asins=asins,
        volume=next_volume(rows),
        engine="continue",
        reason_code="next",
        because=(rows[0].asin,),
        because_names=(),
    )


# --- Discover and popular -----------------------------------------------------------------------------------------


def _discover(work: _Drafting) -> ShelfDraft:
    seed_series, seed_asin = work.asked.seed
    query = _query(work, work.refused | work.seen)
    query = replace(query, seed_series=seed_series, seed_asin=seed_asin, explore_key=_explore_key(work))
    answered = _ask(work, query, ())
    work.recommendation_id = answered.ranked.recommendation_id
    picks = _masked(work, answered.ranked.items, query.exclude_series)
    for fill in _fillers(query, answered, work.refused):
        if len(picks) >= work.request.limit:
            break
        known = {series_id for _, series_id in picks}
        filled = _masked(work, _ask(work, fill, LOCAL_ONLY).ranked.items, fill.exclude_series)
        picks += [pick for pick in filled if pick[1] not in known]
    engine = answered.ranked.engine
    name, title = "discover", shelf_title(work.request.locale, "discover")
    if seed_series in work.catalogue.index:
        title = shelf_title(work.request.locale, "similar", title=_title(work, seed_series))
    elif engine == "popular" and work.request.shelf == "":
        # Nothing is known of this shopper: a second list of what is popular helps nobody.
        name, title = "popular", shelf_title(work.request.locale, "popular")
    shelf = _shelf(work, name, title, engine, picks)
    _note_explored(work, shelf, picks)
    return shelf


def _explore_key(work: _Drafting) -> str:
    """Another choice every day, so that a new series is not kept from a reader for ever."""
    owner = owner_of(work.request.customer_id, work.request.session_id)
    return f"{owner} {timezone.now():%Y-%m-%d}"


def _note_explored(work: _Drafting, shelf: ShelfDraft, picks: list[tuple[RankedItem, str]]) -> None:
    """What was tried out, with its odds: a click that names the same list tells what it was worth."""
    odds = {series_id: item.propensity for item, series_id in picks if item.propensity is not None}
    for slot, each in enumerate(shelf.suggestions):
        if each.series_id in odds:
            log.info(
                "recommendation_explored", recommendation_id=work.recommendation_id, series=each.series_id,
                slot=slot, propensity=odds[each.series_id],
            )  # fmt: skip


def _fillers(query: RecommenderQuery, answered: Answered, refused: frozenset[str]) -> Iterator[RecommenderQuery]:
    """What to ask our own engine when the masks left a list too short; at last for what was only looked at."""
    if answered.by == "default" and len(aliases()) > 1:
        yield query
    yield replace(query, shelf="popular", exclude_series=refused)


def _popular(work: _Drafting, engines: tuple[str, ...]) -> ShelfDraft:
    query = replace(_query(work, work.refused), shelf="popular")
    answered = _ask(work, query, engines)
    work.recommendation_id = work.recommendation_id or answered.ranked.recommendation_id
    picks = _masked(work, answered.ranked.items, work.refused)
    return _shelf(work, "popular", shelf_title(work.request.locale, "popular"), answered.ranked.engine, picks)


def _query(work: _Drafting, excluded: frozenset[str]) -> RecommenderQuery:
    return RecommenderQuery(
        customer_id=work.request.customer_id,
        session_id=work.request.session_id,
        history=work.history.items,
        wish=work.asked.wish,
        exclude_series=excluded,
        language=work.language,
        context=work.asked.context,
        tuning=work.tuning,
        # Some series do not begin in the shopper's language or format.
        limit=min(DEEP, 2 * work.depth),
    )


def _ask(work: _Drafting, query: RecommenderQuery, engines: tuple[str, ...]) -> Answered:
    if work.tuning.engine != "configured":
        engines = LOCAL_ONLY
    answered = ask(query, work.catalogue, engines=engines)
    work.keep = work.keep and not answered.degraded
    return answered


def _masked(work: _Drafting, items: tuple[RankedItem, ...], excluded: frozenset[str]) -> list[tuple[RankedItem, str]]:
    """(item, its series), one per series, of those that exist and keep to the wish; whatever engine said it."""
    unknown = [item.asin for item in items if not item.series_id]
    series_of = dict(Edition.objects.filter(pk__in=unknown).values_list("pk", "series_id")) if unknown else {}
    fits = work.catalogue.fitting(work.asked.wish)
    picked: dict[str, tuple[RankedItem, str]] = {}
    for item in items:
        series_id = item.series_id or series_of.get(item.asin, "")
        place = work.catalogue.index.get(series_id)
        if place is not None and fits[place] and series_id not in excluded:
            picked.setdefault(series_id, (item, series_id))
    return list(picked.values())


def _shelf(work: _Drafting, name: str, title: str, engine: str, picks: list[tuple[RankedItem, str]]) -> ShelfDraft:
    series = [series_id for _, series_id in picks]
    rows = [work.catalogue.find(series_id) for series_id in series]
    unnumbered = {row.id for row in rows if row is not None and row.volume_count in (None, 0, 1)}
    editions = Edition.objects.filter(Q(first_volume__lte=1) | Q(first_volume__isnull=True), series__in=series)
    if work.language:
        editions = editions.in_language(work.language)
    if work.request.format:
        editions = editions.in_format(work.request.format)
    at_home = {edition.asin for edition in work.at_home}
    first = beginnings(
        (row for row in _rows(editions, work.request.max_age_rating) if row.asin not in at_home),
        preferred_format=work.format,
        unnumbered=unnumbered,
    )
    suggestions = [
        _suggestion(work, item, series_id, first[series_id]) for item, series_id in picks if series_id in first
    ]
    return ShelfDraft(
        name=name,
        title=title,
        engine=engine,
        suggestions=tuple(suggestions[: work.depth]),
        complete=work.depth >= DEEP or (len(suggestions) <= work.depth and len(picks) < 2 * work.depth),
    )


def _suggestion(work: _Drafting, item: RankedItem, series_id: str, asins: tuple[str, ...]) -> Suggestion:
    because_names: tuple[str, ...] = tuple(_title(work, each) for each in item.because if each in work.catalogue.index)
    if item.reason_code == "wish":
        because_names = work.asked.words
    asin_of = {each.series_id: each.asin for each in work.history.items} | {work.asked.seed[0]: work.asked.seed[1]}
    return Suggestion(
        series_id=series_id,
        title=_title(work, series_id),
        asins=asins,
        volume=None,
        engine=item.engine,
        reason_code=item.reason_code,
        because=tuple(asin_of[each] for each in item.because if asin_of.get(each)),
        because_names=because_names,
    )


def _title(work: _Drafting, series_id: str) -> str:
    row = work.catalogue.find(series_id)
    if row is None:
        return series_id
    return row.native_title or row.title if work.request.locale == "ja" else row.title
