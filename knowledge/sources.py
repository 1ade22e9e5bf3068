"""What the sources of the index say now: our articles, the documents of the knowledge source, the products' texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import structlog
from django.utils import timezone

from knowledge.backends import knowledge_sources
from knowledge.backends.base import DocumentGone, DocumentTooLarge
from knowledge.documents import DocumentUnreadable, category_of, read_document
from knowledge.models import Article, Document, Passage
from knowledge.passages import Content, of_answer, of_document, of_product
from knowledge.requests import ReindexRequest
from shop.models import Edition

log = structlog.get_logger(__name__)


def contents_of(requests: Iterable[ReindexRequest]) -> Iterator[Content]:
    """Each source as it is now, however often and in whatever order it is asked for.

    Raises :class:`~knowledge.backends.base.SourceUnavailable`.
    """
    wanted: dict[str, list[str]] = {}
    for kind, ref in dict.fromkeys((request.kind, request.ref) for request in requests):
        wanted.setdefault(kind, []).append(ref)
    yield from article_contents(wanted.get("article", []))
    yield from product_contents(wanted.get("product", []))
    for key in wanted.get("document", []):
        yield document_content(key)


def article_refs() -> list[str]:
    return [f"{slug}/{locale}" for slug, locale in Article.objects.values_list("slug", "locale")]


def article_contents(refs: list[str]) -> Iterator[Content]:
    """``refs``: slug/locale."""
    slugs = {ref.partition("/")[0] for ref in refs}
    found = {f"{a.slug}/{a.locale}": a for a in Article.objects.filter(slug__in=slugs)}
    for ref in refs:
        article = found.get(ref)
        if article is None:
            yield Content(kind=Passage.Kind.ARTICLE, ref=ref)
            continue
        yield Content(
            kind=Passage.Kind.ARTICLE,
            ref=ref,
            locale=article.locale,
            category=article.category,
            passages=of_answer(article.question, article.body),
        )


def product_contents(asins: list[str]) -> Iterator[Content]:
    """Of what its publisher says of it; a product without a description has nothing to quote."""
    editions = Edition.objects.filter(pk__in=asins).exclude(description="")
    found = {e.pk: e for e in editions.only("asin", "title", "description", "language", "age_rating")}
    for asin in asins:
        edition = found.get(asin)
        if edition is None:
            yield Content(kind=Passage.Kind.PRODUCT, ref=asin)
            continue
        yield Content(
            kind=Passage.Kind.PRODUCT,
            ref=asin,
            locale=edition.language,
            category="product",
            age_rating=edition.age_rating,
            passages=of_product(edition.title, edition.description),
        )


def document_content(key: str) -> Content:
    """As its source has it. One that can't be read says nothing, and its row says why."""
    unreadable = partial(Content, kind=Passage.Kind.DOCUMENT, ref=key)
    try:
        fetched = knowledge_sources["default"].fetch(key)
    except DocumentGone:
        return unreadable(note=lambda: Document.objects.filter(key=key).delete())
    except DocumentTooLarge as error:
        return unreadable(note=_noting(key, version=error.version, size=error.size, fault="it is larger than 10 MiB"))
    found: dict[str, Any] = {"version": fetched.version, "size": len(fetched.data)}
    try:
        document = read_document(key, fetched.data)
    except DocumentUnreadable as error:
        return unreadable(note=_noting(key, **found, fault=str(error)))
    return Content(
        kind=Passage.Kind.DOCUMENT,
        ref=key,
        locale=document.locale,
        category=category_of(key),
        passages=of_document(document),
        note=_noting(key, **found, locale=document.locale, title=document.title),
    )


def _noting(key: str, *, fault: str = "", **values: Any) -> Callable[[], object]:
    if fault:
        log.warning("document_unreadable", key=key, fault=fault)
    values |= {"category": category_of(key), "fault": fault[:300], "read_at": timezone.now()}
    return lambda: Document.objects.update_or_create(key=key, defaults=values)


def changed_documents() -> list[ReindexRequest]:
    """What the source holds otherwise than it was last read. Raises ``SourceUnavailable``."""
    known = dict(Document.objects.values_list("key", "version"))
    listed = {each.key: each.version for each in knowledge_sources["default"].list()}
    changed = [ReindexRequest("document", key) for key, version in listed.items() if known.get(key) != version]
    return changed + [ReindexRequest("document", key, removed=True) for key in known if key not in listed]


def everything() -> list[ReindexRequest]:
    """All sources, and all that the index still knows of others. Raises ``SourceUnavailable``."""
    documents = {each.key for each in knowledge_sources["default"].list()} | set(
        Document.objects.values_list("key", flat=True)
    )
    products = set(Edition.objects.exclude(description="").values_list("pk", flat=True))
    wanted: dict[str, set[str]] = {"article": set(article_refs()), "document": documents, "product": products}
    for kind, ref in Passage.objects.filter(removed_in=None).values_list("kind", "ref").distinct():
        wanted[kind].add(ref)
    return [ReindexRequest(kind, ref) for kind, refs in wanted.items() for ref in sorted(refs)]  # type: ignore[arg-type]
