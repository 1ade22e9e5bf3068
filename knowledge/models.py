"""What the shop says about itself: help articles, documents from elsewhere, and the index that answers come from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models, transaction
from django.utils import timezone

LOCALES = [("en", "English"), ("ja", "日本語")]


def corpus_tag(locale: str) -> str:
    """Of every answer from this language's passages: any of them may be wrong when one passage has changed."""
    return f"corpus:{locale}"


class ArticleQuerySet(models.QuerySet["Article"]):
    """Whatever way articles are changed, the index follows and the answers from them are forgotten at the commit."""

    def in_locale(self, locale: str) -> ArticleQuerySet:
        return self.filter(locale=locale)

    def published(self) -> ArticleQuerySet:
        """Those that shoppers read and answers are made from."""
        return self.filter(is_published=True)

    def bulk_create(self, objs: Iterable[Article], *args: Any, **kwargs: Any) -> list[Article]:
        rows = list(objs)
        with transaction.atomic():
            _tell_of(rows)
            if kwargs.get("update_conflicts"):
                _keep_texts(rows)
            return super().bulk_create(rows, *args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        # Django's own bulk_update goes through here as well.
        with transaction.atomic():
            rows = list(self)
            _tell_of(rows)
            if {"locale", "slug"} & set(kwargs):
                named = {"locale": kwargs.get("locale"), "slug": kwargs.get("slug")}
                _tell_of(Article(slug=named["slug"] or row.slug, locale=named["locale"] or row.locale) for row in rows)
            return super().update(**({"updated_at": timezone.now()} | kwargs))

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            _tell_of(self)
            return super().delete()


def _tell_of(articles: Iterable[Article]) -> None:
    from knowledge.reindexing import articles_changed

    articles_changed({(article.slug, article.locale) for article in articles})


def _keep_texts(rows: Iterable[Article]) -> None:
    """What is about to be written over is kept as a version; where nothing of it changes, nothing is."""
    now = {(row.slug, row.locale): row for row in rows}
    before = Article.objects.filter(slug__in={slug for slug, _ in now})
    old = [row for row in before if (row.slug, row.locale) in now and row.text != now[row.slug, row.locale].text]
    ArticleVersion.objects.bulk_create(ArticleVersion.of(row) for row in old)


class Article(models.Model):
    """One answer in one language. The same ``slug`` in another locale is its translation."""

    slug = models.SlugField(max_length=64)
    locale = models.CharField(max_length=8, choices=LOCALES)
    category = models.CharField(max_length=64, db_index=True)
    question = models.CharField(max_length=300)
    body = models.TextField(max_length=10_000)
    # The version before may still write rows while this one is rolled out: hence a default of the database's own.
    is_published = models.BooleanField(
        "published",
        default=True,
        db_default=True,
        help_text="Withdrawn, it is on no page and in no answer, and may be published again.",
    )
    updated_at = models.DateTimeField(default=timezone.now, db_index=True)
    # Who wrote what it says now: a user's name, or "feed".
    written_by = models.CharField(max_length=150, blank=True, db_default="", editable=False)

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
            before = list(Article.objects.filter(pk=self.pk))
            _tell_of([self, *before])
            ArticleVersion.objects.bulk_create(ArticleVersion.of(row) for row in before if row.text != self.text)
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            _tell_of([self])
            return super().delete(*args, **kwargs)

    def __str__(self) -> str:
        return f"{self.question} ({self.locale})"

    def get_absolute_url(self) -> str:
        return f"/help/{self.slug}/"

    @property
    def text(self) -> tuple[str, str, str]:
        """What a version keeps: category, question, body."""
        return self.category, self.question, self.body


class ArticleVersion(models.Model):
    """What an article said before it was changed."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="versions")
    category = models.CharField(max_length=64)
    question = models.CharField(max_length=300)
    body = models.TextField()
    written_by = models.CharField(max_length=150, blank=True)
    # Since when it said so, and until when.
    written_at = models.DateTimeField()
    replaced_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-replaced_at", "-pk"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.question} · {self.replaced_at:%Y-%m-%d %H:%M}"

    @classmethod
    def of(cls, article: Article) -> ArticleVersion:
        return cls(
            article_id=article.pk,
            category=article.category,
            question=article.question,
            body=article.body,
            written_by=article.written_by,
            written_at=article.updated_at,
        )

    def restore(self, *, by: str) -> Article:
        """The article says this again, and what it said until now is a version. Whether it is published stays."""
        with transaction.atomic():
            article = Article.objects.select_for_update().get(pk=self.article_id)
            article.category, article.question, article.body = self.category, self.question, self.body
            article.written_by = by
            article.save()
        return article


class Document(models.Model):
    """A file of the knowledge source (a folder or a bucket), as it was last read."""

    key = models.CharField(max_length=1024, unique=True)
    category = models.CharField(max_length=64, blank=True, db_index=True)
    locale = models.CharField(max_length=8, choices=LOCALES, default="en")
    title = models.CharField(max_length=300, blank=True)
    # What the source calls the content that was read: S3's ETag, or the file's size and time.
    version = models.CharField(max_length=200, blank=True)
    # Of its passages, as the index must have them.
    digest = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    # Why nothing of it could be read; empty: it is in the index.
    fault = models.CharField(max_length=300, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    # The version that a look at the source has asked for, so that it is not asked for again while that is on its way.
    asked_version = models.CharField(max_length=200, blank=True, editable=False)
    asked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key


class IndexVersion(models.Model):
    """One state of the index. It is built beside the one in force, verified, and put in force by one pointer."""

    class Status(models.TextChoices):
        BUILDING = "building", "Being built"
        SERVING = "serving", "In force"
        RETIRED = "retired", "Retired"
        FAILED = "failed", "Failed"

    number = models.AutoField(primary_key=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.BUILDING)
    # What it was built for, in words.
    cause = models.CharField(max_length=200, blank=True)
    # A builder that is not heard of until then is dead.
    leased_until = models.DateTimeField()
    began_at = models.DateTimeField(default=timezone.now)
    serving_at = models.DateTimeField(null=True, blank=True)
    added = models.PositiveIntegerField(default=0)
    removed = models.PositiveIntegerField(default=0)
    passages = models.PositiveIntegerField(default=0)
    # Of its passages of help, those with a vector of the model in use then.
    embedded = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"Version {self.number} ({self.get_status_display()})"


class IndexPointer(models.Model):
    """Which version answers come from: one row."""

    version = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"Version {self.version}"


class PassageQuerySet(models.QuerySet["Passage"]):
    def at_version(self, number: int) -> PassageQuerySet:
        """Those that make up this version."""
        return self.filter(models.Q(added_in__lte=number), models.Q(removed_in=None) | models.Q(removed_in__gt=number))

    def serving(self) -> PassageQuerySet:
        """Those of the version in force, in one query: it can't change between reading pointer and passages."""
        number = models.Subquery(IndexPointer.objects.values("version")[:1])
        return self.annotate(serving=number).filter(
            models.Q(added_in__lte=models.F("serving")),
            models.Q(removed_in=None) | models.Q(removed_in__gt=models.F("serving")),
        )

    def of_help(self) -> PassageQuerySet:
        """Not what publishers say of products."""
        return self.exclude(kind=Passage.Kind.PRODUCT)


class Passage(models.Model):
    """A quotable piece of a source, in the versions from ``added_in`` until before ``removed_in``. Never changed."""

    class Kind(models.TextChoices):
        ARTICLE = "article"
        DOCUMENT = "document"
        PRODUCT = "product"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    # slug/locale of an article, key of a document, ASIN of a product.
    ref = models.CharField(max_length=1024)
    place = models.PositiveIntegerField(default=0)
    locale = models.CharField(max_length=8, db_index=True)
    category = models.CharField(max_length=64, blank=True)
    title = models.CharField(max_length=300)
    text = models.TextField()
    age_rating = models.CharField(max_length=12, blank=True)
    # Of the source's whole content: the same content is not indexed again.
    digest = models.CharField(max_length=64)
    # Of what a vector is made of (knowledge.embedding). The vector: little-endian float32, of length 1; NULL: it has
    # none yet; empty: its model refused this text. Only vectors of one model are compared.
    text_hash = models.CharField(max_length=32, blank=True, db_index=True)
    vector = models.BinaryField(null=True, blank=True)
    vector_model = models.CharField(max_length=200, blank=True)
    added_in = models.PositiveIntegerField(db_index=True)
    removed_in = models.PositiveIntegerField(null=True, blank=True, db_index=True)

    objects = PassageQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "ref", "place"]
        indexes = [models.Index(fields=["kind", "ref"])]

    def __str__(self) -> str:
        return f"{self.ref} #{self.place}: {self.title}"
