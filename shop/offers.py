"""Prices and stock, read live. There is no cached way to them."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from mangaassist.breaker import BoundedExecutor, ExecutorFull
from shop.backends import offer_sources
from shop.backends.base import Availability, LiveOffer, Money, OffersUnavailable, read_money

__all__ = ["Availability", "LiveOffer", "Money", "OffersUnavailable", "aread_offers", "read_money", "read_offers"]

# A hung offer service takes these threads and no others.
_executor = BoundedExecutor("offers", threads=4, queue=64)


def read_offers(asins: Collection[str]) -> dict[str, LiveOffer]:
    """One batched read; what is not offered is absent. Raises :class:`OffersUnavailable`."""
    return offer_sources["default"].read(asins) if asins else {}


async def aread_offers(asins: Collection[str]) -> dict[str, LiveOffer]:
    """The async twin of :func:`read_offers`."""
    if not asins:
        return {}
    try:
        return await _executor.run(partial(read_offers, asins))
    except ExecutorFull as error:
        raise OffersUnavailable("Too many reads are waiting.") from error
