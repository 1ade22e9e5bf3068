"""A customer's orders, read live."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from chat.cards import order_card
from mangaassist.dbthreads import in_database
from partners.authentication import authorized
from partners.cards import Order
from partners.problems import Problem
from partners.schemas import ShopperId
from shop.orders import OrdersUnavailable, find_order

router = Router(tags=["orders"])
LONGEST_ID = 32
NO_ORDER = "There is no such order of this customer."


@router.get("/orders/{order_id}", response={200: Order})
async def get_order(request: HttpRequest, order_id: str, customer_id: Annotated[ShopperId, Query()]) -> Any:
    """A customer's order, read live; somebody else's is not told from an unknown one."""
    authorized(request, "orders:read")
    if not order_id.isprintable() or len(order_id) > LONGEST_ID:
        raise Problem(404, "not-found", NO_ORDER)
    try:
        order = await in_database(find_order, order_id, customer_id=customer_id)
    except OrdersUnavailable as error:
        raise Problem(503, "unavailable", "Orders cannot be read now.", retry_after_s=5) from error
    if order is None:
        raise Problem(404, "not-found", NO_ORDER)
    return order_card(order, "en")
