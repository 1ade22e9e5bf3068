"""Help articles: what the shop says about itself, in each language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from caching.invalidation import invalidate


def corpus_tag(locale: str) -> str:
    """Of every answer from this language's articles: any of them may be wrong when one article has changed."""
    return f"corpus:{locale}"


class ArticleQuerySet(models.QuerySet["Article"]):
    """Whatever way articles are changed, the answers from them are forgotten at the commit."""

    def in_locale(self, locale: str) -> ArticleQuerySet:
        return self.filter(locale=locale)

    def bulk_create(self, objs: Iterable[Article], *args: Any, **kwargs: Any) -> list[Article]:
        rows = list(objs)
        with transaction.atomic():
            _forget_answers(rows)
            return super().bulk_create(rows, *args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        # Django's own bulk_update goes through here as well.
        with transaction.atomic():
            _forget_answers(self)
            if kwargs.get("locale"):
                invalidate([corpus_tag(str(kwargs["locale"]))])
            return super().update(**({"updated_at": timezone.now()} | kwargs))

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            _forget_answers(self)
            return super().delete()


def _forget_answers(articles: Iterable[Article]) -> None:
    invalidate({corpus_tag(article.locale) for article in articles})


class Article(models.Model):
    """One answer in one language. The same ``slug`` in another locale is its translation."""

    slug = models.SlugField(max_length=64)
    locale = models.CharField(max_length=8, choices=[("en", "English"), ("ja", "日本語")])
    category = models.CharField(max_length=64, db_index=True)
    question = models.CharField(max_length=300)
    body = models.TextField(max_length=10_000)
    updated_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = ArticleQuerySet.as_manager()

    class Meta:
        ordering = ["category", "slug", "locale"]
        constraints = [models.UniqueConstraint(fields=["slug", "locale"], name="article_once_per_locale")]

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.updated_at = timezone.now()
        if kwargs.get("update_fields") is not None:
            kwargs["update_fields"] = {*kwargs["update_fields"], "updated_at"}
        with transaction.atomic():
            # What it was until now may have been in another language.
            _forget_answers([self, *Article.objects.filter(pk=self.pk)])
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            _forget_answers([self])
            return super().delete(*args, **kwargs)

    def __str__(self) -> str:
        return f"{self.question} ({self.locale})"

    def get_absolute_url(self) -> str:
        return f"/help/{self.slug}/"
