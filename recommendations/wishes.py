"""From a request to what engines may know: limits, a series to compare with, and normalised context."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from recommendations.backends.base import Wish
from recommendations.catalogue import Catalogue
from recommendations.requests import RecommendationRequest
from shop.models import Edition
from shop.titles import find_mentions

# The names of context that Amazon Personalize's interactions have (recommendations/export.py).
CURRENT_QUERY = "CURRENT_QUERY"
DEVICE_TYPE = "DEVICE_TYPE"

# What follows one of these, up to the next comma or "but", is not wanted.
_REFUSED = re.compile(r"\b(?:not|no|non|without|less|except)\b[\s-]*([^,.;]*?)(?=,|\.|;|\bbut\b|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """``seed``: (series id, ASIN) to find the like of, or two empty texts. ``context``: for Amazon Personalize."""

    wish: Wish
    seed: tuple[str, str]
    context: tuple[tuple[str, str], ...]
    # The wished words, for the reason.
    words: tuple[str, ...]


def understand(request: RecommendationRequest, catalogue: Catalogue) -> Asked:
    wish = Wish(
        category=request.category,
        genres=request.genres,
        exclude_genres=request.exclude_genres,
        themes=request.themes,
        exclude_themes=request.exclude_themes,
        demographic=request.demographic,
        max_age_rating=request.max_age_rating,
    )
    if request.query:
        wish = _narrowed(wish, request.query, catalogue)
    seed = _seed(request)
    words = (*wish.genres, *wish.themes, *([wish.demographic] if wish.demographic else []))
    return Asked(wish, seed, _context(words, seed, request.device, catalogue), words)


def _narrowed(wish: Wish, query: str, catalogue: Catalogue) -> Wish:
    """The wish with what the query names; its words are a hint and go when nothing fits them."""
    refused = " , ".join(_REFUSED.findall(query))
    wanted = catalogue.words_in(_REFUSED.sub(" ", query))
    narrower = replace(
        wish,
        genres=(*wish.genres, *(word for kind, word in wanted if kind == "genre")),
        themes=(*wish.themes, *(word for kind, word in wanted if kind == "theme")),
        demographic=wish.demographic or next((word for kind, word in wanted if kind == "demographic"), ""),
        exclude_genres=(*wish.exclude_genres, *(word for _, word in catalogue.words_in(refused))),
    )
    return narrower if catalogue.fitting(narrower).any() else wish


def _seed(request: RecommendationRequest) -> tuple[str, str]:
    if request.asin:
        series_id = Edition.objects.filter(pk=request.asin).values_list("series_id", flat=True).first()
        if series_id:
            return series_id, request.asin
    series_id = request.series_id
    if not series_id and request.query:
        mentions = (each for each in find_mentions(request.query) if each.kind == "series" and each.exact)
        series_id = next((each.id for each in mentions), "")
    if not series_id:
        return "", ""
    first = Edition.objects.of_series(series_id).order_by("first_volume", "asin").values_list("asin", flat=True)
    return series_id, first.filter(first_volume__isnull=False).first() or first.first() or ""


def _context(
    words: tuple[str, ...], seed: tuple[str, str], device: str, catalogue: Catalogue
) -> tuple[tuple[str, str], ...]:
    """Only words of the catalogue's own vocabulary: a shopper's text has no trained meaning and may be personal."""
    context = []
    known = [f"{kind}:{word}" for each in words for kind, word in catalogue.words_in(each)]
    if known:
        context.append((CURRENT_QUERY, known[0]))
    elif seed[0]:
        context.append((CURRENT_QUERY, "intent:similar"))
    if device:
        context.append((DEVICE_TYPE, device))
    return tuple(context)
