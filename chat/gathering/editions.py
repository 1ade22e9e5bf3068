"""Which editions of a series are meant. Facts only: no price and no stock."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from chat.dialogue import Request, age_limit
from chat.gathering.work import Gathering
from mangaassist.statements import SelectAmong
from shop.formats import format_rank
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
    found = editions_by_series([series_id], language=language, format=format, volumes=volumes, prefer=prefer)
    return found.get(series_id, [])


_editions_of = SelectAmong(
    lambda series: (
        Edition.objects.filter(series__in=series)
        .order_by()
        .values_list("series_id", "asin", "volumes", "format", "language", "in_print")
    )
)


def editions_by_series(
    series: Iterable[str],
    *,
    language: str = "",
    format: str = "",
    volumes: tuple[int, ...] = (),
    prefer: str = "",
) -> dict[str, list[str]]:
    """The same of several series, in one query; those without a fitting edition are absent."""
    found: dict[str, list[tuple[tuple[object, ...], str]]] = defaultdict(list)
    for series_id, asin, has, form, lang, in_print in _editions_of.rows(list(series)):
        if (language and lang != language) or (format and form != format):
            continue
        if volumes and not set(has) & set(volumes):
            continue
        likeliness = (
            bool(prefer) and lang != prefer,
            format_rank(form),
            not in_print,
            min(has, default=10_000),
            len(has),
            lang,
            form,
        )
        found[series_id].append((likeliness, asin))
    return {series_id: [asin for _, asin in sorted(likely)] for series_id, likely in found.items()}


def first_editions(work: Gathering, series: Iterable[str]) -> list[tuple[str, str]]:
    """(series id, ASIN of the edition to begin with), in the wished language and format only."""
    request, wanted = work.request, list(series)
    editions = editions_by_series(
        wanted,
        language=request.edition_language,
        format=request.format,
        volumes=request.volumes,
        prefer=preferred_language(request),
    )
    return [(series_id, editions[series_id][0]) for series_id in wanted if series_id in editions]


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
    """ "Omnibus 2" by its own number, or by that in its title; never by the volumes it holds.

    Some feeds number a series' collections, others say the printing, which is 1 nearly everywhere: numbers that tell
    nothing apart are no numbers of collections.
    """
    rows = list(
        Edition.objects.of_series(series_id)
        .in_format(format)
        .values_list("asin", "title", "edition_number", "language")
    )
    counted: dict[str, list[int | None]] = defaultdict(list)
    for _, _, edition_number, language in rows:
        counted[language].append(edition_number)
    telling = {language for language, numbers in counted.items() if len(set(numbers)) == len(numbers)}
    # Not that of "20th Century".
    named = re.compile(rf"(?<!\d){number}(?!\d|st\b|nd\b|rd\b|th\b)")
    found = [
        (language != prefer, asin)
        for asin, title, edition_number, language in rows
        if (edition_number == number and language in telling)
        or (
            (edition_number is None or language not in telling)
            and named.search(unicodedata.normalize("NFKC", title).casefold())
        )
    ]
    return [asin for _, asin in sorted(found)]
