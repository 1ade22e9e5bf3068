"""Sockets that break off, flood, never read or never speak: they cost a bounded little, and nothing is left of them."""

from __future__ import annotations

import asyncio
import socket as sockets
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from channels.testing import WebsocketCommunicator
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chat.admission import admission
from chat.audience import audience
from chat.runner import runner
from mangaassist import server
from mangaassist.asgi import application
from mangaassist.server import Server, configuration
from tests.journeys.shopper import Socket, token

pytestmark = pytest.mark.usefixtures("shop")


async def until(found: Callable[[], bool], what: str) -> None:
    for _ in range(1500):
        if found():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within 30 s: {what}")


def tasks_of_sockets() -> list[str]:
    """Tasks that belong to a socket, and those that live as long as there is one."""
    names = (repr(task.get_coro()) for task in asyncio.all_tasks())
    return [name for name in names if "ChatConsumer" in name or "Doorbell" in name or "Hearing" in name]


async def break_off(how: str) -> None:
    async with Socket() as socket:
        match how:
            case "before hello":
                pass
            case "malformed":
                await socket.hello(token())
                await socket.raw.send_to(text_data="{")
            case "binary":
                await socket.raw.send_to(bytes_data=b"\x00")
            case "wrong token":
                await socket.send(type="hello", v=1, token="wrong")
            case "twice":
                await socket.hello(token())
                await socket.send(type="hello", v=1, token=token())
                await socket.receive_error()
            case "in a turn":
                await socket.hello(token())
                await socket.send(type="user_message", client_msg_id=str(uuid.uuid4()), text="hello")
                await socket.next("accepted")


WAYS = ("before hello", "malformed", "binary", "wrong token", "twice", "in a turn")


async def test_nothing_is_left_of_sockets_that_broke_off() -> None:
    for _ in range(3):
        await asyncio.gather(*(break_off(how) for how in WAYS))
    await until(lambda: not tasks_of_sockets(), f"no task left: {tasks_of_sockets()}")
    assert (admission.open(), audience.listeners()) == (0, 0)
    await until(lambda: not runner._running, "the turns have ended all the same")


async def test_a_server_that_fails_in_sending_leaves_nothing_either() -> None:
    """As when the peer is gone: the server raises out of ``send``."""

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        raise OSError("gone")

    scope = {"type": "websocket", "path": "/ws/chat/", "headers": [], "query_string": b"", "subprotocols": []}
    with pytest.raises(OSError, match="gone"):
        await application(scope, receive, send)  # type: ignore[arg-type]
    assert (admission.open(), audience.listeners()) == (0, 0)


@asynccontextmanager
async def socket_from(address: str, **headers: str) -> AsyncIterator[Socket]:
    socket = Socket()
    known = [(b"host", b"testserver"), *((name.encode(), value.encode()) for name, value in headers.items())]
    socket.raw = WebsocketCommunicator(application, "/ws/chat/", headers=known)
    socket.raw.scope["client"] = (address, 4711)
    async with socket:
        yield socket


async def test_one_address_has_its_share_of_sockets_whatever_it_writes_into_its_headers(settings: Any) -> None:
    settings.SOCKETS_PER_ADDRESS = 2
    async with socket_from("203.0.113.7") as one, socket_from("203.0.113.7"):
        await one.hello(token())
        async with socket_from("203.0.113.7", **{"x-forwarded-for": "198.51.100.1"}) as third:
            error, code = await third.closed_with()
            assert error is not None
            assert (error["code"], code) == ("rate", 4429)
        async with socket_from("203.0.113.8") as another:
            await another.hello(token(session_id="guest-2"))
        assert (await one.answer("hello"))["status"] == "complete"
    async with socket_from("203.0.113.7") as again:
        await again.hello(token())


async def test_one_address_has_its_share_of_questions_in_however_many_conversations(settings: Any) -> None:
    settings.ADDRESS_QUESTIONS_PER_S = 0.1  # and a burst of two
    codes = []
    for number in range(3):
        async with socket_from("203.0.113.7") as socket:
            await socket.hello(token(session_id=f"guest-{number}"))
            last = (await socket.ask("hello"))[-1]
            codes.append(last.get("code", last["type"]))
    assert codes == ["response", "response", "rate"]
    assert last["retryable"]
    assert last["retry_after_ms"] > 1000


