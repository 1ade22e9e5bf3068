"""Roles OFFERS and ORDERS: where live prices, stock and orders are read."""

from mangaassist.backends import BackendHandler
from shop.backends.base import OfferSource, OrderSource

offer_sources: BackendHandler[OfferSource] = BackendHandler("OFFERS", OfferSource)
order_sources: BackendHandler[OrderSource] = BackendHandler("ORDERS", OrderSource)
