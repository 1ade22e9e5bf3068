"""Writers of one process take turns on SQLite (mangaassist.sqlite)."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, transaction

from chat.models import Conversation

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite only"),
]


def in_thread(work: object, *args: object) -> object:
    def closing() -> object:
        try:
            return work(*args)  # type: ignore[operator]
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(closing).result()


def write(how_often: int) -> None:
    for _ in range(how_often):
        with transaction.atomic():
            Conversation.objects.create(session_id="crowd")


def test_a_crowd_of_writers_loses_nothing() -> None:
    def writer(_: int) -> None:
        try:
            write(25)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(writer, range(8)))
    assert Conversation.objects.count() == 200


def test_a_transaction_that_fails_gives_its_turn_to_the_next() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        Conversation.objects.create(session_id="a")
        raise RuntimeError
    in_thread(write, 1)
    assert Conversation.objects.count() == 1


def test_a_connection_that_is_closed_in_the_middle_gives_its_turn_to_the_next() -> None:
    def broken() -> None:
        try:
            with transaction.atomic():
                Conversation.objects.create(session_id="a")
                connection.connection.close()
                raise RuntimeError
        except Exception:
            connection.close()

    in_thread(broken)
    in_thread(write, 1)
    assert Conversation.objects.count() == 1


def test_whoever_waits_too_long_is_told_what_sqlite_would_say(monkeypatch: pytest.MonkeyPatch) -> None:
    held, enough = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            held.set()
            enough.wait(30)

    def impatient() -> None:
        connection.settings_dict["OPTIONS"] = connection.settings_dict["OPTIONS"] | {"timeout": 0.05}
        with pytest.raises(OperationalError, match="database is locked"):
            write(1)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        held.wait(30)
        try:
            in_thread(impatient)
        finally:
            enough.set()
        holding.result()
    in_thread(write, 1)
    assert Conversation.objects.count() == 1


def test_a_forked_child_does_not_wait_for_a_thread_that_it_does_not_have() -> None:
    held, enough = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            held.set()
            enough.wait(30)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        held.wait(30)
        child = os.fork()
        if child == 0:
            from mangaassist.sqlite.base import _queues

            free = _queues[str(connection.settings_dict["NAME"])].acquire(blocking=False)
            os._exit(0 if free else 1)
        enough.set()
        holding.result()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
