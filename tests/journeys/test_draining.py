"""A web process that ends: idle sockets go at once, the others with their answer."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from chat.draining import drain
from chat.runner import runner
from tests.backends.openai_fake import FakeOpenAI
from tests.journeys.shopper import Socket, token
from tests.journeys.writing_model import writing_model

pytestmark = pytest.mark.usefixtures("shop")


@pytest.fixture
def model(settings: Any) -> Iterator[FakeOpenAI]:
    with writing_model(settings, "Berserk is a dark story.") as fake:
        yield fake


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process of the tests does not end with it."""
    monkeypatch.setattr(runner, "draining", False)


@pytest.mark.usefixtures("ends")
async def test_idle_sockets_are_sent_elsewhere_at_once_and_the_others_with_their_answer(model: FakeOpenAI) -> None:
    model.go.clear()
    async with Socket() as busy, Socket() as idle:
        await busy.hello(token())
        await idle.hello(token(session_id="guest-2"))
        await busy.send(type="user_message", client_msg_id=str(uuid.uuid4()), text="what is Berserk about?")
        assert await asyncio.to_thread(model.reached.wait, 20)
        draining = asyncio.create_task(drain(60))
        assert await idle.closed_with() == (None, 1012)
        assert not draining.done()
        await busy.send(type="user_message", client_msg_id=str(uuid.uuid4()), text="and now?")
        error = await busy.receive_error()
        assert (error["code"], error["retryable"]) == ("restarting", True)
        model.go.set()
        assert (await busy.next("response"))["status"] == "complete"
        assert await busy.closed_with() == (None, 1012)
        await draining
