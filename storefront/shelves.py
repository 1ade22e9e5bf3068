"""What the shop's pages show: editions with live offers, in few queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from chat.live import format_money
from chat.understanding.types import Language
from shop.backends.base import LiveOffer
from shop.facts import ProductFacts, load_product_facts
from shop.formats import format_rank
from shop.models import Edition, Series, SeriesQuerySet
from shop.offers import OffersUnavailable, read_offers

SHELF_LENGTH = 12
LIST_PARAMETER = "rec"


@dataclass(frozen=True, slots=True)
class Shown:
    """One edition as a page shows it, ``authors`` in its language; ``price`` is empty when it could not be read."""

    facts: ProductFacts
    offer: LiveOffer | None
    authors: tuple[str, ...]
    reason: str = ""
    # Of the list that it stands in.
    recommendation_id: str = ""

    @property
    def link(self) -> str:
        """Names the list it stands in, so that a click tells the engine that its suggestion was a good one."""
        told = urlencode({LIST_PARAMETER: self.recommendation_id}) if self.recommendation_id else ""
        return f"{self.facts.url}?{told}" if told else self.facts.url

    @property
    def price(self) -> str:
        return format_money(self.offer.price, language()) if self.offer and self.offer.price else ""

    @property
    def list_price(self) -> str:
        offer = self.offer
        if offer is None or offer.price is None or offer.list_price is None:
            return ""
        return format_money(offer.list_price, language()) if offer.list_price.amount > offer.price.amount else ""

    @property
    def availability(self) -> str:
        return self.offer.availability if self.offer else "unknown"

    @property
    def buyable(self) -> bool:
        return self.offer is not None and self.offer.buyable


@dataclass(frozen=True, slots=True)
class Shelf:
    title: str
    items: Sequence[Shown]


def language() -> Language:
    return "ja" if (get_language() or "en").startswith("ja") else "en"


def show(asins: Iterable[str], reasons: dict[str, str] | None = None, *, recommendation_id: str = "") -> list[Shown]:
    """In the order given; unknown ones are left out."""
    wanted = list(dict.fromkeys(asins))
    facts = load_product_facts(wanted)
    try:
        offers = read_offers(list(facts))
    except OffersUnavailable:
        offers = {}
    native = _native_authors(facts.values())
    return [
        Shown(
            facts[asin],
            offers.get(asin),
            native.get(facts[asin].series_id) or facts[asin].authors,
            (reasons or {}).get(asin, ""),
            recommendation_id,
        )
        for asin in wanted
        if asin in facts
    ]


def _native_authors(shown: Iterable[ProductFacts]) -> dict[str, tuple[str, ...]]:
    """Series → its authors as a Japanese page writes them; nothing on others."""
    if language() != "ja":
        return {}
    rows = Series.objects.filter(pk__in={facts.series_id for facts in shown}).order_by()
    return {series_id: tuple(names) for series_id, names in rows.values_list("pk", "native_authors")}


def first_editions(series: Sequence[Series]) -> list[str]:
    """The edition to show for each series: the first volume in the page's language, else in another."""
    wanted = language()
    best: dict[str, tuple[tuple[bool, int, int], str]] = {}
    rows = Edition.objects.filter(series__in=series, in_print=True).values_list(
        "series_id", "asin", "language", "format", "first_volume"
    )
    for series_id, asin, edition_language, format, first in rows:
        key = (edition_language != wanted, format_rank(format), first or 999)
        if series_id not in best or key < best[series_id][0]:
            best[series_id] = (key, asin)
    return [best[each.pk][1] for each in series if each.pk in best]


def home_shelves() -> list[Shelf]:
    """Without any knowledge of the visitor: new and coming, classics, gentle reads, complete stories."""
    return [shelf for shelf in _plain_shelves() if shelf.items]


def _plain_shelves() -> Iterable[Shelf]:
    series = Series.objects.for_age("older_teen")
    yield Shelf(_("Modern favourites"), _shelf(series.filter(started__gte=2014).order_by("-started", "title")))
    yield Shelf(_("Complete stories"), _shelf(series.filter(status="complete").order_by("volume_count", "title")))
    gentle = [each for each in series.order_by("title") if {"cosy", "wholesome"} & set(each.themes)]
    yield Shelf(_("Gentle reads"), show(first_editions(gentle[:SHELF_LENGTH])))
    yield Shelf(_("Classics"), _shelf(series.filter(started__lt=2000).order_by("started", "title")))


def _shelf(rows: SeriesQuerySet) -> list[Shown]:
    return show(first_editions(list(rows[:SHELF_LENGTH])))
