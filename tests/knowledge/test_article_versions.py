"""An article's older texts, and whether shoppers read it at all."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from knowledge.feed_kinds import LOCALES
from knowledge.models import Article, ArticleVersion
from knowledge.publishing import publish, withdraw
from knowledge.sources import article_contents
from mangaassist.groups import make_groups
from shop.feed import import_feed
from tests.access.colleagues import member

pytestmark = pytest.mark.django_db


@pytest.fixture
def article(db: None) -> Article:
    make_groups()
    return Article.objects.create(
        slug="returns", locale="en", category="returns", question="May I return it?", body="No."
    )


def test_what_is_written_over_is_kept(article: Article) -> None:
    article.body = "Within 30 days."
    article.save()
    article.save()
    version = ArticleVersion.objects.get()
    assert (version.body, version.question) == ("No.", "May I return it?")


def test_by_a_feed_as_well(article: Article) -> None:
    line = b'{"kind":"article","id":"returns","locale":"en","category":"returns","question":"May I return it?","body":"Yes."}'
    for _ in range(2):
        import_feed([line], reject=lambda *bad: pytest.fail(str(bad)))
    article.refresh_from_db()
    assert (article.body, article.written_by, ArticleVersion.objects.get().body) == ("Yes.", "feed", "No.")


def test_an_operator_restores_an_older_text(article: Article) -> None:
    article.body = "Within 30 days."
    article.save()
    client = member("operator")
    address = reverse("admin:knowledge_article_versions", args=[article.pk])
    assert "Within 30 days." in client.get(address).content.decode()
    client.post(address, {"version": ArticleVersion.objects.get().pk})
    article.refresh_from_db()
    assert (article.body, article.written_by) == ("No.", "a-operator")
    assert [each.body for each in article.versions.all()] == ["Within 30 days.", "No."]
    assert "Within 30 days. → No." in LogEntry.objects.get().change_message


@pytest.mark.parametrize(("version", "status"), [("", 302), ("x", 302), ("9" * 30, 302), ("999", 404)])
def test_a_version_that_is_none(article: Article, version: str, status: int) -> None:
    address = reverse("admin:knowledge_article_versions", args=[article.pk])
    assert member("operator").post(address, {"version": version}).status_code == status


def test_who_only_looks_restores_nothing(article: Article) -> None:
    address = reverse("admin:knowledge_article_versions", args=[article.pk])
    client = member("analyst")
    assert client.get(address).status_code == 200
    assert client.post(address, {"version": "1"}).status_code == 403


@pytest.mark.parametrize("locale", LOCALES)
def test_withdrawn_it_is_in_no_answer_and_on_no_page(locale: str, article: Article) -> None:
    Article.objects.filter(pk=article.pk).update(locale=locale)
    ref = f"returns/{locale}"
    assert next(article_contents([ref])).passages
    chosen = Article.objects.all()
    assert [each.pk for each in withdraw(chosen)] == [article.pk]
    assert withdraw(chosen) == []
    assert [content.passages for content in article_contents([ref])] == [()]
    publish(chosen)
    assert next(article_contents([ref])).passages


def test_an_operator_withdraws_many(article: Article) -> None:
    address = reverse("admin:knowledge_article_changelist")
    fields: dict[str, Any] = {"action": "withdraw_selected", "_selected_action": [article.pk]}
    page = member("operator").post(address, fields, follow=True)
    assert "1 article changed." in page.content.decode()
    assert not Article.objects.published().exists()
    assert LogEntry.objects.get().change_message == "is_published: True → False"
