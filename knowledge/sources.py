"""What the sources of the index say now: our articles, the documents of the knowledge source, the products' texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from knowledge.apart import read_safely
from knowledge.backends import knowledge_sources
from knowledge.backends.base import DocumentFault, DocumentGone, DocumentUnsettled
from knowledge.documents import DocumentUnreadable, category_of
from knowledge.models import Article, Document, Passage
from knowledge.passages import Content, of_answer, of_document, of_product
from knowledge.requests import ReindexRequest
from shop.models import Edition

log = structlog.get_logger(__name__)
MOST_NAMED = 500
# What was asked for so long ago and never came is asked for again.
ASKED_AGAIN_H = 1
# The version of what is no longer there.
GONE = "gone"


def contents_of(requests: Iterable[ReindexRequest]) -> Iterator[Content]:
    """Each source as it is now, however often and in whatever order it is asked for.

    Raises :class:`~knowledge.backends.base.SourceUnavailable`.
    """
    wanted: dict[str, dict[str, set[str]]] = {}
    for request in requests:
        wanted.setdefault(request.kind, {}).setdefault(request.ref, set()).add(
            "" if request.removed else request.version
        )
    for refs in _slices(wanted.get("article", ())):
        yield from article_contents(refs)
    for asins in _slices(wanted.get("product", ())):
        yield from product_contents(asins)
    for key, versions in wanted.get("document", {}).items():
        # Of several the latest may have come first: only what is known of all of them spares the reading.
        is_known = len(versions) == 1 and _is_read(key, *versions)
        content = None if is_known else document_content(key)
        if content is not None:
            yield content


def _slices(refs: Iterable[str]) -> Iterator[list[str]]:
    """As many as a query of any database takes."""
    remaining = iter(refs)
    while some := list(islice(remaining, MOST_NAMED)):
        yield some


def article_refs() -> list[str]:
    return [f"{slug}/{locale}" for slug, locale in Article.objects.values_list("slug", "locale")]


def article_contents(refs: list[str]) -> Iterator[Content]:
    """``refs``: slug/locale."""
    slugs = {ref.partition("/")[0] for ref in refs}
    found = {f"{a.slug}/{a.locale}": a for a in Article.objects.published().filter(slug__in=slugs)}
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


def _is_read(key: str, version: str) -> bool:
    """Whether the index holds this very version, or it is known why not."""
    document = Document.objects.filter(key=key, version=version).exclude(read_at=None).first() if version else None
    if document is None:
        return False
    passages = Passage.objects.filter(kind=Passage.Kind.DOCUMENT, ref=key, removed_in=None)
    return bool(document.fault) or passages.filter(digest=document.digest).exists()


def document_content(key: str) -> Content | None:
    """As its source has it; None while it is being written. One that can't be read says nothing, its row says why."""
    unreadable = partial(Content, kind=Passage.Kind.DOCUMENT, ref=key)
    try:
        fetched = knowledge_sources["default"].fetch(key)
    except DocumentUnsettled:
        return None
    except DocumentGone:
        return unreadable(note=lambda: Document.objects.filter(key=key).delete())
    except DocumentFault as fault:
        return unreadable(note=_noting(key, version=fault.version, size=fault.size, fault=str(fault)))
    found: dict[str, Any] = {"version": fetched.version, "size": len(fetched.data)}
    try:
        document = read_safely(key, fetched.data)
    except DocumentUnreadable as error:
        return unreadable(note=_noting(key, **found, fault=str(error)))
    content = Content(
        kind=Passage.Kind.DOCUMENT,
        ref=key,
        locale=document.locale,
        category=category_of(key),
        passages=of_document(document),
    )
    known = found | {"locale": document.locale, "title": document.title, "digest": content.digest}
    return replace(content, note=_noting(key, **known))


def _noting(key: str, *, fault: str = "", **values: Any) -> Callable[[], object]:
    if fault:
        log.warning("document_unreadable", key=key, fault=fault)
    values |= {"category": category_of(key), "fault": fault[:300], "read_at": timezone.now()}
    return lambda: Document.objects.update_or_create(key=key, defaults=values)


def listed_documents() -> dict[str, str]:
    """Key → version of all that the source holds. Raises ``SourceUnavailable``."""
    return {each.key: each.version for each in knowledge_sources["default"].list()}


@transaction.atomic
def changed_documents(listed: Mapping[str, str]) -> list[ReindexRequest]:
    """What the source holds otherwise than it was last read, noted as asked for."""
    now = timezone.now()
    known = {document.key: document for document in Document.objects.all()}
    asked_long_ago = now - timedelta(hours=ASKED_AGAIN_H)

    def is_wanted(key: str, version: str) -> bool:
        document = known.get(key)
        if document is None:
            return True
        if document.read_at is not None and document.version == version:
            return False
        return document.asked_version != version or document.asked_at is None or document.asked_at < asked_long_ago

    changed = {key: version for key, version in listed.items() if version and is_wanted(key, version)}
    gone = {key: GONE for key in known if key not in listed and is_wanted(key, GONE)}
    Document.objects.bulk_create(
        [
            Document(key=key, category=category_of(key), asked_version=version, asked_at=now)
            for key, version in (changed | gone).items()
        ],
        batch_size=MOST_NAMED,
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["asked_version", "asked_at"],
    )
    return [
        *(ReindexRequest("document", key, version=version) for key, version in changed.items()),
        *(ReindexRequest("document", key, removed=True) for key in gone),
    ]


def everything() -> list[ReindexRequest]:
    """All sources, and all that the index still knows of others. Raises ``SourceUnavailable``."""
    documents = set(listed_documents()) | set(Document.objects.values_list("key", flat=True))
    products = set(Edition.objects.exclude(description="").values_list("pk", flat=True))
    wanted: dict[str, set[str]] = {"article": set(article_refs()), "document": documents, "product": products}
    for kind, ref in Passage.objects.filter(removed_in=None).values_list("kind", "ref").distinct():
        wanted[kind].add(ref)
    return [ReindexRequest(kind, ref) for kind, refs in wanted.items() for ref in sorted(refs)]  # type: ignore[arg-type]
