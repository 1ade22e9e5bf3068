"""An article tried before it is published: in this context, searches find it as if it were in force."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from knowledge.help_index import HelpIndex, count_words, of_passages
from knowledge.models import Article, Passage
from knowledge.passages import of_answer

_tried: ContextVar[Article | None] = ContextVar("tried", default=None)


@contextmanager
def trying(article: Article) -> Iterator[None]:
    """In this context, and in the tasks and threads that are begun from it. Found by its words alone: vectors are made
    when it is indexed."""
    token = _tried.set(article)
    try:
        yield
    finally:
        _tried.reset(token)


def with_draft(index: HelpIndex, locale: str) -> HelpIndex:
    """``index``, with what the tried article says in the place of what the index has of it."""
    article = _tried.get()
    if article is None or article.locale != locale:
        return index
    ref = f"{article.slug}/{article.locale}"
    others = [each for each in index.passages if (each.row.kind, each.row.ref) != (Passage.Kind.ARTICLE, ref)]
    passages = [
        # Rows that are never stored: what is below 0 is nobody's id.
        Passage(
            pk=-1 - place, kind=Passage.Kind.ARTICLE, ref=ref, place=place, locale=locale,
            category=article.category, title=title, text=text,
        )
        for place, (title, text) in enumerate(of_answer(article.question, article.body))
    ]  # fmt: skip
    fresh = of_passages([*others, *map(count_words, passages)])
    fresh.version = index.version
    return fresh
