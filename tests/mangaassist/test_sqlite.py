"""Writers of one process take turns on SQLite (mangaassist.sqlite)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, connections, transaction

from chat.models import Conversation
from mangaassist.sqlite.base import DatabaseWrapper, Line
from tests.mangaassist.running import until

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


def line() -> Line:
    """Of those who want to write into the tests' database."""
    wrapper = connections["default"]
    assert isinstance(wrapper, DatabaseWrapper)
    return wrapper.line()


def until_waiting(count: int) -> None:
    until(lambda: line().waiting() == count, f"{count} wait for their turn", within_s=30)


@contextmanager
def held_transaction() -> Iterator[None]:
    """Another thread is in the middle of one."""
    held, enough = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            held.set()
            enough.wait(30)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        held.wait(30)
        try:
            yield
        finally:
            enough.set()
        holding.result()


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
    def impatient() -> None:
        with pytest.raises(OperationalError, match="database is locked"):
            write(1)
        with pytest.raises(OperationalError, match="database is locked"):
            Conversation.objects.create(session_id="alone")

    with held_transaction(), monkeypatch.context() as options:
        # All connections of the process share them.
        options.setitem(connection.settings_dict, "OPTIONS", connection.settings_dict["OPTIONS"] | {"timeout": 0.05})
        in_thread(impatient)
        assert line().waiting() == 0
    in_thread(write, 1)
    assert Conversation.objects.count() == 1


def test_who_came_first_is_next_however_often_another_writes() -> None:
    begun, enough = threading.Event(), threading.Event()

    def greedy() -> None:
        with transaction.atomic():
            Conversation.objects.create(session_id="greedy")
            begun.set()
            enough.wait(30)
        write(50)

    def patient() -> int:
        with transaction.atomic():
            return Conversation.objects.count()

    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(in_thread, greedy)
        begun.wait(30)
        asking = pool.submit(in_thread, patient)
        until_waiting(1)
        enough.set()
        writing.result()
        assert asking.result() == 1


def test_the_line_keeps_its_order() -> None:
    order: list[int] = []

    def take(number: int) -> None:
        with transaction.atomic():
            order.append(number)

    with ThreadPoolExecutor(5) as pool, held_transaction():
        for number in range(5):
            pool.submit(in_thread, take, number)
            until_waiting(number + 1)
    assert order == [0, 1, 2, 3, 4]


def change(conversation: Conversation) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(session_id="changed")


@pytest.mark.parametrize("work", [change, lambda each: each.delete(), lambda each: Conversation.objects.create()])
def test_a_single_statement_takes_its_turn_too(work: Callable[[Conversation], object]) -> None:
    conversation = Conversation.objects.create(session_id="a")
    with ThreadPoolExecutor(1) as pool:
        with held_transaction():
            writing = pool.submit(in_thread, work, conversation)
            until_waiting(1)
            # Who only reads waits for nobody.
            assert Conversation.objects.get().session_id == "a"
        writing.result()
    in_thread(write, 1)


def test_rows_that_a_statement_returns_keep_its_turn_until_they_are_read() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE few (id)")
        cursor.execute("INSERT INTO few VALUES (1), (2) RETURNING id")
        assert not line().acquire(timeout=0)
        assert cursor.fetchall() == [(1,), (2,)]
    in_thread(write, 1)


def test_a_forked_child_does_not_wait_for_a_thread_that_it_does_not_have() -> None:
    with held_transaction():
        child = os.fork()
        if child == 0:
            os._exit(0 if line().acquire(timeout=0) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
