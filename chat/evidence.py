"""What a turn knows: gathered facts and live values. The generator may say only what is in here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from knowledge.search import Passage
from recommendations.recommend import Recommendation
from shop.completion import Completion
from shop.facts import ProductFacts, SeriesFacts
from shop.orders import OrderView
from shop.promotions import PromotionRule
from shop.reading_order import Step

# Of each kind, in a turn's trace.
MOST_TRACED = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """What it takes to have certain volumes of a series in one language.

    ``chosen`` holds ASINs only to be shown: its total is read anew at release. ``within``: how far the shopper's limit
    goes when it does not pay for all. ``limit_is_foreign``: the limit is in another currency than the prices.
    """

    series: str
    language: str
    wanted: frozenset[int]
    chosen: Completion
    within: Completion | None = None
    limit_is_foreign: bool = False


@dataclass(slots=True, kw_only=True)
class Evidence:
    """``failed`` names the steps that were cut or broke: the answer says so where it matters.

    ``editions`` are the ASINs that answer a question about certain editions, best first; ``found`` those of a
    search; ``has`` the volumes of the series in question that the shopper has, as bought or as said; ``order`` that of
    reading. ``bundles``: named groups of ASINs whose total may be told; ``limits``: the shopper's own price limits
    ("book", "series"), to be repeated to them. No price and no stock in here: those are read at release.
    """

    products: dict[str, ProductFacts] = field(default_factory=dict)
    series: dict[str, SeriesFacts] = field(default_factory=dict)
    editions: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    # What the edition that is asked for fails by, where there is none: no edition holds the volume, is in the form, in
    # the language, or is all of it ("such").
    lacking: Literal["", "volume", "format", "language", "such"] = ""
    # Of several series that are asked for: those that are not carried in the volume, form or language in question.
    without: tuple[str, ...] = ()
    recommended: tuple[Recommendation, ...] = ()
    engine: str = ""
    # Of the list that the engine gave: what is clicked in it is told with it.
    recommendation_id: str = ""
    passages: tuple[Passage, ...] = ()
    promotions: tuple[PromotionRule, ...] = ()
    # The series whose promotions are asked for; without any, editions that some promotion covers.
    asked_for: tuple[str, ...] = ()
    on_offer: tuple[str, ...] = ()
    orders: tuple[OrderView, ...] = ()
    has: frozenset[int] = frozenset()
    # The language in which the next volume was looked for first.
    reading: str = ""
    finish: Finish | None = None
    order: tuple[Step, ...] = ()
    bundles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    limits: dict[str, tuple[Decimal, str]] = field(default_factory=dict)
    # ASINs and series ids above the age that the shopper told: named as such, never described, priced or shown.
    withheld: frozenset[str] = frozenset()
    # What became of the limit for a book: editions in its currency were taken, none are sold in it, or all cost more.
    limit_is: Literal["", "switched", "foreign", "over"] = ""
    # The currency that was asked for, when the prices in question are in another one.
    foreign: str = ""
    failed: frozenset[str] = frozenset()

    def in_short(self) -> dict[str, Any]:
        """For the trace: ids and sources of what was found, ``MOST_TRACED`` of a kind; of orders only how many."""
        found = {
            "products": list(self.products)[:MOST_TRACED],
            "series": list(self.series)[:MOST_TRACED],
            "passages": [
                {"id": each.id, "source": each.source, "version": each.version, "score": round(each.score, 3)}
                for each in self.passages[:MOST_TRACED]
            ],
            "promotions": [rule.id for rule in self.promotions[:MOST_TRACED]],
            "recommended": [
                {"asin": each.asin, "engine": each.engine, "reason": each.reason[:200]}
                for each in self.recommended[:MOST_TRACED]
            ],
            "recommendation_id": self.recommendation_id,
            "orders": len(self.orders),
            "withheld": sorted(self.withheld)[:MOST_TRACED],
            "lacking": self.lacking,
            "failed": sorted(self.failed),
        }
        return {name: each for name, each in found.items() if each}

    def texts(self) -> list[str]:
        """Every text whose numbers the evidence proves."""
        texts: list[str] = []
        for product in self.products.values():
            texts += [product.title, product.series, product.description, *map(str, product.volumes)]
            texts += [str(n) for n in (product.pages, product.edition_number, product.rating_count) if n is not None]
            for day in (product.release_date, product.former_release_date):
                if day is not None:
                    texts += [day.isoformat(), str(day.day), str(day.month)]
            if product.rating is not None:
                texts.append(str(product.rating))
        for series in self.series.values():
            texts += [series.title, series.native_title, series.description, series.native_description]
            texts += [str(n) for n in (series.volume_count, series.started) if n is not None]
        texts += [str(number) for number in self._worked_out()]
        for rule in self.promotions:
            texts += [str(rule.percent_off), rule.title, *(title for _, title in rule.titles)]
        return texts

    def _worked_out(self) -> Iterable[int]:
        """Numbers of our own rules: volumes that one has, wants, misses, and how many books that is."""
        yield from self.has
        if self.finish is None:
            return
        yield from self.finish.wanted
        for found in (self.finish.chosen, self.finish.within):
            if found is not None:
                yield from (*found.missing, *found.overlaps, len(found.asins))
