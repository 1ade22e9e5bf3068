"""Whether shoppers read an article: published or withdrawn. The index and what was answered from it follow."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from knowledge.models import Article


def publish(articles: QuerySet[Article]) -> list[Article]:
    """Those that were withdrawn until now."""
    return _change(articles, is_published=True)


def withdraw(articles: QuerySet[Article]) -> list[Article]:
    """Those that were published until now."""
    return _change(articles, is_published=False)


def _change(articles: QuerySet[Article], *, is_published: bool) -> list[Article]:
    with transaction.atomic():
        changed = list(
            Article.objects.select_for_update().filter(pk__in=articles.values("pk")).exclude(is_published=is_published)
        )
        Article.objects.filter(pk__in=[each.pk for each in changed]).update(is_published=is_published)
    return changed
