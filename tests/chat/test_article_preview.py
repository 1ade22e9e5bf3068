"""What a shopper would read of an article, before it is published."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from chat.assistant import AssistantSettings, count_spend
from chat.models import Conversation, Message, Turn
from knowledge.models import Article
from mangaassist.access.audit import record
from mangaassist.access.models import AuditEntry
from mangaassist.outbox.models import OutboxMessage
from tests.chat.unhurried import open_unhurried_shop

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Can I have a book wrapped as a gift?"
ANSWER = "We wrap any book in washi paper, at no cost. Say so in the cart."


@pytest.fixture(autouse=True)
def shop(transactional_db: None, settings: Any) -> None:
    open_unhurried_shop(settings)


def staff(*permissions: str) -> Client:
    user = User.objects.create(username="staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def draft(**changes: Any) -> Article:
    values = {"slug": "gifts", "locale": "en", "category": "gifts", "question": QUESTION, "body": ANSWER}
    return Article.objects.create(**values | {"is_published": False} | changes)


def ask(client: Client, article: Article, question: str) -> Any:
    return client.post(reverse("admin:article_preview", args=[article.pk]), {"question": question})


def test_a_draft_is_answered_from_as_if_it_were_published() -> None:
    article = draft()
    client = staff("view_article", "change_article")
    page = client.get(reverse("admin:article_preview", args=[article.pk]))
    assert page.context["form"]["question"].value() == QUESTION
    page = ask(client, article, QUESTION)
    assert page.context["is_quoted"]
    assert ANSWER in page.context["answer"].content
    assert "Answered from this article." in page.content.decode()


def test_what_is_saved_counts_and_not_what_the_index_has() -> None:
    published = draft(is_published=True)
    Article.objects.filter(pk=published.pk).update(body="In furoshiki cloth, for three dollars a book.")
    published.refresh_from_db()
    answer = ask(staff("view_article", "change_article"), published, QUESTION).context["answer"]
    assert "furoshiki" in answer.content
    assert "washi" not in answer.content


def test_a_question_that_leads_elsewhere_says_so() -> None:
    page = ask(staff("view_article", "change_article"), draft(), "who wrote Berserk?")
    assert not page.context["is_quoted"]
    assert "Not answered from this article" in page.content.decode()


def test_in_japanese() -> None:
    article = draft(locale="ja", question="プレゼント用に包んでもらえますか", body="和紙で無料でお包みします。")
    answer = ask(staff("view_article", "change_article"), article, article.question).context["answer"]
    assert "和紙で無料でお包みします。" in answer.content


def test_nothing_is_stored_or_sent() -> None:
    article = draft()
    sent = OutboxMessage.objects.count()
    ask(staff("view_article", "change_article"), article, QUESTION)
    assert not Conversation.objects.exists()
    assert not Turn.objects.exists()
    assert not Message.objects.exists()
    assert OutboxMessage.objects.count() == sent


def test_one_person_tries_and_replays_so_many_in_an_hour() -> None:
    article, client = draft(), staff("view_article", "change_article")
    for number in range(59):
        record("changed", actor="staff", detail=("replayed", "previewed")[number % 2])
    assert ask(client, article, QUESTION).context["answer"] is not None
    assert AuditEntry.objects.latest("pk").detail == "previewed"
    refused = ask(client, article, QUESTION)
    assert (refused.status_code, refused.context["answer"]) == (429, None)
    assert "had 60 answers rehearsed within an hour" in refused.content.decode()
    assert refused.context["form"]["question"].value() == QUESTION
    assert AuditEntry.objects.filter(detail="previewed").count() == 30


def test_a_spent_budget_refuses_a_models_answer(settings: Any) -> None:
    AssistantSettings.objects.update_or_create(pk=AssistantSettings.THE_ROW, defaults={"budget_per_day": 1})
    count_spend(cost=1.5, read=1, written=1)
    settings.GENERATORS = {
        "default": {
            "BACKEND": "chat.backends.openai.OpenAIGenerator",
            "OPTIONS": {"base_url": "http://127.0.0.1:9/v1", "model": "m"},
        }
    }
    refused = ask(staff("view_article", "change_article"), draft(), QUESTION)
    assert refused.status_code == 429
    assert "budget for models is spent" in refused.content.decode()
    assert not AuditEntry.objects.filter(detail="previewed").exists()


@pytest.mark.parametrize("question", ["", " ", "x" * 501, "a\x00b"])
def test_what_is_no_question_is_told(question: str) -> None:
    page = ask(staff("view_article", "change_article"), draft(), question)
    assert page.context["answer"] is None
    assert page.context["form"].errors


def test_who_may_not_write_articles_may_not_try_them() -> None:
    article = draft()
    address = reverse("admin:article_preview", args=[article.pk])
    assert staff("view_article").get(address).status_code == 403
    assert Client().get(address).status_code == 302


def test_an_article_that_is_not_there() -> None:
    nowhere = reverse("admin:article_preview", args=[404])
    assert staff("view_article", "change_article").get(nowhere).status_code == 404
