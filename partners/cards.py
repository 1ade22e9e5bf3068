"""What cards hold (contract: card data), as the OpenAPI document tells it."""

from __future__ import annotations

from typing import Annotated, Literal

from ninja import Field, Schema
from pydantic import ConfigDict

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Day = Annotated[str, Field(json_schema_extra={"format": "date"})]


class Price(Schema):
    amount: str = Field(description="An exact decimal.", examples=["14.99"])
    currency: str = Field(description="ISO 4217.", examples=["USD"])
    as_of: Time = Field(description="When it was read.")


class Product(Schema):
    """An edition with its offer as read for this very answer: never cached, and null or unknown when it could not
    be read."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "asin": "BERSERK-EN-1", "series": "Berserk", "series_id": "berserk", "title": "Berserk, Vol. 1",
                    "volume": 1, "volumes": [1], "format": "paperback", "language": "en",
                    "authors": ["Kentaro Miura"], "cover_url": "/covers/BERSERK-EN-1.svg",
                    "url": "/products/BERSERK-EN-1/", "age_rating": "mature", "rating": 4.8, "rating_count": 1200,
                    "release_date": "2003-10-22",
                    "price": {"amount": "14.99", "currency": "USD", "as_of": "2026-11-27T10:00:00+00:00"},
                    "availability": "in_stock", "stock_as_of": "2026-11-27T10:00:00+00:00",
                }
            ]
        }
    )  # fmt: skip

    asin: str
    series: str
    series_id: str
    title: str
    volume: int | None = Field(description="Of a single volume; a collection has only volumes.")
    volumes: list[int]
    format: str
    language: str
    authors: list[str]
    cover_url: str
    url: str
    age_rating: str
    rating: float | None
    rating_count: int
    release_date: Day | None
    price: Price | None
    list_price: Price | None = None
    availability: Literal["in_stock", "low_stock", "out_of_stock", "pre_order", "unknown"]
    stock_as_of: Time | None
    reason: str | None = None


class SeriesFacts(Schema):
    id: str
    title: str
    native_title: str
    authors: list[str]
    demographic: str
    status: str
    status_text: str
    volume_count: int | None
    started: int | None
    age_rating: str
    url: str
    cover_url: str


class OrderLine(Schema):
    asin: str
    title: str
    quantity: int


class Order(Schema):
    """A customer's order, read live."""

    id: str
    status: Literal["processing", "shipped", "delivered", "cancelled", "returned"]
    status_text: str
    placed_at: Time
    eta: Day | None
    carrier: str
    tracking: str
    lines: list[OrderLine]


class Promotion(Schema):
    id: str
    title: str
    percent_off: int
    starts: Time
    ends: Time
    category: str
    series: list[str]
    asins: list[str]


class ProductCard(Schema):
    card_id: str
    kind: Literal["product"]
    data: Product


class SeriesCard(Schema):
    card_id: str
    kind: Literal["series"]
    data: SeriesFacts


class OrderCard(Schema):
    card_id: str
    kind: Literal["order"]
    data: Order


class PromotionCard(Schema):
    card_id: str
    kind: Literal["promotion"]
    data: Promotion


Card = ProductCard | SeriesCard | OrderCard | PromotionCard
