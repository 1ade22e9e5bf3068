"""What may be cached, and what is refused before a single value exists."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import pytest

from caching.registry import CacheKind, CacheTypeRefused, register_kind


@dataclass(frozen=True)
class Priced:
    title: str
    price: str


@dataclass(frozen=True)
class Nested:
    items: tuple[Priced | None, ...]


@dataclass(frozen=True)
class ListPriced:
    listPrice: float


@dataclass(frozen=True)
class Stocked:
    in_stock: bool


@dataclass(frozen=True)
class Available:
    availability: str


@dataclass(frozen=True)
class Shipped:
    order_status: str


@dataclass(frozen=True)
class Tracked:
    tracking: str


@dataclass(frozen=True)
class OrderView:
    id: str


@dataclass(frozen=True)
class LiveOffer:
    asin: str


@dataclass(frozen=True)
class State:
    state: Literal["new", "shipped"]


@dataclass(frozen=True)
class Exact:
    value: Decimal


@dataclass(frozen=True)
class Loose:
    value: Any


@dataclass(frozen=True)
class Mapped:
    value: dict[str, str]


@dataclass(frozen=True)
class Listed:
    value: list[str]


@dataclass
class Mutable:
    title: str


@dataclass(frozen=True)
class Series:
    """A series' own status (ongoing, complete) and a promotion's percentage are no volatile facts."""

    status: Literal["ongoing", "complete"]
    percent_off: int
    rating: float | None
    volumes: tuple[int, ...]


def kind_of(value_type: type[Any], **changes: Any) -> CacheKind[Any]:
    return dataclasses.replace(
        CacheKind(
            name="made_up",
            label="made up",
            key=lambda id: f"made_up:{id}",
            value_type=value_type,
            tags=lambda value: frozenset(),
            default_ttl_s=60,
            max_ttl_s=600,
        ),
        **changes,
    )


@pytest.mark.parametrize(
    ("value_type", "culprit"),
    [
        (Priced, "Priced.price"),
        (Nested, r"Nested.items\[\].price"),
        (tuple[Priced, ...], "price"),
        (ListPriced, "ListPriced.listPrice"),
        (Stocked, "Stocked.in_stock"),
        (Available, "Available.availability"),
        (Shipped, "Shipped.order_status"),
        (Tracked, "Tracked.tracking"),
        (OrderView, "OrderView"),
        (LiveOffer, "LiveOffer"),
        (State, "shipped"),
        (Exact, "Decimal"),
        (Decimal, "Decimal"),
        (Loose, "Any"),
        (Mapped, "dict"),
        (Listed, "list"),
        (Mutable, "not frozen"),
    ],
)
def test_a_type_that_could_carry_a_volatile_fact_is_refused(value_type: Any, culprit: str) -> None:
    with pytest.raises(CacheTypeRefused, match=culprit):
        register_kind(kind_of(value_type))


def test_facts_are_taken() -> None:
    kind = kind_of(Series)
    assert register_kind(kind) is kind


@pytest.mark.parametrize(
    "changes",
    [
        {"default_ttl_s": 0},
        {"default_ttl_s": 601},
        {"min_ttl_s": 0},
        {"max_ttl_s": 10**9},
        {"negative_ttl_s": -1},
        {"stale_on_error_s": -1},
        {"name": "Not A Name"},
    ],
)
def test_contradictory_numbers_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Cache kind"):
        register_kind(kind_of(Series, **changes))


def test_a_name_belongs_to_one_kind() -> None:
    register_kind(kind_of(Series))
    with pytest.raises(ValueError, match="twice"):
        register_kind(kind_of(Series))


@pytest.mark.parametrize("name", ["product", "promotions", "faq", "recs"])
def test_the_projects_own_kinds_pass(name: str) -> None:
    """What the apps register at start has gone through the same gate; its keys are the documented ones."""
    from caching.registry import key_pattern
    from tests.caching.conftest import REGISTERED_AT_START

    patterns = {"product": "product:", "promotions": "promotions:category:", "faq": "faq:", "recs": "recs:"}
    assert key_pattern(REGISTERED_AT_START[name]).startswith(patterns[name])
