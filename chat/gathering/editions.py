"""Which editions of a series are meant. Facts only: no price and no stock."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from chat.dialogue import Request, age_limit
from chat.gathering.work import Gathering
from shop.models import Edition
from shop.search import SearchFilters


def editions_of(
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


def first_editions(work: Gathering, series: Iterable[str]) -> list[tuple[str, str]]:
    """(series id, ASIN of the edition to begin with), in the wished language and format only."""
    request = work.request
    return [
        (series_id, editions[0])
        for series_id in series
        if (
            editions := editions_of(
                series_id,
                language=request.edition_language,
                format=request.format,
                volumes=request.volumes,
                prefer=preferred_language(request),
            )
        )
    ]


def search_filters(work: Gathering) -> SearchFilters:
    request, state = work.request, work.request.state
    return SearchFilters(
        language=request.edition_language,
        format=request.format,
        max_age_rating=age_limit(state),
        demographic=state.demographic,
        exclude_genres=state.exclude_genres,
    )


def volumes_of(asin: str) -> tuple[int, ...]:
    found = Edition.objects.filter(pk=asin).values_list("volumes", flat=True).first() if asin else None
    return tuple(found or ())


def preferred_language(request: Request) -> str:
    """The edition language to show first: as asked for earlier, else the one that is spoken."""
    return request.state.edition_language or request.language


def bare_volume(request: Request) -> tuple[int, ...]:
    return (request.entities.bare_number,) if request.entities.bare_number else ()


def numbered_collection(series_id: str, format: str, number: int, *, prefer: str = "") -> list[str]:
    """ "Omnibus 2" by its own number, or by that in its title; never by the volumes it holds."""
    rows = (
        Edition.objects.of_series(series_id)
        .in_format(format)
        .values_list("asin", "title", "edition_number", "language")
    )
    named = re.compile(rf"(?<!\d){number}(?!\d)")
    found = [
        (language != prefer, asin)
        for asin, title, edition_number, language in rows
        if edition_number == number or (edition_number is None and named.search(unicodedata.normalize("NFKC", title)))
    ]
    return [asin for _, asin in sorted(found)]
