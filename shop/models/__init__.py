"""What is sold. Series and editions are facts; offers and orders are live and read at the moment they are shown."""

from shop.feed_records import FeedJob, FeedReject, ObjectVersion, TakenEvent
from shop.formats import FORMATS
from shop.models.buying import Cart, CartLine, Order, OrderLine
from shop.models.catalog import AGE_RATINGS, ages_up_to
from shop.models.editions import ASIN_PATTERN, Edition, EditionQuerySet, Offer, former_day
from shop.models.promotions import LONGEST_TITLE, Promotion, check_titles
from shop.models.series import Series, SeriesQuerySet, SeriesRelation, SeriesTerm, rebuild_terms

__all__ = [
    "AGE_RATINGS",
    "ASIN_PATTERN",
    "FORMATS",
    "LONGEST_TITLE",
    "Cart",
    "CartLine",
    "Edition",
    "EditionQuerySet",
    "FeedJob",
    "FeedReject",
    "ObjectVersion",
    "Offer",
    "Order",
    "OrderLine",
    "Promotion",
    "Series",
    "SeriesQuerySet",
    "SeriesRelation",
    "SeriesTerm",
    "TakenEvent",
    "ages_up_to",
    "check_titles",
    "former_day",
    "rebuild_terms",
]
