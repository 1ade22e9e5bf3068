"""Live values from our own database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from django.conf import settings
from django.db import Error as DatabaseError
from django.utils import timezone

from mangaassist.statements import SelectAmong
from shop.backends.base import (
    Availability,
    LiveOffer,
    Money,
    OfferSource,
    OffersUnavailable,
    OrderLineView,
    OrderSource,
    OrdersUnavailable,
    OrderView,
)
from shop.models import Offer, Order, OrderLine

_offer_rows = SelectAmong(
    lambda asins: Offer.objects.filter(pk__in=asins).values_list(
        "pk", "price", "list_price", "currency", "stock", "edition__release_date", "edition__format"
    )
)


class DatabaseOffers(OfferSource):
    def read(self, asins: Collection[str]) -> dict[str, LiveOffer]:
        try:
            rows = _offer_rows.rows(asins)
        except DatabaseError as error:
            raise OffersUnavailable(str(error)) from error
        now = timezone.now()
        return {
            asin: LiveOffer(
                asin=asin,
                price=Money(price, currency),
                list_price=Money(list_price, currency) if list_price is not None else None,
                stock=stock,
                availability=availability_of(stock, release_date, format, today=now.date()),
                read_at=now,
            )
            for asin, price, list_price, currency, stock, release_date, format in rows
        }


def availability_of(stock: int | None, release_date: date | None, format: str, *, today: date) -> Availability:
    """``stock`` None: nothing to run out of, which only e-books have; for a printed book it is unknown."""
    if release_date is not None and release_date > today:
        return "pre_order"
    if stock is None:
        return "in_stock" if format == "ebook" else "unknown"
    if stock == 0:
        return "out_of_stock"
    return "low_stock" if stock <= settings.LOW_STOCK_AT else "in_stock"


class DatabaseOrders(OrderSource):
    def find(self, order_id: str, *, customer_id: str) -> OrderView | None:
        orders = self._read(customer_id, 1, pk=order_id)
        return orders[0] if orders else None

    def of_customer(self, customer_id: str, limit: int) -> list[OrderView]:
        return self._read(customer_id, limit)

    def owned(self, customer_id: str) -> set[str]:
        if not customer_id:
            return set()
        try:
            lines = OrderLine.objects.filter(order__customer_id=customer_id).exclude(
                order__status__in=(Order.Status.CANCELLED, Order.Status.RETURNED)
            )
            return set(lines.values_list("edition_id", flat=True))
        except DatabaseError as error:
            raise OrdersUnavailable(str(error)) from error

    def _read(self, customer_id: str, limit: int, **where: str) -> list[OrderView]:
        if not customer_id:
            return []
        try:
            orders = Order.objects.filter(customer_id=customer_id, **where).prefetch_related("lines__edition")
            return [_view(order) for order in orders[:limit]]
        except DatabaseError as error:
            raise OrdersUnavailable(str(error)) from error


def _view(order: Order) -> OrderView:
    return OrderView(
        id=order.pk,
        customer_id=order.customer_id,
        status=order.status,
        carrier=order.carrier,
        tracking=order.tracking,
        placed_at=order.placed_at,
        eta=order.eta,
        lines=tuple(
            OrderLineView(asin=line.edition_id, title=line.edition.title, quantity=line.quantity)
            for line in order.lines.all()
        ),
    )
