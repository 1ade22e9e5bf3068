"""What a turn knows: gathered facts and live values. The generator may say only what is in here."""

from __future__ import annotations

from dataclasses import dataclass, field

from knowledge.search import Passage
from recommendations.recommend import Recommendation
from shop.facts import ProductFacts, SeriesFacts
from shop.orders import OrderView
from shop.promotions import PromotionRule


@dataclass(slots=True, kw_only=True)
class Evidence:
    """``failed`` names the steps that were cut or broke: the answer says so where it matters.

    ``editions`` are the ASINs that answer a question about certain editions, best first; ``found`` those of a
    search; ``owned`` what the signed-in shopper has. No price and no stock in here: those are read at release.
    """

    products: dict[str, ProductFacts] = field(default_factory=dict)
    series: dict[str, SeriesFacts] = field(default_factory=dict)
    editions: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    recommended: tuple[Recommendation, ...] = ()
    engine: str = ""
    # Of the list that the engine gave: what is clicked in it is told with it.
    recommendation_id: str = ""
    passages: tuple[Passage, ...] = ()
    promotions: tuple[PromotionRule, ...] = ()
    orders: tuple[OrderView, ...] = ()
    owned: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()

    def texts(self) -> list[str]:
        """Every text whose numbers the evidence proves."""
        texts: list[str] = []
        for product in self.products.values():
            texts += [product.title, product.series, product.description, *map(str, product.volumes)]
            texts += [str(n) for n in (product.pages, product.edition_number, product.rating_count) if n is not None]
            if product.release_date is not None:
                texts.append(product.release_date.isoformat())
                texts += [str(product.release_date.day), str(product.release_date.month)]
            if product.rating is not None:
                texts.append(str(product.rating))
        for series in self.series.values():
            texts += [series.title, series.native_title, series.description, series.native_description]
            texts += [str(n) for n in (series.volume_count, series.started) if n is not None]
        texts += [str(rule.percent_off) for rule in self.promotions] + [rule.title for rule in self.promotions]
        return texts
