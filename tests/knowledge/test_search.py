"""Help answers: the right article, and never one from before a version of the index that is in force."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction

from caching.behind import behind
from knowledge import search
from knowledge.models import Article, IndexPointer, IndexVersion
from knowledge.search import asearch_passages, search_passages, search_products
from shop.models import Edition
from tests.knowledge.indexing import follow_changes
from tests.shop.catalogue import import_lines, lay_small_catalogue

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Can I return a book?"


@pytest.fixture(autouse=True)
def articles() -> None:
    Article.objects.bulk_create(
        [
            Article(slug="returns", locale="en", question=QUESTION, body="Within 30 days."),
            Article(slug="shipping", locale="en", question="How long does shipping take?", body="Three days."),
            Article(slug="returns", locale="ja", question="本を返品できますか", body="30日以内です。"),
        ]
    )
    follow_changes()


@pytest.fixture(autouse=True)
def no_worker(settings: Any) -> None:
    settings.OUTBOX_WAKE = False


def answer(question: str = QUESTION, locale: str = "en") -> str:
    """As the turn gets it: through the cache."""

    async def ask() -> str:
        found = (await asearch_passages(question, locale)).found
        await behind.afinish()
        return found[0].text if found else ""

    return async_to_sync(ask)()


@pytest.mark.parametrize(
    ("question", "locale", "text"),
    [
        ("can i RETURN a book???", "en", "Within 30 days."),
        ("when does shipping arrive", "en", "Three days."),
        ("返品したいです", "ja", "30日以内です。"),
        ("Where is the moon?", "en", ""),
    ],
)
def test_the_article_that_answers(question: str, locale: str, text: str) -> None:
    assert answer(question, locale) == text


def _save() -> None:
    article = Article.objects.get(slug="returns", locale="en")
    article.body = "Within 60 days."
    article.save()


def _save_one_field() -> None:
    article = Article.objects.get(slug="returns", locale="en")
    article.body = "Within 60 days."
    article.save(update_fields=["body"])


def _bulk_update() -> None:
    article = Article.objects.get(slug="returns", locale="en")
    article.body = "Within 60 days."
    Article.objects.bulk_update([article], ["body"])


def _replace() -> None:
    Article.objects.get(slug="returns", locale="en").delete()
    Article.objects.create(slug="returns-new", locale="en", question=QUESTION, body="Within 60 days.")


def _replace_all() -> None:
    Article.objects.filter(slug="returns").delete()
    Article.objects.create(slug="returns", locale="en", question=QUESTION, body="Within 60 days.")


def _upsert() -> None:
    Article.objects.bulk_create(
        [Article(slug="returns", locale="en", question=QUESTION, body="Within 60 days.")],
        update_conflicts=True,
        unique_fields=["slug", "locale"],
        update_fields=["body"],
    )


def _import() -> None:
    line = {"kind": "article", "id": "returns", "locale": "en", "category": "orders"}
    assert import_lines([line | {"question": QUESTION, "body": "Within 60 days."}])[1] == []


WAYS: dict[str, Callable[[], object]] = {
    "save": _save,
    "save of one field": _save_one_field,
    "update": lambda: Article.objects.filter(slug="returns").update(body="Within 60 days."),
    "bulk_update": _bulk_update,
    "bulk_create with update_conflicts": _upsert,
    "delete and create": _replace,
    "delete of rows": _replace_all,
    "import": _import,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_change_in_whatever_way_it_was_made_is_answered_from_as_soon_as_its_version_is_in_force(way: str) -> None:
    assert answer() == "Within 30 days."
    WAYS[way]()
    # Nobody waits for the index: the one in force answers, and what it answers is kept no longer than it is in force.
    assert answer() == "Within 30 days."
    follow_changes()
    assert answer() == "Within 60 days."


def test_a_translation_that_becomes_another_language_is_missed_in_the_old_one() -> None:
    assert answer("返品", "ja") == "30日以内です。"
    Article.objects.filter(slug="returns", locale="ja").update(locale="en", slug="returns-ja")
    follow_changes()
    assert answer("返品", "ja") == ""
    assert answer("返品", "en") == "30日以内です。"


def test_an_answer_found_before_a_change_is_not_kept_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader holds the old index in its hands while the article changes and is announced."""
    found, changed = threading.Event(), threading.Event()

    look_up = search._look_up

    def find_slowly(query: str, locale: str) -> search._ByWords:
        words = look_up(query, locale)
        found.set()
        assert changed.wait(10)
        return words

    monkeypatch.setattr(search, "_look_up", find_slowly)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(answer)
        assert found.wait(10)
        _save()
        follow_changes()
        changed.set()
        assert late.result(10) == "Within 30 days."
    monkeypatch.undo()
    assert answer() == "Within 60 days."


def test_a_change_that_is_rolled_back_asks_for_nothing() -> None:
    with transaction.atomic():
        _save()
        transaction.set_rollback(True)
    follow_changes()
    assert search_passages(QUESTION, "en")[0].text == "Within 30 days."


def test_the_first_articles_are_answered_from_when_their_import_ends() -> None:
    Article.objects.all().delete()
    follow_changes()
    IndexVersion.objects.all().delete()
    IndexPointer.objects.all().delete()
    assert answer() == ""
    _import()
    assert answer() == "Within 60 days."


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("does it come with a poster?", "With a double-sided poster."),
        ("is the paper thick", ""),
    ],
)
def test_what_a_publisher_says_is_searched_for_the_products_in_question_only(question: str, text: str) -> None:
    lay_small_catalogue()
    box = Edition.objects.get(pk="BERSERK-EN-1")
    box.description = "With a double-sided poster."
    box.save()
    follow_changes()
    assert [passage.text for passage in search_products(question, [box.pk])] == ([text] if text else [])
    assert search_products(question, ["FRIEREN-EN-1"]) == []
    assert search_passages("does it come with a double-sided poster?", "en") == []
