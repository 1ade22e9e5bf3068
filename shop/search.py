"""Product search: titles in every script, aliases, authors, genres; misspellings by the nearest known name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Q, QuerySet
from django.utils import timezone

from shop import search_index
from shop.formats import format_rank
from shop.models import Edition, Offer, Series, SeriesTerm, ages_up_to
from shop.search_index import Document
from shop.text import fold, is_cjk, query_tokens, tokens
from shop.titles import find_mentions, nearest_titles

# What a query may bring: the rest adds nothing and costs time.
LONGEST_QUERY_TOKENS = 40
_VOLUME = re.compile(r"(?:\bvol(?:ume)?\.?\s*|第|#)(\d{1,3})\b|(\d{1,3})\s*巻|(?<=\s)(\d{1,3})$", re.IGNORECASE)
_STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "any",
        "about",
        "are",
        "book",
        "books",
        "by",
        "can",
        "do",
        "find",
        "for",
        "from",
        "have",
        "i",
        "im",
        "in",
        "is",
        "it",
        "like",
        "looking",
        "manga",
        "me",
        "my",
        "of",
        "on",
        "or",
        "please",
        "sell",
        "series",
        "show",
        "some",
        "that",
        "the",
        "there",
        "to",
        "volume",
        "vol",
        "want",
        "what",
        "which",
        "with",
        "you",
        "your",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFilters:
    """Empty: no filter. ``max_age_rating``: the highest that may appear."""

    language: str = ""
    format: str = ""
    max_age_rating: str = ""
    demographic: str = ""
    exclude_genres: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeriesHit:
    """``is_named``: the query names it by its title, or nearly so."""

    series_id: str
    score: float
    is_named: bool = False


@dataclass(frozen=True, slots=True)
class EditionHit:
    asin: str
    series_id: str
    score: float
    is_named: bool = False


NO_FILTERS = SearchFilters()


def search_series(query: str, *, filters: SearchFilters = NO_FILTERS, limit: int = 10) -> list[SeriesHit]:
    """Best first. A title that the query names stands before mere matches of words."""
    ranked: dict[str, float] = {}
    for mention in find_mentions(query):
        if mention.kind == "series":
            ranked.setdefault(mention.id, 1000.0 * mention.score)
    named = set(ranked)
    words = _words(_VOLUME.sub(" ", query)) or query_tokens(query)
    found = search_index.find(words, "series", limit * 4, every_word=True)
    if not found and len(words) > 1:
        found = search_index.find(words, "series", limit * 4, every_word=False)
    for ref, score in found:
        ranked.setdefault(ref, score)
    if not ranked:
        for series_id, closeness in nearest_titles(query, limit=limit):
            ranked.setdefault(series_id, closeness)
            named.add(series_id)
    allowed = series_allowed(ranked, filters)
    hits = [SeriesHit(ref, score, ref in named) for ref, score in ranked.items() if ref in allowed]
    return sorted(hits, key=lambda hit: -hit.score)[:limit]


def search_editions(
    query: str, *, filters: SearchFilters = NO_FILTERS, reader: str = "", limit: int = 20
) -> list[EditionHit]:
    """Best first: of the best series first the volume that the query names, else its volumes in order, each as a book
    before its e-book. Those in the language of the ``reader`` come first; where that is unknown (""), a query in
    Japanese asks for Japanese ones.
    """
    volume = _volume_in(query)
    language = reader or ("ja" if is_cjk(query) else "")
    hits: list[EditionHit] = []
    series = search_series(query, filters=filters, limit=limit)
    editions = _allowed_editions(Edition.objects.filter(series__in=[hit.series_id for hit in series]), filters)
    by_series: dict[str, list[Edition]] = {}
    for edition in editions.only("asin", "series_id", "volumes", "first_volume", "format", "language"):
        by_series.setdefault(edition.series_id, []).append(edition)
    for hit in series:
        mine = by_series.get(hit.series_id, [])
        named = [edition for edition in mine if volume is not None and volume in edition.volumes]
        ordered = sorted(named or mine, key=lambda edition: _place(edition, language))
        hits += [EditionHit(edition.pk, edition.series_id, hit.score, hit.is_named) for edition in ordered]
    if len(hits) < limit:
        known = {hit.asin for hit in hits}
        found = dict(search_index.find(_words(query), "edition", limit, every_word=True))
        rows = _allowed_editions(Edition.objects.filter(pk__in=found), filters).values_list("pk", "series_id")
        extra = [EditionHit(asin, series_id, found[asin]) for asin, series_id in rows if asin not in known]
        hits += sorted(extra, key=lambda hit: -hit.score)
    return hits[:limit]


def _place(edition: Edition, language: str) -> tuple[bool, bool, int, int, str]:
    """Among the editions of its series. Collections come after the single volumes of their language."""
    return (
        bool(language) and edition.language != language,
        len(edition.volumes) != 1,
        edition.first_volume or 10_000,
        format_rank(edition.format),
        edition.pk,
    )


# Of what came out in a span of time, so many are looked through for what is wished.
MOST_LOOKED_AT = 500


def released_editions(
    since: date | None,
    before: date | None,
    *,
    filters: SearchFilters = NO_FILTERS,
    words: Collection[str] = (),
    series: Collection[str] = (),
    limit: int = 10,
) -> list[EditionHit]:
    """Released on or after ``since`` and before ``before``, one of each series: the newest first, and of what is still
    to come the soonest. ``words``: genres or themes, one of which it must have; ``series``: of these only.
    """
    rows = _allowed_editions(Edition.objects.filter(release_date__isnull=False), filters)
    if since is not None:
        rows = rows.filter(release_date__gte=since)
    if before is not None:
        rows = rows.filter(release_date__lt=before)
    if series:
        rows = rows.filter(series__in=series)
    if filters.demographic:
        rows = rows.filter(series__demographic=filters.demographic)
    is_to_come = since is not None and since > timezone.localdate()
    rows = rows.order_by("release_date" if is_to_come else "-release_date", "first_volume", "pk")
    refused, wanted = set(filters.exclude_genres), set(words)
    hits: dict[str, EditionHit] = {}
    found = rows.values_list("pk", "series_id", "series__genres", "series__themes")[:MOST_LOOKED_AT]
    for asin, series_id, genres, themes in found:
        if series_id not in hits and not refused & set(genres) and (not wanted or wanted & {*genres, *themes}):
            hits[series_id] = EditionHit(asin, series_id, 1.0)
    return list(hits.values())[:limit]


def sells_in(currency: str) -> bool:
    """Whether anything in the catalogue has a price in this currency (ISO 4217). Tells nothing of any price."""
    return Offer.objects.filter(currency=currency).exists()


def asins_of_isbns(isbns: Collection[str]) -> list[str]:
    """The editions with these ISBN-13s."""
    return list(Edition.objects.filter(isbn13__in=isbns).order_by("pk").values_list("pk", flat=True))


def _words(query: str) -> list[str]:
    words = [word for word in query_tokens(query) if word not in _STOP_WORDS]
    return words[:LONGEST_QUERY_TOKENS]


def _volume_in(query: str) -> int | None:
    match = _VOLUME.search(unicodedata.normalize("NFKC", query).strip())
    return int(next(group for group in match.groups() if group)) if match else None


def series_allowed(ids: Iterable[str], filters: SearchFilters) -> set[str]:
    """Those of the series that pass the filters."""
    rows = Series.objects.filter(pk__in=list(ids), age_rating__in=ages_up_to(filters.max_age_rating))
    if filters.demographic:
        rows = rows.filter(demographic=filters.demographic)
    if filters.language or filters.format:
        rows = rows.filter(_edition_filter("editions__", filters)).distinct()
    refused = set(filters.exclude_genres)
    return {pk for pk, genres in rows.values_list("pk", "genres") if not refused & set(genres)}


def _edition_filter(prefix: str, filters: SearchFilters) -> Q:
    wanted = Q()
    if filters.language:
        wanted &= Q(**{f"{prefix}language": filters.language})
    if filters.format:
        wanted &= Q(**{f"{prefix}format": filters.format})
    return wanted


def _allowed_editions(rows: QuerySet[Edition], filters: SearchFilters) -> QuerySet[Edition]:
    return rows.filter(_edition_filter("", filters), age_rating__in=ages_up_to(filters.max_age_rating))


# --- Keeping the index --------------------------------------------------------------------------------------


def index_series(rows: Sequence[Series]) -> None:
    search_index.put(
        [
            Document(
                kind="series",
                ref=row.pk,
                title=_tokens([row.title, row.native_title, row.romanized_title]),
                names=_tokens(row.aliases),
                authors=_tokens([*row.authors, *row.native_authors]),
                words=_tokens([row.demographic, *row.genres, *row.themes, row.description, row.native_description]),
            )
            for row in rows
        ]
    )


def index_editions(rows: Sequence[Edition]) -> None:
    search_index.put(
        [
            Document(
                kind="edition",
                ref=row.pk,
                title=_tokens([row.title]),
                names="",
                authors="",
                words=_tokens([row.publisher, row.isbn13, row.pk, row.description]),
            )
            for row in rows
        ]
    )


def _tokens(texts: Iterable[str]) -> str:
    return " ".join(token for text in texts for token in tokens(text))


def series_by_author(author: str, *, filters: SearchFilters = NO_FILTERS) -> list[str]:
    """Ids of an author's series, oldest first. ``author``: in any script that the catalogue knows."""
    terms = SeriesTerm.objects.filter(kind=SeriesTerm.Kind.AUTHOR, folded=fold(author))
    ids = list(terms.order_by("series__started", "series_id").values_list("series_id", flat=True))
    allowed = series_allowed(ids, filters)
    return [id for id in dict.fromkeys(ids) if id in allowed]
