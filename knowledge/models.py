"""Help articles: what the shop says about itself, in each language."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class ArticleQuerySet(models.QuerySet["Article"]):
    def in_locale(self, locale: str) -> ArticleQuerySet:
        return self.filter(locale=locale)


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

    def __str__(self) -> str:
        return f"{self.question} ({self.locale})"

    def get_absolute_url(self) -> str:
        return f"/help/{self.slug}/"
