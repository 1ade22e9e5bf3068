"""Bodies too large for memory: read as they come, behind the check of the key, into a file below ``DATA_DIR``.

Django reads a whole body before it looks for a view, whoever sends it. :class:`UnreadBodies` leaves that of an upload
to its view, and of any other body of the API lets no more through than is needed to see that it is too large.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from partners.problems import Problem
from shop.feed_lines import GZIP_MAGIC
from shop.feed_records import uploads_folder

Event = Mapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
API = "/api/v1/"
UPLOAD = "/api/v1/catalog/feed"
# What curl and libraries call JSON Lines and gzip; without a type it is taken for a feed as well.
TYPES = {
    "",
    "application/gzip",
    "application/json",
    "application/jsonl",
    "application/jsonlines",
    "application/ndjson",
    "application/octet-stream",
    "application/x-gzip",
    "application/x-jsonlines",
    "application/x-ndjson",
    "text/plain",
}
_UNREAD = "mangaassist.unread_body"
# Written at once, by a thread.
_BLOCK = 1024 * 1024
# {tenant: feeds on their way}: each may fill the disk by as much as a feed may have.
_receiving: Counter[str] = Counter()
# A sender who is silent for longer has gone.
_SILENCE_S = 60.0


class UnreadBodies:
    """Around Django's ASGI application."""

    def __init__(self, application: Callable[[dict[str, Any], Receive, Send], Awaitable[None]]) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(API):
            if scope["path"] == UPLOAD and scope["method"] == "POST":
                # A key of our own, for the view.
                scope = {**scope, _UNREAD: receive}
                receive = _nothing()
            else:
                receive = _bounded(receive, settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        await self._application(scope, receive, send)


def _nothing() -> Receive:
    """An empty body, then silence: who left is seen by whoever reads the real one."""
    is_told = False

    async def receive() -> Event:
        nonlocal is_told
        if is_told:
            await asyncio.Event().wait()
        is_told = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return receive


def _bounded(receive: Receive, most: int) -> Receive:
    """The first ``most`` bytes; the rest is read and dropped."""
    left = most

    async def receive_less() -> Event:
        nonlocal left
        event = await receive()
        if event["type"] != "http.request":
            return event
        body = event.get("body", b"")[:left]
        left -= len(body)
        return {**event, "body": body}

    return receive_less


@dataclass(frozen=True, slots=True)
class Received:
    """A body in a file, which is whoever's who asked for it. ``digest``: SHA-256, hexadecimal."""

    file: Path
    size: int
    digest: str


def check_feed_headers(request: HttpRequest) -> None:
    """Before the body is read. Raises :class:`Problem`: 415, 413."""
    if (request.content_type or "") not in TYPES:
        raise Problem(415, "not-json", "Send JSON Lines as application/x-ndjson, or gzip as application/gzip.")
    if _encoding(request) not in {"identity", "gzip", "x-gzip"}:
        raise Problem(415, "not-json", "The only Content-Encoding is gzip.")
    length = request.headers.get("Content-Length", "0")
    if length.isdigit() and int(length[:20]) > settings.FEED_UPLOAD_BYTES:
        raise _too_large()


def _encoding(request: HttpRequest) -> str:
    return request.headers.get("Content-Encoding", "identity").strip().lower()


@contextmanager
def one_more(tenant: str) -> Iterator[int]:
    """→ how many of the tenant's feeds this process is receiving already. Called on the event loop only."""
    others = _receiving[tenant]
    _receiving[tenant] += 1
    try:
        yield others
    finally:
        _receiving[tenant] -= 1
        if not _receiving[tenant]:
            del _receiving[tenant]


async def receive_feed(request: HttpRequest) -> Received:
    """Raises :class:`Problem`: 400 it breaks off or is not what it is said to be, 413 too large, 422 empty, 503."""
    file = uploads_folder() / f"{uuid.uuid4()}.part"
    try:
        received = await _write(_pieces(request), file)
        await _check(request, received)
    except OSError as error:
        await asyncio.to_thread(remove, file)
        raise Problem(503, "unavailable", "The feed cannot be stored now.", retry_after_s=60) from error
    except BaseException:
        await asyncio.to_thread(remove, file)
        raise
    return received


def remove(file: Path) -> None:
    """What stays in spite of it is removed a day later (shop.feed_jobs)."""
    with suppress(OSError):
        file.unlink()


async def _check(request: HttpRequest, received: Received) -> None:
    if received.size == 0:
        raise Problem(
            422,
            "invalid",
            "The body is empty.",
            errors=[{"field": "body", "message": "must hold a line", "pointer": "#"}],
        )
    if _encoding(request) != "identity" and await asyncio.to_thread(_first_bytes, received.file) != GZIP_MAGIC:
        raise Problem(400, "malformed", "The body is not gzip, as its Content-Encoding says.")


def _first_bytes(file: Path) -> bytes:
    with open(file, "rb") as opened:
        return opened.read(len(GZIP_MAGIC))


async def _pieces(request: HttpRequest) -> AsyncIterator[bytes]:
    receive: Receive | None = getattr(request, "scope", {}).get(_UNREAD)
    if receive is None:
        # A server without UnreadBodies has read it.
        while piece := request.read(_BLOCK):
            yield piece
        return
    while True:
        try:
            event = await asyncio.wait_for(receive(), _SILENCE_S)
        except TimeoutError as error:
            raise Problem(400, "malformed", f"Nothing came for {_SILENCE_S:.0f} seconds.") from error
        if event["type"] != "http.request":
            raise Problem(400, "malformed", "The body breaks off.")
        if event.get("body"):
            yield event["body"]
        if not event.get("more_body", False):
            return


def _create(file: Path) -> FileIO:
    file.parent.mkdir(parents=True, exist_ok=True)
    return FileIO(file, "x")


async def _write(pieces: AsyncIterator[bytes], file: Path) -> Received:
    digest = hashlib.sha256()
    size = 0
    with await asyncio.to_thread(_create, file) as opened:

        def put(block: bytes) -> None:
            digest.update(block)
            left = memoryview(block)
            while left:
                left = left[opened.write(left) :]

        held = bytearray()
        async for piece in pieces:
            size += len(piece)
            if size > settings.FEED_UPLOAD_BYTES:
                raise _too_large()
            held += piece
            if len(held) >= _BLOCK:
                await asyncio.to_thread(put, bytes(held))
                held.clear()
        await asyncio.to_thread(put, bytes(held))
    return Received(file, size, digest.hexdigest())


def _too_large() -> Problem:
    return Problem(413, "too-large", f"A feed may have {settings.FEED_UPLOAD_BYTES} bytes as it is sent: send parts.")
