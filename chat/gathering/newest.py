"""For how far a series has come: its newest volume that is out, and what can be ordered ahead."""

from __future__ import annotations

from datetime import date

from django.utils.timezone import localdate

from chat.evidence import Evidence
from chat.gathering.editions import preferred_language
from chat.gathering.work import Gathering, with_facts
from mangaassist.dbthreads import in_database
from shop.models import Edition

# Volumes to come that are named.
MOST_COMING = 3


async def for_newest(work: Gathering) -> Evidence:
    """``editions``: the newest volume that is out; ``found``: those to come, the soonest first."""
    request = work.request
    series_id = request.series[0]
    newest, coming = await work.limited(
        "products",
        in_database(_newest, series_id, request.edition_language, preferred_language(request), localdate()),
        ("", ()),
    )
    evidence = Evidence(editions=(newest,) if newest else (), found=coming)
    return await with_facts(work, evidence, (newest, *coming), (series_id,))


def _newest(series_id: str, language: str, prefer: str, today: date) -> tuple[str, tuple[str, ...]]:
    """Of single volumes, printed ones before e-books; in the language that is preferred where it has any."""
    editions = Edition.objects.of_series(series_id)
    rows = [row for row in editions.values_list("asin", "volumes", "format", "language", "release_date") if row[1]]
    rows = [row for row in rows if row[3] == (language or prefer)] or ([] if language else rows)
    rows = [row for row in rows if len(row[1]) == 1] or rows
    out = [row for row in rows if row[4] is None or row[4] <= today]
    newest = max(out, key=lambda row: (max(row[1]), row[2] != "ebook", row[0]), default=None)
    ahead = sorted((day, form == "ebook", asin, volumes) for asin, volumes, form, _, day in rows if day and day > today)
    # One edition of each volume.
    coming: dict[int, str] = {}
    for _, _, asin, volumes in ahead:
        coming.setdefault(max(volumes), asin)
    return newest[0] if newest else "", tuple(coming.values())[:MOST_COMING]
