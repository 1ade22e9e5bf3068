"""A Redis behind a proxy on loopback that is silent, slow, hangs up, cuts its replies short or talks nonsense."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, get_args

from tests.mangaassist.running import free_port

Mood = Literal["silent", "slow", "refusing", "cutting", "nonsense"]
MOODS: tuple[Mood, ...] = get_args(Mood)
DELAY_S = 0.3
PIECE = 65_536


class HostileRedis:
    """``mood`` holds for every connection, those that are open as well; None: it is as good as the one behind it."""

    def __init__(self, behind: Path) -> None:
        self.port = free_port()
        self._behind = behind
        self._mood: Mood | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def be(self, mood: Mood | None) -> None:
        async def change() -> None:
            self._mood = mood
            if mood == "refusing":
                for writer in list(self._open):
                    _reset(writer)

        asyncio.run_coroutine_threadsafe(change(), self._loop).result(10)

    def start(self) -> None:
        self._thread.start()
        begin = asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self._server = asyncio.run_coroutine_threadsafe(begin, self._loop).result(10)

    def stop(self) -> None:
        async def end() -> None:
            self._server.close()
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mood == "refusing":
            _reset(writer)
            return
        self._open.add(writer)
        try:
            replies, questions = await asyncio.open_unix_connection(self._behind)
            try:
                both = [
                    asyncio.create_task(self._ask(reader, questions)),
                    asyncio.create_task(self._tell(replies, writer)),
                ]
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                for each in both:
                    each.cancel()
            finally:
                questions.close()
        except OSError:
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _ask(self, reader: asyncio.StreamReader, questions: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE):
                questions.write(piece)
                await questions.drain()

    async def _tell(self, replies: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await replies.read(PIECE):
                match self._mood:
                    case "silent":
                        # What was asked is done, and nobody is told.
                        continue
                    case "slow":
                        await asyncio.sleep(DELAY_S)
                    case "cutting":
                        writer.write(piece[: len(piece) // 2])
                        await writer.drain()
                        return
                    case "nonsense":
                        piece = b"HTTP/1.1 400 Bad Request\r\n\r\n"
                    case _:
                        pass
                writer.write(piece)
                await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of a farewell."""
    connection = writer.get_extra_info("socket")
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextmanager
def hostile_redis(behind: Path) -> Iterator[HostileRedis]:
    """Before a Redis that listens at this Unix socket, now or later."""
    proxy = HostileRedis(behind)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
