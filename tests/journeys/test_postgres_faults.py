"""PostgreSQL goes away under shoppers who talk and comes back, or somebody keeps a lock of it: who is acknowledged is
answered, once."""

from __future__ import annotations

import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from tests.journeys.web_processes import Frame, Shop, Tab, Web, assert_whole, shop, tab, token_of
from tests.mangaassist.postgres import INITDB, cluster
from tests.mangaassist.running import until

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(INITDB is None, reason="PostgreSQL is not installed."),
]

QUESTIONS = "SELECT COUNT(*) FROM chat_message WHERE role = 'user' AND client_msg_id = %s"
ANSWERS = """SELECT COUNT(*) FROM chat_message WHERE role = 'assistant' AND turn_id =
    (SELECT turn_id FROM chat_message WHERE client_msg_id = %s)"""


class Postgres:
    """A server that can be ended and started again."""

    def __init__(self, url: str) -> None:
        self.url = url
        with psycopg.connect(url) as connection:
            found = connection.execute("SHOW data_directory").fetchone()
        assert found is not None
        self._data = Path(found[0])

    def crash(self) -> None:
        """As if its power went: every connection is cut."""
        self._control("stop", "--mode=immediate")

    def start(self) -> None:
        """It goes through its journal first."""
        # Where it was before: that was said on its command line only.
        port = urlsplit(self.url).port
        where = f"-p {port} -h 127.0.0.1 -k {self._data.parent}"
        self._control("start", f"--log={self._data / 'restarted.log'}", f"--options={where}")

    @contextmanager
    def gone(self) -> Iterator[None]:
        self.crash()
        try:
            yield
        finally:
            self.start()

    def count(self, query: str, client_msg_id: str) -> int:
        with psycopg.connect(self.url) as connection:
            found = connection.execute(query, [uuid.UUID(client_msg_id)]).fetchone()
        assert found is not None
        return int(found[0])

    @contextmanager
    def locked(self, conversation_id: str) -> Iterator[None]:
        """A transaction of another program that has changed this conversation, and takes its time."""
        with psycopg.connect(self.url) as connection:
            connection.execute("SELECT 1 FROM chat_conversation WHERE id = %s FOR UPDATE", [uuid.UUID(conversation_id)])
            yield
            connection.rollback()

    def _control(self, *arguments: str) -> None:
        assert INITDB is not None
        subprocess.run(
            [Path(INITDB).with_name("pg_ctl"), f"--pgdata={self._data}", "--wait", *arguments],
            user="postgres" if os.getuid() == 0 else None,
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
        )


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with cluster() as url:
        server = Postgres(url)
        try:
            yield server
        finally:
            server.crash()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Shop]:
    generator = "tests.journeys.unhurried_generator.UnhurriedGenerator"
    with shop(tmp_path_factory.mktemp("shop"), 1, GENERATOR=generator, DATABASE_URL=postgres.url) as one:
        yield one


@pytest.fixture
def web(running: Shop) -> Web:
    return running.webs[0]


def answer(here: Tab, turn_id: str) -> Frame:
    while "response" not in {frame["type"] for frame in here.frames.get(turn_id, [])}:
        here.receive()
    assert_whole(here.frames[turn_id])
    return here.frames[turn_id][-1]


def ask_until_accepted(here: Tab, text: str, client_msg_id: str) -> Frame:
    """As the widget does: what is refused for now is sent again."""
    while True:
        here.send(type="user_message", client_msg_id=client_msg_id, text=text)
        while (frame := here.receive()).get("client_msg_id") != client_msg_id:
            pass
        if frame["type"] == "accepted":
            return frame
        # A pool of threads may each find a dead connection first, and who asks so often is asking too fast.
        assert (frame["type"], frame["retryable"]) == ("error", True), frame
        assert frame["code"] in {"unavailable", "rate"}, frame
        time.sleep(frame.get("retry_after_ms", 300) / 1000)


def is_well(web: Web) -> bool:
    parts = httpx.get(f"http://127.0.0.1:{web.port}/readyz", timeout=20).json()["parts"]
    return bool(parts["database"]["ok"])


def test_without_it_a_question_is_refused_and_afterwards_answered_once(postgres: Postgres, web: Web) -> None:
    sent = str(uuid.uuid4())
    with tab(web, token_of(web)) as here:
        assert answer(here, here.ask("hello")["turn_id"])["status"] == "complete"
        with postgres.gone():
            here.send(type="user_message", client_msg_id=sent, text="any deals?")
            refused = here.next("error")
            assert (refused["code"], refused["retryable"], refused["client_msg_id"]) == ("unavailable", True, sent)
            assert not is_well(web)
            assert httpx.get(f"http://127.0.0.1:{web.port}/healthz", timeout=20).status_code == 200
        until(lambda: is_well(web), "it is well again by itself")
        accepted = ask_until_accepted(here, "any deals?", sent)
        assert accepted["duplicate"] is False
        assert answer(here, accepted["turn_id"])["status"] == "complete"
    assert (postgres.count(QUESTIONS, sent), postgres.count(ANSWERS, sent)) == (1, 1)


def test_when_it_goes_in_the_middle_of_an_answer_nobody_waits_for_ever(postgres: Postgres, web: Web) -> None:
    sent, next_one = str(uuid.uuid4()), str(uuid.uuid4())
    with tab(web, token_of(web)) as here:
        turn_id = here.ask("hello", client_msg_id=sent)["turn_id"]
        here.next("delta")
        with postgres.gone():
            pass
        told = answer(here, turn_id)
        assert told["status"] == "complete" or (told["status"], told["retryable"]) == ("failed", True)
        accepted = ask_until_accepted(here, "and another", next_one)
        assert answer(here, accepted["turn_id"])["status"] == "complete"
    assert (postgres.count(QUESTIONS, sent), postgres.count(QUESTIONS, next_one)) == (1, 1)
    assert postgres.count(ANSWERS, sent) == (told["status"] == "complete")
    assert postgres.count(ANSWERS, next_one) == 1


def test_under_a_long_lock_a_question_is_refused_and_another_shopper_is_answered(postgres: Postgres, web: Web) -> None:
    sent = str(uuid.uuid4())
    with tab(web, token_of(web)) as here, tab(web, token_of(web)) as other:
        with postgres.locked(here.conversation_id):
            here.send(type="user_message", client_msg_id=sent, text="any deals?")
            assert answer(other, other.ask("hello")["turn_id"])["status"] == "complete"
            refused = here.next("error")
        assert (refused["code"], refused["retryable"], refused["client_msg_id"]) == ("unavailable", True, sent)
        accepted = here.ask("any deals?", client_msg_id=sent)
        assert accepted["duplicate"] is False
        assert answer(here, accepted["turn_id"])["status"] == "complete"
    assert (postgres.count(QUESTIONS, sent), postgres.count(ANSWERS, sent)) == (1, 1)
