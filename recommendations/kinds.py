"""The cached form of recommendations: who might like what and why. Nothing of it says what is in the shop now."""

from __future__ import annotations

from dataclasses import dataclass

from caching.registry import CacheKind, register_kind

MOST_TAGS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A series, and the editions of it to show, the most fitting first. ``because``: ASINs.

    ``because_names``: what the reason names, in the locale of the request.
    """

    series_id: str
    title: str
    asins: tuple[str, ...]
    volume: int | None
    engine: str
    reason_code: str
    because: tuple[str, ...]
    because_names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfDraft:
    """``complete``: there is nothing more to suggest than this."""

    name: str
    title: str
    engine: str
    suggestions: tuple[Suggestion, ...]
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortlist:
    """More than is shown, so that what is sold out meanwhile leaves no gap."""

    owner: str
    category: str
    recommendation_id: str
    shelves: tuple[ShelfDraft, ...]


def _tags(shortlist: Shortlist) -> frozenset[str]:
    tags = {f"customer:{shortlist.owner}", f"category:{shortlist.category}"}
    suggestions = [each for shelf in shortlist.shelves for each in shelf.suggestions]
    tags.update(f"series:{each.series_id}" for each in suggestions)
    for asin in (asin for choice in range(3) for each in suggestions for asin in each.asins[choice : choice + 1]):
        # Every change of an edition is told with its series, so that an ASIN beyond the limit is covered as well.
        if len(tags) >= MOST_TAGS:
            break
        tags.add(f"asin:{asin}")
    return frozenset(tags)


RECOMMENDATIONS_KIND: CacheKind[Shortlist] = register_kind(
    CacheKind(
        name="recs",
        label="Recommendations",
        description="Who might like which series and why. A shopper's own interactions make it new at once.",
        key=lambda owner, query_hash: f"recs:{owner}:{query_hash}",
        value_type=Shortlist,
        tags=_tags,
        default_ttl_s=900,
        is_personal=True,
        min_ttl_s=5,
        max_ttl_s=24 * 3600,
    )
)
