"""Carts, orders, and lines of uploaded feeds that were refused.

Orders stay: they are the merchant's records, which the law has them keep, and come back with the next feed in any
case. Nothing of ours leads from an order to a conversation; what leads the other way goes with the conversation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from mangaassist.privacy.registry import (
    Countable,
    Counts,
    Holder,
    Retention,
    Rows,
    register_holder,
    register_retention,
)
from mangaassist.privacy.subject import Subject
from shop.feed_records import FeedReject
from shop.models import Cart, Order


def _carts(subject: Subject) -> QuerySet[Cart]:
    mine = Q(customer_id="", session_id__in=subject.sessions)
    if subject.customer_id:
        mine |= Q(customer_id=subject.customer_id)
    return Cart.objects.filter(mine, updated_at__lte=subject.until)


def _export(subject: Subject) -> Iterator[tuple[str, Rows]]:
    # iterator(): with the lines of a hundred, and not of all at once.
    carts = _carts(subject).prefetch_related("lines").iterator(chunk_size=100)
    yield "carts", (_cart(each) for each in carts)
    orders = _orders(subject).order_by("placed_at").prefetch_related("lines").iterator(chunk_size=100)
    yield "orders", (_order(each) for each in orders)


def _count(subject: Subject) -> Iterator[tuple[str, Countable]]:
    yield "carts", _carts(subject)
    yield "orders", _orders(subject)


def _orders(subject: Subject) -> QuerySet[Order]:
    return Order.objects.filter(customer_id=subject.customer_id) if subject.customer_id else Order.objects.none()


def _cart(cart: Cart) -> dict[str, Any]:
    lines = [{"asin": line.edition_id, "quantity": line.quantity} for line in cart.lines.all()]
    return {"updated_at": cart.updated_at.isoformat(), "lines": lines}


def _order(order: Order) -> dict[str, Any]:
    return {
        "id": order.pk,
        "status": order.status,
        "placed_at": order.placed_at.isoformat(),
        "eta": order.eta and order.eta.isoformat(),
        "carrier": order.carrier,
        "tracking": order.tracking,
        "lines": [{"asin": line.edition_id, "quantity": line.quantity} for line in order.lines.all()],
    }


def _erase(subject: Subject) -> Counts:
    _, by_model = _carts(subject).delete()
    return {"carts": by_model.get("shop.Cart", 0), "refused lines": _forget_rejects(subject)}


def _forget_rejects(subject: Subject) -> int:
    """A line that was refused may be an order or an interaction: its text goes, its number and reason stay."""
    # A feed names customers and sessions, and nothing of ours.
    of_feeds = replace(subject, conversations=frozenset(), turns=frozenset(), handoffs=frozenset())
    changed = 0
    for name in of_feeds.needles():
        rows = FeedReject.objects.filter(job__created_at__lte=subject.until, text__contains=f'"{name}"')
        changed += rows.update(text="")
    return changed


def remove_old(before: datetime, most: int) -> int:
    ids = list(Cart.objects.filter(updated_at__lt=before).order_by("updated_at").values_list("pk", flat=True)[:most])
    Cart.objects.filter(pk__in=ids).delete()
    return len(ids)


def register() -> None:
    register_holder(
        Holder(
            app="shop",
            personal=("Cart", "CartLine", "Order", "OrderLine", "FeedReject"),
            impersonal=(
                "TakenEvent", "ObjectVersion", "FeedJob", "Series", "SeriesRelation", "SeriesTerm", "Edition", "Offer",
                "Promotion",
            ),
            export=_export,
            count=_count,
            erase=_erase,
        )
    )  # fmt: skip
    register_retention(
        Retention(
            key="carts",
            name=_("Carts"),
            about=_("What was put into a cart and not touched since."),
            setting="CARTS_KEPT_DAYS",
            remove=remove_old,
        )
    )
