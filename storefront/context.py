"""What every page of the shop shows: who is signed in, how much is in the cart, what the widget should know."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language


def storefront(request: HttpRequest) -> dict[str, Any]:
    """Lazy: a page without the shop's frame (the admin, for one) pays nothing."""
    if not settings.DEMO:
        return {}
    return {"shop_frame": ShopFrame(request)}


class ShopFrame:
    """Read by templates/storefront/base.html."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def customer_name(self) -> str:
        from shop.demo.shoppers import DEMO_SHOPPERS

        customer_id = self._request.session.get("customer_id", "")
        return next((each.name for each in DEMO_SHOPPERS if each.customer_id == customer_id), customer_id)

    @property
    def cart_count(self) -> int:
        from shop.cart import count_of
        from storefront.views import cart_owner

        return count_of(cart_owner(self._request))


def widget_context(page: dict[str, str]) -> str:
    """The ``context`` attribute of the widget."""
    return json.dumps(page | {"locale": (get_language() or "en")[:2]}, ensure_ascii=False)
