"""Answers from the help: quoted, cited, found by what they mean, and honest where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from chat.models import Turn
from knowledge import meaning
from knowledge.index import serving_version
from knowledge.models import Article
from knowledge.reindexing import reindex_everything
from partners.models import SCOPES, create_api_key
from tests.backends.embedding_fake import FakeModels, fake_models
from tests.journeys.shopper import Socket, token
from tests.knowledge.indexing import follow_changes
from tests.knowledge.test_reindexing import lay
from tests.partners.conftest import Partner
from tests.shop.catalogue import load_small_catalogue

pytestmark = pytest.mark.django_db(transaction=True)

RETURNS = {
    "en": ("How do I return a book?", "How do I return a book?", "article:returns/en"),
    "ja": ("返品はできますか？", "返品はできますか？", "article:returns/ja"),
}


@pytest.fixture(autouse=True)
def help_pages(settings: Any, tmp_path: Path) -> None:
    settings.OUTBOX_WAKE = False
    settings.KNOWLEDGE_SOURCES = {
        "default": {"BACKEND": "knowledge.backends.folder.FolderSource", "OPTIONS": {"path": str(tmp_path)}}
    }
    lay(tmp_path, "repairs/spines.md", b"# Book repairs\n\nWe mend a broken spine for free.")
    load_small_catalogue()
    reindex_everything(lambda done, of: None)
    follow_changes()


@pytest.fixture
def models(settings: Any) -> Iterator[FakeModels]:
    meaning.vectors._kept.clear()
    with fake_models() as fake:
        settings.TURN_LIMITS_S = settings.TURN_LIMITS_S | {"passages": 20.0}
        options = {"base_url": f"{fake.url}/v1", "model": "bge-m3", "floor": 0.5, "answer_within_s": 10.0}
        settings.EMBEDDERS = {
            "default": {"BACKEND": "knowledge.backends.openai_embedder.OpenAIEmbedder", "OPTIONS": options}
        }
        reindex_everything(lambda done, of: None)
        follow_changes()
        yield fake


async def notes_of(frame: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What the turn's trace notes, by name."""
    turn = await Turn.objects.aget(pk=frame["turn_id"])
    return {note["note"]: note for note in turn.trace["notes"]}


@pytest.mark.parametrize("language", RETURNS)
async def test_what_is_quoted_is_cited_on_the_socket_in_history_over_rest_and_in_the_trace(language: str) -> None:
    question, title, source = RETURNS[language]
    version = str(await sync_to_async(serving_version)())
    cited = [{"title": title, "url": "/help/returns/", "source": source, "version": version}]
    body = (await Article.objects.aget(slug="returns", locale=language)).body
    async with Socket() as socket:
        ready = await socket.hello(token())
        answer = await socket.answer(question)
    assert body in answer["content"]
    assert answer["citations"] == cited
    async with Socket() as socket:
        again = await socket.hello(token(conversation_id=ready["conversation_id"]))
    assert again["messages"][-1]["citations"] == cited

    _, secret = await sync_to_async(create_api_key)("A shop", list(SCOPES))
    partner = Partner(secret)
    opened = (await partner.post("/conversations", {"locale": language})).json()
    told = (await partner.post(f"/conversations/{opened['conversation_id']}/messages", {"text": question})).json()
    assert told["citations"] == cited
    listed = (await partner.get(f"/conversations/{opened['conversation_id']}/messages")).json()
    assert listed["messages"][-1]["citations"] == cited

    for frame in (answer, told):
        note = (await notes_of(frame))["passage_found"]
        assert (note["source"], str(note["version"])) == (source, version)


async def test_a_document_has_no_page_and_is_cited_by_its_key() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        answer = await socket.answer("What is your repair policy for a broken spine?")
    assert "We mend a broken spine for free." in answer["content"]
    (cited,) = answer["citations"]
    assert (cited["title"], cited["url"], cited["source"]) == (
        "Book repairs",
        "",
        "document:repairs/spines.md",
    )


async def test_help_is_found_by_what_a_question_means(models: FakeModels) -> None:
    async with Socket() as socket:
        await socket.hello(token())
        answer = await socket.answer("What is your policy on getting a refund?")
    assert answer["citations"][0]["source"] == "article:returns/en"
    assert "found_by_words_alone" not in await notes_of(answer)


async def test_a_model_that_fails_costs_its_part_only_and_the_trace_says_so(models: FakeModels) -> None:
    models.refusals = [(500, "x")] * 99
    async with Socket() as socket:
        await socket.hello(token())
        answer = await socket.answer("How do I return a book?")
    assert answer["citations"][0]["source"] == "article:returns/en"
    assert (await notes_of(answer))["found_by_words_alone"]["why"] == "failed"


async def test_what_nothing_answers_is_said_and_noted_with_what_came_nearest(models: FakeModels) -> None:
    async with Socket() as socket:
        await socket.hello(token())
        answer = await socket.answer("Do you accept cryptocurrency payments?")
    assert answer["citations"] == []
    note = (await notes_of(answer))["not_found"]
    assert note["kind"] == "help"
    assert note["nearest"]["by"] == "meaning"
    assert note["nearest"]["score"] < 0.5
