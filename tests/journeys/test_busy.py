"""More questions than a process can answer: some wait, the rest are refused before they are stored and come back."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from channels.testing import HttpCommunicator

from chat.models import Message
from chat.runner import runner
from mangaassist.asgi import application
from mangaassist.dbthreads import in_database
from partners.models import SCOPES, create_api_key
from tests.backends.openai_fake import FakeOpenAI
from tests.journeys.shopper import PATIENCE_S, Frame, Socket, token
from tests.journeys.test_form import Browser, field
from tests.journeys.writing_model import writing_model

pytestmark = pytest.mark.usefixtures("shop")


@pytest.fixture
def model(settings: Any) -> Iterator[FakeOpenAI]:
    """It says nothing until it may."""
    with writing_model(settings, "Berserk is a dark story.") as fake:
        settings.TURNS_AT_ONCE = 1
        settings.TURNS_WAITING = 1
        fake.go.clear()
        yield fake
        fake.go.set()


@asynccontextmanager
async def shopper(name: str) -> AsyncIterator[Socket]:
    async with Socket() as socket:
        await socket.hello(token(session_id=name))
        yield socket


async def begin(socket: Socket, text: str = "what is Berserk about?", client_msg_id: str = "") -> Frame:
    """The first frame that concerns the question: ``accepted`` or ``error``."""
    client_msg_id = client_msg_id or str(uuid.uuid4())
    await socket.send(type="user_message", client_msg_id=client_msg_id, text=text)
    while (frame := await socket.receive()).get("client_msg_id") != client_msg_id:
        pass
    return frame


@asynccontextmanager
async def full(model: FakeOpenAI) -> AsyncIterator[tuple[Socket, Socket]]:
    """One is being answered, the next one waits."""
    async with shopper("guest-1") as at_work, shopper("guest-2") as waits:
        assert (await begin(at_work))["type"] == "accepted"
        assert await asyncio.to_thread(model.reached.wait, 20)
        assert (await begin(waits))["type"] == "accepted"
        # Who waits knows that it was heard.
        assert (await waits.next("typing_indicator"))["seq"] == 1
        assert (runner.room.at_work, runner.room.waiting) == (1, 1)
        yield at_work, waits
    # A turn goes on without its socket: whoever asks next finds room when it has ended.
    if model.go.is_set():
        for _ in range(400):
            if not runner.room.at_work + runner.room.waiting:
                break
            await asyncio.sleep(0.05)


async def questions() -> int:
    return await Message.objects.filter(role=Message.Role.USER).acount()


async def test_who_finds_no_room_is_told_when_to_come_back_and_everybody_accepted_is_answered(
    model: FakeOpenAI,
) -> None:
    async with full(model) as (at_work, waits), shopper("guest-3") as refused:
        sent = str(uuid.uuid4())
        error = await begin(refused, client_msg_id=sent)
        assert (error["type"], error["code"], error["retryable"]) == ("error", "busy", True)
        assert error["retry_after_ms"] >= 1000
        assert await questions() == 2
        # The socket lives, and so does everything that is no question.
        await refused.send(type="ping", t=1)
        await refused.next("pong")
        model.go.set()
        for socket in (at_work, waits):
            assert (await socket.next("response"))["status"] == "complete"
        accepted = await begin(refused, client_msg_id=sent)
        assert (accepted["type"], accepted["duplicate"]) == ("accepted", False)
        assert (await refused.next("response"))["status"] == "complete"
    assert (runner.room.at_work, runner.room.waiting) == (0, 0)


async def test_who_is_refused_hears_it_in_their_language(model: FakeOpenAI) -> None:
    async with full(model), Socket() as refused:
        await refused.hello(token(session_id="guest-3", locale="ja"))
        assert (await begin(refused))["message"].startswith("ただいま混み合っています")


async def test_a_turn_that_is_stopped_while_it_waits_leaves_its_place(model: FakeOpenAI) -> None:
    async with full(model) as (_, waits), shopper("guest-3") as another:
        turn_id = (await Message.objects.filter(role="user").alatest("pk")).turn_id
        await waits.send(type="stop", turn_id=str(turn_id))
        assert (await waits.next("response"))["status"] == "stopped"
        assert (await begin(another))["type"] == "accepted"
        model.go.set()
        assert (await another.next("response"))["status"] == "complete"


async def test_whoever_asks_much_at_once_keeps_nobody_out(model: FakeOpenAI) -> None:
    async with shopper("guest-1") as eager, shopper("guest-2") as another:
        for _ in range(5):
            assert (await begin(eager))["type"] == "accepted"
        assert await asyncio.to_thread(model.reached.wait, 20)
        assert (await begin(another))["type"] == "accepted"
        model.go.set()
        assert (await another.next("response"))["status"] == "complete"
        for _ in range(5):
            assert (await eager.next("response"))["status"] == "complete"


async def test_the_form_keeps_the_text_and_says_that_it_is_busy(model: FakeOpenAI) -> None:
    browser = Browser()
    _, page = await browser.load("GET", "/chat/")
    form = {name: field(page, name) for name in ("csrfmiddlewaretoken", "client_msg_id")} | {"text": "any deals?"}
    async with full(model):
        status, page = await browser.load("POST", "/chat/plain/", form)
        assert (status, await questions()) == (429, 2)
        assert "A lot is being asked at the moment" in page
        assert "any deals?" in page
        model.go.set()
        await asyncio.sleep(0)
    assert (await browser.load("POST", "/chat/plain/", form))[0] == 302


async def test_a_partner_is_told_when_to_come_back_and_its_key_stays_free(model: FakeOpenAI) -> None:
    _, secret = await in_database(create_api_key, "A shop", list(SCOPES))

    async def post(path: str, body: dict[str, Any], key: str) -> tuple[int, dict[bytes, bytes], dict[str, Any]]:
        headers = [
            (b"host", b"testserver"), (b"authorization", f"Bearer {secret}".encode()),
            (b"content-type", b"application/json"), (b"idempotency-key", key.encode()),
        ]  # fmt: skip
        request = HttpCommunicator(application, "POST", f"/api/v1{path}", orjson.dumps(body), headers)
        response = await request.get_response(timeout=PATIENCE_S)
        return response["status"], dict(response["headers"]), orjson.loads(response["body"])

    _, _, opened = await post("/conversations", {}, str(uuid.uuid4()))
    path = f"/conversations/{opened['conversation_id']}/messages"
    key = str(uuid.uuid4())
    async with full(model):
        status, headers, problem = await post(path, {"text": "any deals?"}, key)
        assert (status, await questions()) == (429, 2)
        assert int(headers[b"Retry-After"]) >= 1
        assert problem["type"].endswith("#problem-too-many")
        model.go.set()
    status, _, told = await post(path, {"text": "any deals?"}, key)
    assert (status, told["status"]) == (200, "complete")


async def test_a_process_with_as_many_sockets_as_it_may_have_sends_others_elsewhere(settings: Any) -> None:
    settings.SOCKETS_PER_PROCESS = 1
    async with shopper("guest-1") as one:
        async with Socket() as other:
            assert await other.closed_with() == (None, 1013)
        assert (await one.answer("hello"))["status"] == "complete"
    async with shopper("guest-2") as again:
        assert (await again.answer("hello"))["status"] == "complete"
