"""The shop's own feed kinds: series, edition, offer, promotion, order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import models
from django.utils import timezone

from caching.invalidation import invalidate
from shop import feed_fields as read
from shop.changes import note_change
from shop.feed import FeedKind, Row, Upserted, register_kind
from shop.feed_export import edition_lines, offer_lines, promotion_lines, series_lines
from shop.feed_fields import LineRefused
from shop.models import (
    AGE_RATINGS,
    FORMATS,
    LONGEST_TITLE,
    Edition,
    Offer,
    Order,
    OrderLine,
    Promotion,
    Series,
    SeriesRelation,
    former_day,
    rebuild_terms,
)
from shop.search import index_editions, index_series

_FORMATS = tuple(code for code, _ in FORMATS)


def write_changed(model: type[models.Model], rows: Sequence[Row], *, stamp: bool = False) -> tuple[list[Any], int]:
    """Creates or updates the rows that differ from what is stored: (those, how many were the same).

    ``stamp``: the model has an ``updated_at``. Row values are the model's attributes; ids are primary keys.
    """
    pk = model._meta.pk.attname
    known = {str(obj.pk): obj for obj in model._base_manager.filter(pk__in=[row.id for row in rows])}
    changed: list[models.Model] = []
    for row in rows:
        old = known.get(row.id)
        if old is None or any(getattr(old, name) != value for name, value in row.values.items()):
            extra = {"updated_at": timezone.now()} if stamp else {}
            changed.append(model(**{pk: row.id}, **row.values, **extra))
    if changed:
        fields = [*rows[0].values, *(["updated_at"] if stamp else [])]
        model._base_manager.bulk_create(changed, update_conflicts=True, unique_fields=["pk"], update_fields=fields)
    return changed, len(rows) - len(changed)


def _split(rows: Iterable[Row], known: set[str], name: str, what: str) -> tuple[list[Row], list[tuple[Row, str]]]:
    """(rows whose reference is known, the others with the reason)."""
    good, bad = [], []
    for row in rows:
        if row.values[name] in known:
            good.append(row)
        else:
            bad.append((row, f"{what} {row.values[name]!r} is unknown"))
    return good, bad


# --- Series -------------------------------------------------------------------------------------------------


def _parse_series(line: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    relations = []
    for relation in read.objects(line, "relations"):
        kind = read.choice(relation, "type", [value for value, _ in SeriesRelation.Type.choices])
        relations.append((read.slug(relation, "to"), kind))
    return read.slug(line), {
        "title": read.text(line, "title", 200),
        "native_title": read.text(line, "native_title", 200, default=""),
        "romanized_title": read.text(line, "romanized_title", 200, default=""),
        "aliases": read.texts(line, "aliases"),
        "authors": read.texts(line, "authors"),
        "native_authors": read.texts(line, "native_authors"),
        "category": read.text(line, "category", 64, default="manga"),
        "demographic": read.text(line, "demographic", 32, default=""),
        "genres": read.texts(line, "genres", 64),
        "themes": read.texts(line, "themes", 64),
        "status": read.choice(line, "status", Series.Status.values, default="ongoing"),
        "age_rating": read.choice(line, "age_rating", AGE_RATINGS, default="teen"),
        "volume_count": read.whole(line, "volume_count", 0, 10_000),
        "started": read.whole(line, "started", 1800, 2200),
        "description": read.text(line, "description", 10_000, default=""),
        "native_description": read.text(line, "native_description", 10_000, default=""),
        "relations": relations,
    }


def _upsert_series(rows: Sequence[Row]) -> Upserted:
    done = Upserted()
    relations = {row.id: row.values["relations"] for row in rows}
    plain = [Row(r.id, {k: v for k, v in r.values.items() if k != "relations"}, r.number, r.raw) for r in rows]
    changed, done.unchanged = write_changed(Series, plain, stamp=True)
    done.changed = len(changed)
    rebuild_terms(changed)
    index_series(changed)
    touched = {series.pk for series in changed}
    wanted = {to for pairs in relations.values() for to, _ in pairs}
    known = set(Series.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    stored: dict[str, set[tuple[str, str]]] = {}
    for old in SeriesRelation.objects.filter(series__in=relations):
        stored.setdefault(old.series_id, set()).add((old.to_id, old.type))
    related: list[SeriesRelation] = []
    moved: set[str] = set()
    for row in rows:
        pairs = {pair for pair in relations[row.id] if pair[0] in known}
        if pairs != stored.get(row.id, set()):
            moved.add(row.id)
            related += [SeriesRelation(series_id=row.id, to_id=to, type=kind) for to, kind in sorted(pairs)]
        missing = [to for to, _ in relations[row.id] if to not in known]
        if missing:
            # The series itself is in; only its relation waits for the other series.
            done.incomplete.append((row, f"related series {missing[0]!r} is unknown"))
            if row.id in touched:
                done.changed -= 1
            else:
                done.unchanged -= 1
    SeriesRelation.objects.filter(series__in=moved).delete()
    SeriesRelation.objects.bulk_create(related)
    touched |= moved
    note_change(series=touched)
    return done


# --- Editions and offers --------------------------------------------------------------------------------------


def _parse_edition(line: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    volumes = read.wholes(line, "volumes", 0, 10_000)
    isbn = read.text(line, "isbn13", 17, default="").replace("-", "")
    if isbn and not (len(isbn) == 13 and isbn.isascii() and isbn.isdigit()):
        raise LineRefused("isbn13 must have 13 digits")
    return read.asin(line), {
        "isbn13": isbn,
        "series_id": read.slug(line, "series"),
        "title": read.text(line, "title", 250),
        "format": read.choice(line, "format", _FORMATS, default="paperback"),
        "language": read.text(line, "language", 8),
        "edition_number": read.whole(line, "edition_number", 0, 10_000),
        "volumes": volumes,
        "first_volume": volumes[0] if volumes else None,
        "publisher": read.text(line, "publisher", 120, default=""),
        "release_date": read.day(line, "release_date"),
        # Empty: its series' own, which only the upsert knows.
        "age_rating": read.choice(line, "age_rating", AGE_RATINGS) if line.get("age_rating") else "",
        "pages": read.whole(line, "pages", 0, 100_000),
        "rating": read.number(line, "rating", 0, 5),
        "rating_count": read.whole(line, "rating_count", 0, 2_000_000_000) or 0,
        "description": read.text(line, "description", 10_000, default=""),
        "cover_url": read.text(line, "cover_url", 500, default=""),
        "in_print": read.boolean(line, "in_print", True),
    }


def _upsert_editions(rows: Sequence[Row]) -> Upserted:
    series = Series.objects.filter(pk__in={row.values["series_id"] for row in rows})
    age_of = dict(series.values_list("pk", "age_rating"))
    good, dangling = _split(rows, set(age_of), "series_id", "series")
    stored = Edition.objects.filter(pk__in=[row.id for row in good])
    dates = {asin: days for asin, *days in stored.values_list("pk", "release_date", "former_release_date")}
    series_of = dict(stored.values_list("pk", "series_id"))
    for row in good:
        row.values["age_rating"] = row.values["age_rating"] or age_of[row.values["series_id"]]
        announced, former = dates.get(row.id, (None, None))
        row.values["former_release_date"] = former_day(announced, former, moved_to=row.values["release_date"])
    changed, unchanged = write_changed(Edition, good, stamp=True)
    index_editions(changed)
    # The series that one has left shows it no more.
    left = {series_of[e.pk] for e in changed if e.pk in series_of}
    note_change(asins={e.pk for e in changed}, series=left | {e.series_id for e in changed})
    return Upserted(len(changed), unchanged, dangling)


def _parse_offer(line: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    currency = read.text(line, "currency", 3)
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise LineRefused("currency must be three capital letters")
    return read.asin(line), {
        "price": read.money(line, "price", required=True),
        "list_price": read.money(line, "list_price", required=False),
        "currency": currency,
        "stock": read.whole(line, "stock", 0, 2_000_000_000),
    }


def _upsert_offers(rows: Sequence[Row]) -> Upserted:
    known = set(Edition.objects.filter(pk__in=[row.id for row in rows]).values_list("pk", flat=True))
    good = [row for row in rows if row.id in known]
    dangling = [(row, f"edition {row.id!r} is unknown") for row in rows if row.id not in known]
    changed, unchanged = write_changed(Offer, good, stamp=True)
    note_change(asins={offer.pk for offer in changed}, fields=("price", "stock"))
    return Upserted(len(changed), unchanged, dangling)


# --- Promotions and orders ------------------------------------------------------------------------------------


def _parse_promotion(line: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    starts, ends = read.moment(line, "starts"), read.moment(line, "ends")
    if ends <= starts:
        raise LineRefused("ends must be after starts")
    percent = read.whole(line, "percent_off", 1, 90)
    if percent is None:
        raise LineRefused("percent_off is missing")
    return read.slug(line), {
        "title": read.text(line, "title", LONGEST_TITLE),
        "titles": read.titles(line),
        "category": read.text(line, "category", 64, default="manga"),
        "series": read.texts(line, "series", 64, 10_000),
        "asins": read.texts(line, "asins", 32, 10_000),
        "percent_off": percent,
        "starts": starts,
        "ends": ends,
    }


def _upsert_promotions(rows: Sequence[Row]) -> Upserted:
    before = dict(Promotion.objects.filter(pk__in=[row.id for row in rows]).values_list("pk", "category"))
    changed, unchanged = write_changed(Promotion, rows)
    for promotion in changed:
        promotion.note()
    # Where one was, it must not be seen any more either.
    invalidate(
        {f"promotions:{before[each.pk]}" for each in changed if before.get(each.pk, each.category) != each.category}
    )
    return Upserted(len(changed), unchanged)


def _parse_order(line: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    lines = []
    for each in read.objects(line, "lines"):
        quantity = read.whole(each, "quantity", 1, 1000)
        lines.append((read.asin(each), quantity if quantity is not None else 1))
    return read.slug(line, limit=32), {
        "customer_id": read.text(line, "customer_id", 128),
        "status": read.choice(line, "status", Order.Status.values),
        "placed_at": read.moment(line, "placed_at"),
        "eta": read.day(line, "eta"),
        "carrier": read.text(line, "carrier", 64, default=""),
        "tracking": read.text(line, "tracking", 64, default=""),
        "lines": lines,
    }


def _upsert_orders(rows: Sequence[Row]) -> Upserted:
    wanted = {asin for row in rows for asin, _ in row.values["lines"]}
    known = set(Edition.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    good: list[Row] = []
    done = Upserted()
    for row in rows:
        unknown = [asin for asin, _ in row.values["lines"] if asin not in known]
        if unknown:
            done.dangling.append((row, f"edition {unknown[0]!r} is unknown"))
        else:
            good.append(row)
    plain = [Row(r.id, {k: v for k, v in r.values.items() if k != "lines"}) for r in good]
    changed, _ = write_changed(Order, plain)
    stored: dict[str, list[tuple[str, int]]] = {}
    for line in OrderLine.objects.filter(order__in=[row.id for row in good]).order_by("pk"):
        stored.setdefault(line.order_id, []).append((line.edition_id, line.quantity))
    touched = {order.pk for order in changed}
    others = [row for row in good if stored.get(row.id, []) != row.values["lines"]]
    OrderLine.objects.filter(order__in=[row.id for row in others]).delete()
    OrderLine.objects.bulk_create(
        OrderLine(order_id=row.id, edition_id=asin, quantity=quantity)
        for row in others
        for asin, quantity in row.values["lines"]
    )
    touched |= {row.id for row in others}
    done.changed, done.unchanged = len(touched), len(good) - len(touched)
    return done


def _delete(model: type[models.Model]) -> Callable[[Sequence[str]], object]:
    """Through the rows' own manager, so that caches and search hear of it."""
    return lambda ids: model._default_manager.filter(pk__in=ids).delete()


def register() -> None:
    """Called once, by the app's ``ready``."""
    for kind in (
        FeedKind("series", 0, _parse_series, _upsert_series, read.slug, _delete(Series), lines=series_lines),
        FeedKind("edition", 1, _parse_edition, _upsert_editions, read.asin, _delete(Edition), lines=edition_lines),
        FeedKind("offer", 2, _parse_offer, _upsert_offers, read.asin, _delete(Offer), lines=offer_lines),
        FeedKind(
            "promotion", 3, _parse_promotion, _upsert_promotions, read.slug, _delete(Promotion), lines=promotion_lines
        ),
        FeedKind("order", 4, _parse_order, _upsert_orders),
    ):
        register_kind(kind)
