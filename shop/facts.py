"""Facts about series and editions as values that may be cached: no price, no stock, no query that could read one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db import DEFAULT_DB_ALIAS

from caching.policy_cache import policy_cache
from caching.registry import Args, CacheKind, register_kind
from mangaassist.dbthreads import in_database
from mangaassist.statements import SelectAmong
from shop.models import Edition, Series, SeriesRelation


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFacts:
    """``relations``: (type, series id)."""

    id: str
    title: str
    native_title: str
    romanized_title: str
    aliases: tuple[str, ...]
    authors: tuple[str, ...]
    native_authors: tuple[str, ...]
    category: str
    demographic: str
    genres: tuple[str, ...]
    themes: tuple[str, ...]
    status: str
    age_rating: str
    volume_count: int | None
    started: int | None
    description: str
    native_description: str
    relations: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFacts:
    """One edition. ``volume``: of a single volume; a collection has only ``volumes``."""

    asin: str
    series_id: str
    series: str
    native_series: str
    title: str
    format: str
    language: str
    publisher: str
    category: str
    age_rating: str
    description: str
    cover_url: str
    url: str
    authors: tuple[str, ...]
    genres: tuple[str, ...]
    volumes: tuple[int, ...]
    volume: int | None
    edition_number: int | None
    pages: int | None
    release_date: date | None
    # Announced before, when the release was moved.
    former_release_date: date | None
    rating: float | None
    rating_count: int
    in_print: bool


def load_product_facts(asins: Iterable[str]) -> dict[str, ProductFacts]:
    """From the database, in one query; unknown ASINs are absent."""
    editions = Edition.objects.filter(pk__in=list(asins)).select_related("series")
    return {edition.pk: _product(edition) for edition in editions}


def _product(edition: Edition) -> ProductFacts:
    volumes = tuple(edition.volumes)
    return ProductFacts(
        asin=edition.pk,
        series_id=edition.series_id,
        series=edition.series.title,
        native_series=edition.series.native_title,
        title=edition.title,
        format=edition.format,
        language=edition.language,
        publisher=edition.publisher,
        category=edition.series.category,
        age_rating=edition.age_rating,
        description=edition.description,
        cover_url=edition.cover_url or f"/covers/{edition.pk}.svg",
        url=edition.get_absolute_url(),
        authors=tuple(edition.series.authors),
        genres=tuple(edition.series.genres),
        volumes=volumes,
        volume=volumes[0] if len(volumes) == 1 else None,
        edition_number=edition.edition_number,
        pages=edition.pages,
        release_date=edition.release_date,
        former_release_date=edition.former_release_date,
        rating=edition.rating,
        rating_count=edition.rating_count,
        in_print=edition.in_print,
    )


_SERIES_FIELDS = [field.attname for field in Series._meta.concrete_fields]
_series_rows = SelectAmong(lambda ids: Series.objects.filter(pk__in=ids).order_by().values_list(*_SERIES_FIELDS))
_relation_rows = SelectAmong(
    lambda ids: SeriesRelation.objects.filter(series__in=ids).order_by().values_list("id", "series", "type", "to")
)


def load_series_facts(ids: Iterable[str]) -> dict[str, SeriesFacts]:
    """From the database, in two queries; unknown ids are absent."""
    found = [Series.from_db(DEFAULT_DB_ALIAS, _SERIES_FIELDS, row) for row in _series_rows.rows(list(ids))]
    relations: dict[str, list[tuple[str, str]]] = {}
    for _, of, type, to in sorted(_relation_rows.rows([series.pk for series in found])):
        relations.setdefault(of, []).append((type, to))
    return {series.pk: _series(series, tuple(relations.get(series.pk, ()))) for series in found}


def _series(series: Series, relations: tuple[tuple[str, str], ...]) -> SeriesFacts:
    return SeriesFacts(
        id=series.pk,
        title=series.title,
        native_title=series.native_title,
        romanized_title=series.romanized_title,
        aliases=tuple(series.aliases),
        authors=tuple(series.authors),
        native_authors=tuple(series.native_authors),
        category=series.category,
        demographic=series.demographic,
        genres=tuple(series.genres),
        themes=tuple(series.themes),
        status=series.status,
        age_rating=series.age_rating,
        volume_count=series.volume_count,
        started=series.started,
        description=series.description,
        native_description=series.native_description,
        relations=relations,
    )


PRODUCT_KIND: CacheKind[ProductFacts] = register_kind(
    CacheKind(
        name="product",
        label="Product facts",
        description="Title, volumes, authors, description of one edition. Never its price or stock.",
        key=lambda asin: f"product:{asin}",
        value_type=ProductFacts,
        # A changed series invalidates the ASINs of its editions (shop.receivers), so that a read knows its tag.
        tags=lambda facts: frozenset({f"asin:{facts.asin}"}),
        known_tags=lambda asin: frozenset({f"asin:{asin}"}),
        default_ttl_s=3600,
        min_ttl_s=5,
        max_ttl_s=7 * 24 * 3600,
        stale_on_error_s=24 * 3600,
    )
)


async def aproduct_facts(asins: Iterable[str]) -> dict[str, ProductFacts]:
    """Through the policy cache; unknown ASINs are absent."""

    async def load(missing: list[Args]) -> dict[Args, ProductFacts | None]:
        found = await in_database(load_product_facts, [asin for (asin,) in missing])
        return {(asin,): facts for asin, facts in found.items()}

    found = await policy_cache.aget_many(PRODUCT_KIND, [(asin,) for asin in dict.fromkeys(asins)], load)
    return {asin: facts for (asin,), facts in found.items() if facts is not None}


def product_facts(asins: Iterable[str]) -> dict[str, ProductFacts]:
    """The sync twin of :func:`aproduct_facts`."""

    def load(missing: list[Args]) -> dict[Args, ProductFacts | None]:
        return {(asin,): facts for asin, facts in load_product_facts([asin for (asin,) in missing]).items()}

    found = policy_cache.get_many(PRODUCT_KIND, [(asin,) for asin in dict.fromkeys(asins)], load)
    return {asin: facts for (asin,), facts in found.items() if facts is not None}
