"""A new version is read behind: no question waits for it, and none is answered from the old one for long."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from knowledge import help_index as helping
from knowledge.help_index import help_index, read_help
from knowledge.index import serving_version
from knowledge.models import Article, Passage
from knowledge.search import asearch_passages
from knowledge.watching import help_watch
from mangaassist.outbox.consumers import consume
from mangaassist.outbox.relay import drain
from tests.mangaassist.running import until

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Do you wrap gifts?"


@pytest.fixture(autouse=True)
def no_worker(settings: Any) -> None:
    settings.OUTBOX_WAKE = False


def say(body: str) -> None:
    """A new version, built as in another process: this one is not told."""
    Article.objects.filter(slug="gifts").delete()
    Article.objects.create(slug="gifts", locale="en", question=QUESTION, body=body)
    drain("reindex")
    while consume("reindex"):
        pass


def held() -> int:
    """The version that this process has in its memory."""
    picture = help_index("en")._held
    return picture[1].version if picture else 0


async def answers() -> list[str]:
    return [passage.text for passage in (await asearch_passages(QUESTION, "en")).found]


def is_read() -> None:
    until(lambda: held() == serving_version(), "the new version is read")


async def test_a_version_is_read_when_its_bell_rings_without_any_question() -> None:
    await sync_to_async(say)("Yes.")
    await sync_to_async(read_help)()
    watch = help_watch()
    watch.begin()
    try:
        await sync_to_async(say)("For free.")
        await sync_to_async(is_read)()
    finally:
        watch.end()
    assert await answers() == ["For free."]


async def test_a_question_that_comes_meanwhile_gets_the_answer_of_before_which_is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await sync_to_async(say)("Yes.")
    await sync_to_async(read_help)()
    before = await asearch_passages(QUESTION, "en")
    assert before.found[0].version == await sync_to_async(serving_version)()
    go, count_words = threading.Event(), helping.count_words

    def count_slowly(row: Passage) -> helping.Counted:
        assert go.wait(40)
        return count_words(row)

    monkeypatch.setattr(helping, "count_words", count_slowly)
    await sync_to_async(say)("For free.")
    assert (await asearch_passages(QUESTION, "en")).found == before.found
    go.set()
    await sync_to_async(is_read)()
    assert await answers() == ["For free."]


async def test_only_what_is_new_is_read_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    await sync_to_async(Article.objects.create)(slug="ink", locale="en", question="Is the ink safe?", body="Yes.")
    await sync_to_async(say)("Yes.")
    await sync_to_async(read_help)()
    counted: list[str] = []
    count_words = helping.count_words

    def count(row: Passage) -> helping.Counted:
        counted.append(row.ref)
        return count_words(row)

    monkeypatch.setattr(helping, "count_words", count)
    await sync_to_async(say)("For free.")
    await sync_to_async(read_help)()
    assert counted == ["gifts/en"]


async def test_a_watch_that_ended_listens_no_more_and_can_begin_again() -> None:
    watch = help_watch()
    watch.begin()
    watch.begin()
    watch.end()
    watch.end()
    watch.begin()
    watch.end()
