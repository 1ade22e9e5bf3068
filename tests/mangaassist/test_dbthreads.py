"""Database work off the event loop: questions and long work have lanes of their own."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.db import connection

from mangaassist.asgi import application
from mangaassist.dbthreads import in_bulk_lane, in_database, in_question_lane

# Each of the threads looks after its connection first.
pytestmark = pytest.mark.django_db(transaction=True)


async def test_however_much_long_work_waits_a_shopper_does_not() -> None:
    begun, enough = threading.Event(), threading.Event()
    order: list[int] = []

    def long_work(number: int) -> None:
        begun.set()
        enough.wait(60)
        order.append(number)

    waiting = [asyncio.create_task(in_bulk_lane(long_work, number)) for number in range(20)]
    assert await asyncio.to_thread(begun.wait, 60)
    assert await in_database(str.upper, "a question") == "A QUESTION"
    assert not order
    enough.set()
    await asyncio.gather(*waiting)
    assert order == list(range(20))


async def test_however_many_answers_are_worked_on_a_question_is_taken_in() -> None:
    enough = threading.Event()
    done: list[int] = []

    def step_of_an_answer(number: int) -> None:
        enough.wait(60)
        done.append(number)

    waiting = [asyncio.create_task(in_database(step_of_an_answer, number)) for number in range(20)]
    assert await in_question_lane(str.upper, "a question") == "A QUESTION"
    assert not done
    enough.set()
    await asyncio.gather(*waiting)
    assert sorted(done) == list(range(20))


async def test_a_page_takes_its_connection_along() -> None:
    """Whenever the collector looks: a connection is a cycle, which nothing else would close."""
    before = await asyncio.to_thread(connections_of_this_process)
    gc.disable()
    try:
        for _ in range(30):
            assert await status_of("/covers/series/there-is-no-such-series.svg") == 404
        assert await asyncio.to_thread(connections_of_this_process) <= before + 3
    finally:
        gc.enable()


async def status_of(path: str) -> int:
    """As the server asks: each request has a thread of its own."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(b"host", b"testserver")], "client": ("127.0.0.1", 1), "server": ("testserver", 80),
    }  # fmt: skip
    communicator: Any = ApplicationCommunicator
    asked = communicator(application, scope)
    await asked.send_input({"type": "http.request"})
    start = await asked.receive_output(20)
    while (await asked.receive_output(20)).get("more_body"):
        pass
    await asked.wait(20)
    return int(start["status"])


def connections_of_this_process() -> int:
    """To the database."""
    if connection.vendor == "sqlite":
        name = str(connection.settings_dict["NAME"])
        return sum(os.path.realpath(each) == name for each in Path("/proc/self/fd").iterdir())
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        (count,) = cursor.fetchone()
    connection.close()
    return int(count)
