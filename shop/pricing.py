"""Prices, stock and promotions of many at once, as an operator changes them. Every change is heard (shop.changes)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from shop.models import Offer, Promotion

# Percent: a slip of a digit is refused.
LOWEST, HIGHEST = Decimal(-90), Decimal(200)
# ISO 4217: currencies without a smaller unit.
WHOLE = frozenset({"JPY", "KRW", "VND", "CLP"})
MOST_STOCK = 2_000_000_000


class ChangeRefused(ValueError):
    """The text says why."""


@dataclass(frozen=True, slots=True)
class Changed:
    """One row, and from what to what."""

    row: Offer | Promotion
    what: str


def change_prices(offers: QuerySet[Offer], percent: Decimal) -> list[Changed]:
    """Makes them dearer or (below 0) cheaper, rounded to what the currency has. Those that stay the same are not told.

    Raises :class:`ChangeRefused`.
    """
    if not percent.is_finite() or not LOWEST <= percent <= HIGHEST or percent == 0:
        raise ChangeRefused(f"A price changes by {LOWEST} to {HIGHEST} percent, and not by 0.")
    changed = []
    with transaction.atomic():
        for offer in _locked(offers):
            price = new_price(offer.price, percent, offer.currency)
            if price != offer.price:
                changed.append(Changed(offer, f"price: {offer.price} → {price}"))
                offer.price = price
        Offer.objects.bulk_update(
            [each.row for each in changed if isinstance(each.row, Offer)], ["price"], batch_size=500
        )
    return changed


def new_price(price: Decimal, percent: Decimal, currency: str) -> Decimal:
    unit = Decimal(1) if currency in WHOLE else Decimal("0.01")
    return (price * (100 + percent) / 100).quantize(unit, rounding=ROUND_HALF_UP)


def set_stock(offers: QuerySet[Offer], stock: int | None) -> list[Changed]:
    """``stock`` None: never runs out. Raises :class:`ChangeRefused`."""
    if stock is not None and not 0 <= stock <= MOST_STOCK:
        raise ChangeRefused(f"Stock is 0 to {MOST_STOCK}.")
    with transaction.atomic():
        rows = [offer for offer in _locked(offers) if offer.stock != stock]
        changed = [Changed(offer, f"stock: {_told(offer.stock)} → {_told(stock)}") for offer in rows]
        Offer.objects.filter(pk__in=[offer.pk for offer in rows]).update(stock=stock)
    return changed


def end_promotions(promotions: QuerySet[Promotion]) -> list[Changed]:
    """Those that run end now; those that have not begun never do."""
    now = timezone.now()
    with transaction.atomic():
        rows = list(Promotion.objects.select_for_update().filter(pk__in=promotions.values("pk"), ends__gt=now))
        changed = [Changed(row, f"ends: {row.ends:%Y-%m-%d %H:%M} → {now:%Y-%m-%d %H:%M}") for row in rows]
        Promotion.objects.filter(pk__in=[row.pk for row in rows]).update(ends=now)
    return changed


def _locked(offers: QuerySet[Offer]) -> list[Offer]:
    return list(Offer.objects.select_for_update().filter(pk__in=offers.values("pk")).order_by("pk"))


def _told(stock: int | None) -> str:
    return "∞" if stock is None else str(stock)
