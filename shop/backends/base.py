"""What a source of live values promises. Everything here is read at the moment it is shown and never cached."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

Availability = Literal["in_stock", "low_stock", "out_of_stock", "pre_order", "unknown"]


class OffersUnavailable(Exception):
    """Prices and stock cannot be read now."""


class OrdersUnavailable(Exception):
    """Orders cannot be read now."""


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount. ``currency``: ISO 4217."""

    amount: Decimal
    currency: str


def read_money(body: Any) -> Money:
    """From ``{"amount": "14.99", "currency": "USD"}``. Raises ``ValueError``."""
    if not isinstance(body, dict):
        raise ValueError("money must be an object with amount and currency.")
    amount, currency = body.get("amount"), body.get("currency")
    if not isinstance(amount, str) or not isinstance(currency, str) or len(currency) != 3:
        raise ValueError("money needs amount (a decimal string) and currency (three letters).")
    try:
        value = Decimal(amount)
    except InvalidOperation as error:
        raise ValueError("amount must be a decimal string.") from error
    if not value.is_finite() or value < 0:
        raise ValueError("amount must be a decimal string from 0.")
    return Money(value, currency.upper())


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOffer:
    """``stock``: None where nothing runs out. ``read_at``: when it was true."""

    asin: str
    price: Money | None
    list_price: Money | None
    stock: int | None
    availability: Availability
    read_at: datetime

    @property
    def buyable(self) -> bool:
        return self.price is not None and self.availability in {"in_stock", "low_stock", "pre_order"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLineView:
    asin: str
    title: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    id: str
    customer_id: str
    status: str
    carrier: str
    tracking: str
    placed_at: datetime
    eta: date | None
    lines: tuple[OrderLineView, ...]


class OfferSource(ABC):
    @abstractmethod
    def read(self, asins: Collection[str]) -> dict[str, LiveOffer]:
        """One batched live read; what is not offered is absent. Raises :class:`OffersUnavailable`."""


class OrderSource(ABC):
    @abstractmethod
    def find(self, order_id: str, *, customer_id: str) -> OrderView | None:
        """None also for somebody else's. Raises :class:`OrdersUnavailable`."""

    @abstractmethod
    def of_customer(self, customer_id: str, limit: int) -> list[OrderView]:
        """Newest first."""

    @abstractmethod
    def owned(self, customer_id: str) -> set[str]:
        """ASINs that the customer has bought and not given back."""
