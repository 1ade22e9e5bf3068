"""Where the edition that is asked for is not carried: what it fails by, and what comes nearest to it."""

from __future__ import annotations

from typing import Literal

from chat.dialogue import Request
from chat.gathering.editions import editions_of, preferred_language
from shop.models import Edition


def lacking(request: Request, volumes: tuple[int, ...]) -> Literal["volume", "format", "language", "such"]:
    series_id = request.series[0]
    if volumes and not editions_of(series_id, volumes=volumes):
        return "volume"
    if request.edition_language and not editions_of(series_id, language=request.edition_language):
        return "language"
    if request.format and not editions_of(series_id, format=request.format):
        return "format"
    if request.format and request.collection is not None:
        return "such"
    return "such" if volumes or (request.format and request.edition_language) else "volume"


def nearest_editions(request: Request, volumes: tuple[int, ...]) -> list[str]:
    """The volume first, in the language, then in the form, then in any; when nobody has it, the nearest volumes."""
    series_id, prefer = request.series[0], preferred_language(request)
    holding = [
        *(
            editions_of(series_id, language=request.edition_language, volumes=volumes)
            if request.edition_language
            else ()
        ),
        *(editions_of(series_id, format=request.format, volumes=volumes, prefer=prefer) if request.format else ()),
        *editions_of(series_id, volumes=volumes, prefer=prefer),
    ]
    if holding:
        return list(dict.fromkeys(holding))
    held = dict(Edition.objects.of_series(series_id).values_list("asin", "volumes"))
    wanted = volumes[0] if volumes else 1
    likeliest = editions_of(series_id, format=request.format, prefer=prefer) or editions_of(series_id, prefer=prefer)
    return sorted(likeliest, key=lambda asin: min((abs(each - wanted) for each in held[asin]), default=wanted))
