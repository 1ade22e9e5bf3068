"""Which edition of a series belongs on a shelf: rules on plain values, with no database in them.

*Continue reading*: the next volume that the shopper has not got, in the language and, if it can be, the format of
the volumes at home; a collection counts when less than half of it is at home already.
*Discover*: where the series begins.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from shop.formats import format_rank

COLLECTIONS = ("omnibus", "deluxe", "box_set")
MOST_CHOICES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionRow:
    """What the rules need of an edition."""

    asin: str
    series_id: str
    language: str
    format: str
    volumes: tuple[int, ...]
    edition_number: int | None


def next_volume(had: Iterable[EditionRow]) -> int | None:
    """The first volume behind the first one at home that is missing; None without numbered volumes at home."""
    at_home = {volume for edition in had for volume in edition.volumes}
    if not at_home:
        return None
    volume = min(at_home)
    while volume in at_home:
        volume += 1
    return volume


def continuations(had: Sequence[EditionRow], offered: Iterable[EditionRow], *, format: str = "") -> tuple[str, ...]:
    """ASINs to go on with, the most fitting first. ``had``: of one series, the newest first.

    ``format``: only this one; otherwise the format of the newest is preferred.
    """
    wanted = next_volume(had)
    if wanted is None:
        return ()
    newest = next(edition for edition in had if edition.volumes)
    at_home = {volume for edition in had for volume in edition.volumes}
    owned = {edition.asin for edition in had}

    def overlap(edition: EditionRow) -> int:
        return len(at_home.intersection(edition.volumes))

    fitting = [
        edition
        for edition in offered
        if wanted in edition.volumes
        and edition.asin not in owned
        and edition.language == newest.language
        and (not format or edition.format == format)
        and overlap(edition) * 2 < len(edition.volumes)
    ]
    fitting.sort(
        key=lambda edition: (
            edition.format != newest.format,
            overlap(edition),
            len(edition.volumes),
            format_rank(edition.format),
            -(edition.edition_number or 0),
            edition.asin,
        )
    )
    return tuple(edition.asin for edition in fitting[:MOST_CHOICES])


def beginnings(
    editions: Iterable[EditionRow], *, preferred_format: str = "", unnumbered: Collection[str] = ()
) -> dict[str, tuple[str, ...]]:
    """By series, the ASINs to begin with, the most fitting first.

    Only editions that hold volume 1 (or 0). An edition without volume numbers begins those series that have no
    numbers at all (``unnumbered``): elsewhere it is an art book or a guide.
    """
    of_series: dict[str, list[EditionRow]] = {}
    for edition in editions:
        if edition.volumes[0] <= 1 if edition.volumes else edition.series_id in unnumbered:
            of_series.setdefault(edition.series_id, []).append(edition)
    for rows in of_series.values():
        rows.sort(
            key=lambda edition: (
                not edition.volumes,
                # Volume 0 is a prologue: it begins a series only where there is no volume 1.
                1 not in edition.volumes,
                edition.format != preferred_format,
                format_rank(edition.format),
                len(edition.volumes),
                -(edition.edition_number or 0),
                edition.asin,
            )
        )
    return {series_id: tuple(edition.asin for edition in rows[:MOST_CHOICES]) for series_id, rows in of_series.items()}


def usual(values: Iterable[str], otherwise: str) -> str:
    """The most frequent one; of equals the first."""
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return max(counts, key=lambda value: counts[value], default=otherwise)
