"""The web server's end: running turns finish first, then the sockets close with 1012."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chat.runner import runner
from mangaassist.server import Server, configuration


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


async def quiet_application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def test_sockets_stay_open_until_the_turns_are_done(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = asyncio.Event()

    async def drain(timeout_s: float) -> None:
        await asyncio.wait_for(finish.wait(), timeout_s)

    monkeypatch.setattr(runner, "drain", drain)
    config = configuration("127.0.0.1", 0)
    config.app = quiet_application
    server = Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    async with connect(f"ws://127.0.0.1:{listener.getsockname()[1]}/") as client:
        server.should_exit = True
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.recv(), 0.5)
        finish.set()
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(client.recv(), 5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    await asyncio.wait_for(serving, 5)


def test_no_deflate_and_a_limit_above_the_protocols_own() -> None:
    config = configuration("127.0.0.1", 8000)
    assert config.ws_per_message_deflate is False
    assert config.ws_max_size > 64 * 1024
    assert (config.ws_ping_interval, config.ws_ping_timeout) == (20, 20)
