"""Long downloads: rows are read in a thread of their own and sent as they are read.

Under ASGI, Django gathers a plain iterator to its end before it sends the first byte. Here memory is bounded whatever
the length: a reader who is slow is waited for.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncGenerator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from django.db import close_old_connections, connections
from django.http import StreamingHttpResponse

CHUNK_BYTES = 64 * 1024
# Chunks that are read and not yet sent.
AHEAD = 4
# A reader who takes nothing for so long has gone.
PATIENCE_S = 120.0
# Of one process. Not those of mangaassist.dbthreads: a download may take minutes, and holds its cursor in its thread.
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="download")


class ReaderGone(Exception):
    """Nobody reads on."""


def download(pieces: Iterable[bytes], *, name: str, content_type: str) -> StreamingHttpResponse:
    """``pieces`` (a lazy iterable, which may ask the database) as the file ``name``.

    What breaks on the way breaks off the answer: half a file does not look like a whole one.
    """
    response = StreamingHttpResponse(read_aside(pieces), content_type=content_type)
    # The audit log notes every file that is taken away by this (mangaassist.access.middleware).
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


async def read_aside(pieces: Iterable[bytes]) -> AsyncGenerator[bytes]:
    """``pieces`` in chunks of about :data:`CHUNK_BYTES`, iterated in another thread, at most :data:`AHEAD` ahead."""
    loop = asyncio.get_running_loop()
    read: asyncio.Queue[bytes | None] = asyncio.Queue()
    room, closed = threading.Semaphore(AHEAD), threading.Event()

    def fill() -> None:
        close_old_connections()
        try:
            for chunk in _chunks(pieces):
                if not room.acquire(timeout=PATIENCE_S) or closed.is_set():
                    raise ReaderGone
                loop.call_soon_threadsafe(read.put_nowait, chunk)
        finally:
            connections.close_all()

    work = loop.run_in_executor(_threads, contextvars.copy_context().run, fill)
    work.add_done_callback(lambda _: read.put_nowait(None))
    try:
        while (chunk := await read.get()) is not None:
            yield chunk
            room.release()
        await work
    finally:
        closed.set()
        room.release()
        # What it raises is told above, or to nobody: the reader has gone.
        work.add_done_callback(lambda done: done.cancelled() or done.exception())


def _chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        if len(gathered) >= CHUNK_BYTES:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)
