"""Orders, read live and only for their owner."""

from __future__ import annotations

from shop.backends import order_sources
from shop.backends.base import OrderLineView, OrdersUnavailable, OrderView

__all__ = ["OrderLineView", "OrderView", "OrdersUnavailable", "find_order", "orders_of", "owned_asins"]


def find_order(order_id: str, *, customer_id: str) -> OrderView | None:
    """None also when it is somebody else's. Raises :class:`OrdersUnavailable`."""
    return order_sources["default"].find(order_id, customer_id=customer_id)


def orders_of(customer_id: str, limit: int = 5) -> list[OrderView]:
    """Newest first."""
    return order_sources["default"].of_customer(customer_id, limit)


def owned_asins(customer_id: str) -> set[str]:
    """What the customer has bought and not given back."""
    return order_sources["default"].owned(customer_id)