async def test_one_conversation_has_its_share_of_questions_in_however_many_sockets(settings: Any) -> None:
    settings.SOCKET_QUESTIONS_PER_S = 0.1
    async with Socket() as one, Socket() as two, Socket() as three:
        conversation_id = (await one.hello(token()))["conversation_id"]
        codes = []
        for socket in (one, two, three):
            if socket is not one:
                await socket.hello(token(conversation_id=conversation_id))
            sent = str(uuid.uuid4())
            await socket.send(type="user_message", client_msg_id=sent, text="hello")
            while (frame := await socket.receive()).get("client_msg_id") != sent:
                pass
            codes.append(frame.get("code", frame["type"]))
        assert codes == ["accepted", "accepted", "rate"]


async def test_one_address_opens_only_so_many_conversations(settings: Any) -> None:
    settings.ADDRESS_HELLOS_PER_S = 0.1
    for number in range(2):
        async with socket_from("203.0.113.7") as socket:
            await socket.hello(token(session_id=f"guest-{number}"))
    async with socket_from("203.0.113.7") as socket:
        await socket.send(type="hello", v=1, token=token(session_id="guest-3"))
        assert (await socket.closed_with())[1] == 4429


# --- Over a real connection -----------------------------------------------------------------------------------


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Server, int]]:
    with sockets.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        running = Server(configuration("127.0.0.1", 0))
        serve = asyncio.create_task(running.serve([listening]))
        await until(lambda: running.started, "the server listens")
        try:
            yield running, listening.getsockname()[1]
        finally:
            running.should_exit = True
            await asyncio.wait_for(serve, 30)
            runner.draining = False


async def hello(client: ClientConnection) -> str:
    await client.send(orjson.dumps({"type": "hello", "v": 1, "token": token(), "caps": ["stream"]}).decode())
    return str(orjson.loads(await client.recv())["conversation_id"])


async def test_a_thousand_frames_a_second_are_closed_with_4429_and_others_are_served() -> None:
    async with serving() as (_, port), connect(f"ws://127.0.0.1:{port}/ws/chat/") as flooding, Socket() as honest:
        await honest.hello(token(session_id="honest"))
        await hello(flooding)
        with pytest.raises(ConnectionClosed) as closed:
            for number in range(20_000):
                await flooding.send(f'{{"type": "ping", "t": {number}}}')
                if number % 50 == 0:
                    await asyncio.sleep(0.05)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4429
        assert (await honest.answer("hello"))["status"] == "complete"


async def test_strangers_who_never_say_hello_do_not_keep_others_out(settings: Any) -> None:
    """The first ones go for the later ones, the last ones when their time is over; ``bench.sockets`` does so with 5,000."""
    settings.SOCKETS_WITHOUT_HELLO = 50

    async def code_of(stranger: ClientConnection) -> int | None:
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await stranger.recv()
        return closed.value.rcvd.code if closed.value.rcvd else None

    async with serving() as (running, port):
        url = f"ws://127.0.0.1:{port}/ws/chat/"
        strangers = [await connect(url) for _ in range(300)]
        async with connect(url) as honest:
            assert await hello(honest)
            assert {await code_of(stranger) for stranger in strangers} == {4408}
            await until(lambda: admission.open() == 1, f"{admission.open()} are open")
        await until(lambda: not running.server_state.connections, "all are gone")


async def test_who_never_reads_is_cut_off_and_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mangaassist.sockets.SEND_TIMEOUT_S", 0.5)
    monkeypatch.setattr("mangaassist.sockets.LAST_WORD_S", 0.2)
    monkeypatch.setattr(server, "LINGER_S", 0.2)
    async with serving() as (running, port):
        deaf = sockets.socket()
        deaf.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        deaf.setblocking(False)
        await asyncio.get_running_loop().sock_connect(deaf, ("127.0.0.1", port))
        async with connect(f"ws://127.0.0.1:{port}/ws/chat/", sock=deaf, max_queue=1) as client:
            conversation_id = await hello(client)
            client.transport.pause_reading()
            for _ in range(6_000):
                audience.tell(
                    conversation_id, {"type": "message", "message_id": str(uuid.uuid4()), "content": "x" * 4000}
                )
                await asyncio.sleep(0)
                if not audience.of(conversation_id):
                    break
            await until(lambda: not audience.of(conversation_id), "it is let go")
            await until(lambda: not running.server_state.connections, "its connection is cut off")
            client.transport.abort()
    assert (admission.open(), audience.listeners()) == (0, 0)
