"""A WebSocket of JSON frames: reading goes on while an answer is sent, a refusal is told before the close, a peer that
takes nothing is cut off, and clean-up runs in ``finally``, for Channels skips ``disconnect`` after an exception.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import orjson
import structlog
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from mangaassist.instruments import sockets_closed
from mangaassist.limits import TokenBucket

log = structlog.get_logger(__name__)

Frame = dict[str, Any]
SEND_TIMEOUT_S = 15.0
# So long a peer may take for the word that this is the end.
LAST_WORD_S = 2.0
# What a page that stands still may have waiting; then it is let go, and reads everything anew.
MOST_WAITING = 200


class FrameSocket(AsyncWebsocketConsumer):
    """One page. What it is told is queued (:meth:`tell`) and sent in order by :meth:`write`; work beside reading
    (:meth:`in_background`) ends with the socket. It opens and lives without a channel layer.

    A consumer writes ``connect`` and ``receive`` and may override what differs. ``waiting`` may be another queue, where
    somebody else fills it: None at its end lets the page go. ``frames`` is how often one may send.
    """

    channel_layer_alias = None  # type: ignore[assignment]  # Channels' stubs know no consumer without a layer.

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.closing = False
        self.waiting: asyncio.Queue[Frame | None] = asyncio.Queue()
        self.frames = TokenBucket(rate=settings.SOCKET_FRAMES_PER_S, burst=settings.SOCKET_FRAMES_PER_S * 4)
        self._cut_off = False
        self._reading: asyncio.Task[Any] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # --- What differs

    def enter(self) -> None:
        """Before the first message is read. ``scope`` is known."""

    def leave(self) -> None:
        """The socket is over, whatever ended it."""

    def refusal(self, code: str, message: str, close: int) -> Frame:
        """The frame that says why the socket is closed."""
        return {"type": "refused", "code": code, "message": message, "client_id": None}

    def knows(self, frame: Frame) -> bool:
        """Whether the page is sent such a frame."""
        return True

    def let_go_code(self) -> int:
        """The code of the close behind the last that is told."""
        return 1013

    # --- The same for all

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Without Channels' task and hop to a thread for each message: our database work has threads of its own."""
        self.scope, self.base_send = scope, send
        self._reading = asyncio.current_task()
        try:
            self.enter()
            await self._read(receive)
        except asyncio.CancelledError:
            # By hang_up, for a peer that takes nothing, not even the word that this is the end.
            if not self._cut_off:
                raise
        finally:
            self.leave()
            for task in self._tasks:
                task.cancel()

    async def _read(self, receive: Any) -> None:
        while True:
            message = await receive()
            match message["type"]:
                case "websocket.connect":
                    await self.connect()
                case "websocket.receive":
                    if not self.closing:
                        await self.receive(message.get("text"), message.get("bytes"))
                case "websocket.disconnect":
                    return

    def tell(self, frame: Frame) -> None:
        if self.waiting.qsize() < MOST_WAITING:
            self.waiting.put_nowait(frame)
        elif not self.closing:
            self.closing = True
            self.waiting.put_nowait(None)

    async def write(self) -> None:
        """Sends what the page is told, in order; one that stands still too long is let go."""
        while True:
            frame = await self.waiting.get()
            if frame is None:
                await self.hang_up(self.let_go_code())
                return
            if self.knows(frame):
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await self.send(text_data=orjson.dumps(frame).decode())

    async def refuse(self, code: str, message: str, close: int) -> None:
        """Says why, then closes: the socket was accepted, so that the page sees both."""
        self.closing = True
        with suppress(Exception):
            async with asyncio.timeout(LAST_WORD_S):
                await self.send(text_data=orjson.dumps(self.refusal(code, message, close)).decode())
        await self.hang_up(close)

    async def hang_up(self, code: int) -> None:
        self.closing = True
        sockets_closed.labels(kind=type(self).__name__, code=str(code)).inc()
        try:
            async with asyncio.timeout(LAST_WORD_S):
                await self.close(code)
        except TimeoutError:
            self._cut_off = True
            if self._reading is not None:
                self._reading.cancel()
        except Exception as error:  # It is gone already.
            log.debug("socket_gone", error=type(error).__name__)

    def in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # One that was cancelled before it began has not awaited it.
        task.add_done_callback(lambda _: work.close())

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except TimeoutError:
            await self.hang_up(1013)
        except Exception as error:  # A dead peer shows here first; the socket is over either way.
            log.info("socket_task_ended", socket=type(self).__name__, error=type(error).__name__)
            await self.hang_up(1011)
