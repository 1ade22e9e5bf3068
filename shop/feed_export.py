"""The stored catalogue in the feed's own form: what a line of it would have been."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Prefetch

from shop.models import Edition, Offer, Promotion, Series, SeriesRelation

CHUNK = 500


def series_lines() -> Iterator[dict[str, Any]]:
    relations = Prefetch("relations", SeriesRelation.objects.order_by("to_id", "type"))
    for row in Series.objects.order_by("pk").prefetch_related(relations).iterator(chunk_size=CHUNK):
        yield {
            "id": row.pk,
            "title": row.title,
            "native_title": row.native_title,
            "romanized_title": row.romanized_title,
            "aliases": row.aliases,
            "authors": row.authors,
            "native_authors": row.native_authors,
            "category": row.category,
            "demographic": row.demographic,
            "genres": row.genres,
            "themes": row.themes,
            "status": row.status,
            "age_rating": row.age_rating,
            "volume_count": row.volume_count,
            "started": row.started,
            "description": row.description,
            "native_description": row.native_description,
            "relations": [{"to": each.to_id, "type": each.type} for each in row.relations.all()],
        }


def edition_lines() -> Iterator[dict[str, Any]]:
    for row in Edition.objects.order_by("pk").iterator(chunk_size=CHUNK):
        yield {
            "asin": row.pk,
            "isbn13": row.isbn13,
            "series": row.series_id,
            "title": row.title,
            "format": row.format,
            "language": row.language,
            "edition_number": row.edition_number,
            "volumes": row.volumes,
            "publisher": row.publisher,
            "release_date": row.release_date and row.release_date.isoformat(),
            "age_rating": row.age_rating,
            "pages": row.pages,
            "rating": row.rating,
            "rating_count": row.rating_count,
            "description": row.description,
            "cover_url": row.cover_url,
            "in_print": row.in_print,
        }


def offer_lines() -> Iterator[dict[str, Any]]:
    for row in Offer.objects.order_by("pk").iterator(chunk_size=CHUNK):
        yield {
            "asin": row.pk,
            "price": str(row.price),
            "list_price": None if row.list_price is None else str(row.list_price),
            "currency": row.currency,
            "stock": row.stock,
        }


def promotion_lines() -> Iterator[dict[str, Any]]:
    for row in Promotion.objects.order_by("pk").iterator(chunk_size=CHUNK):
        yield {
            "id": row.pk,
            "title": row.title,
            "titles": row.titles,
            "category": row.category,
            "series": row.series,
            "asins": row.asins,
            "percent_off": row.percent_off,
            "starts": row.starts.isoformat(),
            "ends": row.ends.isoformat(),
        }
