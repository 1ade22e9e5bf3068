"""A long file is sent while it is read, through the real ASGI application; a slow reader is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from chat.models import Conversation, Message
from knowledge.models import Article
from mangaassist.asgi import application
from mangaassist.dbthreads import in_database
from mangaassist.streaming import AHEAD, CHUNK_BYTES, read_aside
from shop.models import Order, Series

PATIENCE_S = 60
CSRF = "c" * 32


class Counted:
    """Pieces of a chunk's size; how many have been asked for, and whether it was closed."""

    def __init__(self, count: int) -> None:
        self.read, self.count, self.is_closed = 0, count, False

    def __iter__(self) -> Iterator[bytes]:
        try:
            for _ in range(self.count):
                self.read += 1
                yield b"x" * CHUNK_BYTES
        finally:
            self.is_closed = True


class TestReading:
    async def test_it_reads_no_further_ahead_than_it_may(self) -> None:
        pieces = Counted(100)
        chunks = read_aside(pieces)
        assert len(await anext(chunks)) == CHUNK_BYTES
        # One is sent, some wait, and one is held by the thread that has no room for it.
        assert pieces.read <= AHEAD + 2
        assert sum([len(chunk) async for chunk in chunks]) == 99 * CHUNK_BYTES
        assert pieces.is_closed

    async def test_small_pieces_go_together(self) -> None:
        chunks = [chunk async for chunk in read_aside(b"a line\n" for _ in range(20_000))]
        assert len(b"".join(chunks)) == 140_000
        assert len(chunks) == 3

    async def test_a_reader_who_leaves_ends_the_reading(self) -> None:
        pieces = Counted(100)
        chunks = read_aside(pieces)
        await anext(chunks)
        await chunks.aclose()
        async with asyncio.timeout(PATIENCE_S):
            while not pieces.is_closed:  # noqa: ASYNC110  (a thread tells nobody)
                await asyncio.sleep(0.01)
        assert pieces.read <= AHEAD + 2

    async def test_what_breaks_on_the_way_breaks_it_off(self) -> None:
        def broken() -> Iterator[bytes]:
            yield b"x" * CHUNK_BYTES
            raise OSError("the disk is gone")

        chunks = read_aside(broken())
        await anext(chunks)
        with pytest.raises(OSError, match="the disk is gone"):
            await anext(chunks)


class Reader:
    """Who takes an answer piece by piece: the application waits for each to be taken."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self._pieces: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._taken = asyncio.Semaphore(0)

    async def send(self, message: dict[str, Any]) -> None:
        await self._pieces.put(message)
        await self._taken.acquire()

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            message = await self._pieces.get()
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        self._taken.release()
        return message

    async def rest(self) -> bytes:
        body = bytearray()
        while True:
            message = await self.next()
            body += message.get("body", b"")
            if message["type"] == "http.response.body" and not message.get("more_body"):
                return bytes(body)


@asynccontextmanager
async def asked(path: str, form: dict[str, str] | None = None) -> AsyncIterator[Reader]:
    session = await in_database(_session)
    method, _, query = ("POST" if form is not None else "GET"), *path.partition("?")[1:]
    body = urlencode(form or {}).encode()
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path.partition("?")[0], "raw_path": path.partition("?")[0].encode(), "query_string": query.encode(),
        "root_path": "", "client": ("127.0.0.1", 1), "server": ("testserver", 80),
        "headers": [
            (b"host", b"testserver"), (b"cookie", f"sessionid={session}; csrftoken={CSRF}".encode()),
            (b"x-csrftoken", CSRF.encode()), (b"content-type", b"application/x-www-form-urlencoded"),
            (b"content-length", str(len(body)).encode()),
        ],
    }  # fmt: skip
    reader, requests = Reader(), [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if requests:
            return requests.pop()
        await asyncio.Event().wait()
        raise AssertionError

    answering = asyncio.create_task(application(scope, receive, reader.send))  # type: ignore[arg-type]
    try:
        yield reader
    finally:
        answering.cancel()
        with suppress(asyncio.CancelledError):
            await answering


def _session() -> str:
    client = Client()
    client.force_login(User.objects.create_superuser("operator", password="x"))
    return client.cookies["sessionid"].value


@pytest.mark.django_db(transaction=True)
class TestFiles:
    async def test_a_shoppers_begins_before_its_last_row_is_read(self) -> None:
        # A conversation is read as a whole: of one alone nothing would be left that waits for its reader.
        conversations = await Conversation.objects.abulk_create(
            Conversation(session_id=f"s{number}", customer_id="zz-customer") for number in range(100)
        )
        await Message.objects.abulk_create(
            Message(conversation=each, role="user", content="word " * 800) for each in conversations for _ in range(5)
        )
        form = {"kind": "customer_id", "name": "zz-customer"}
        async with asked("/admin/privacy/export/", form) as reader:
            await reader.next()
            first = (await reader.next())["body"]
            assert reader.status == 200
            assert first.startswith(b'{"format":"mangaassist-shopper"')
            # Made only now, and in the file: nobody had read so far.
            await Order.objects.acreate(
                id="LATE-1", customer_id="zz-customer", status="shipped", placed_at=timezone.now()
            )
            told = orjson.loads(first + await reader.rest())
        assert [len(each["messages"]) for each in told["conversations"]] == [5] * 100
        assert [order["id"] for order in told["orders"]] == ["LATE-1"]

    async def test_so_does_the_catalogue(self) -> None:
        await Series.objects.abulk_create(
            Series(id=f"series-{number}", title=f"Series {number}", description="word " * 400) for number in range(800)
        )
        async with asked("/admin/shop/feedjob/export/") as reader:
            await reader.next()
            first = (await reader.next())["body"]
            assert first.startswith(b'{"kind":"series"')
            await Article.objects.acreate(slug="late", locale="en", category="returns", question="Late?", body="Yes.")
            lines = (first + await reader.rest()).splitlines()
        kinds = [orjson.loads(line)["kind"] for line in lines]
        assert (len(kinds), kinds[-1]) == (801, "article")
