"""The feed kind of help articles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import models
from django.utils import timezone

from knowledge.models import Article
from shop import feed_fields as read
from shop.feed import FeedKind, Row, Upserted, register_kind

LOCALES = ("en", "ja")


def _identify(line: dict[str, Any]) -> str:
    return f"{read.slug(line)}/{read.choice(line, 'locale', LOCALES)}"


def _parse(line: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    id = _identify(line)
    slug, _, locale = id.partition("/")
    return id, {
        "slug": slug,
        "locale": locale,
        "category": read.text(line, "category", 64),
        "question": read.text(line, "question", 300),
        "body": read.text(line, "body", 10_000),
    }


def _upsert(rows: Sequence[Row]) -> Upserted:
    known = {(a.slug, a.locale): a for a in Article.objects.filter(slug__in=[row.values["slug"] for row in rows])}
    changed = []
    for row in rows:
        old = known.get((row.values["slug"], row.values["locale"]))
        if old is None or any(getattr(old, name) != value for name, value in row.values.items()):
            changed.append(Article(**row.values, updated_at=timezone.now(), written_by="feed"))
    Article.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["slug", "locale"],
        update_fields=["category", "question", "body", "updated_at", "written_by"],
    )
    return Upserted(len(changed), len(rows) - len(changed))


def _delete(ids: Sequence[str]) -> None:
    named = models.Q()
    for id in ids:
        slug, _, locale = id.partition("/")
        named |= models.Q(slug=slug, locale=locale)
    if named:
        Article.objects.filter(named).delete()


def _lines() -> Iterator[dict[str, Any]]:
    for row in Article.objects.order_by("slug", "locale").iterator(chunk_size=200):
        yield {
            "id": row.slug,
            "locale": row.locale,
            "category": row.category,
            "question": row.question,
            "body": row.body,
        }


def register() -> None:
    register_kind(FeedKind("article", 5, _parse, _upsert, _identify, _delete, lines=_lines))
