"""Somebody holds the database's lock: short, and the shopper waits; long, and nothing is acknowledged that is not stored."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.journeys.web_processes import Frame, Shop, Tab, Web, assert_whole, shop, tab, token_of

pytestmark = pytest.mark.process

KEY = """
import django
django.setup()
from partners.models import SCOPES, create_api_key
print(create_api_key("A shop", list(SCOPES))[1])
"""
QUESTIONS = "SELECT COUNT(*) FROM chat_message WHERE role = 'user' AND client_msg_id = ?"
ANSWERS = """SELECT COUNT(*) FROM chat_message WHERE role = 'assistant' AND turn_id =
    (SELECT turn_id FROM chat_message WHERE client_msg_id = ?)"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop(tmp_path_factory.mktemp("shop"), 1) as one:
        yield one


@pytest.fixture
def web(running: Shop) -> Web:
    return running.webs[0]


@contextmanager
def locked(running: Shop) -> Iterator[None]:
    """A transaction of another program that has begun to write, and takes its time."""
    database = sqlite3.connect(running.data_dir / "mangaassist.sqlite3", timeout=20, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        database.execute("ROLLBACK")
        database.close()


def count(running: Shop, query: str, client_msg_id: str) -> int:
    database = sqlite3.connect(running.data_dir / "mangaassist.sqlite3", timeout=20)
    try:
        return int(database.execute(query, [uuid.UUID(client_msg_id).hex]).fetchone()[0])
    finally:
        database.close()


def answer(here: Tab, turn_id: str) -> Frame:
    while "response" not in {frame["type"] for frame in here.frames.get(turn_id, [])}:
        here.receive()
    assert_whole(here.frames[turn_id])
    return here.frames[turn_id][-1]


def test_a_short_lock_is_waited_for(running: Shop, web: Web) -> None:
    with tab(web, token_of(web)) as here:
        sent = str(uuid.uuid4())
        with locked(running):
            here.send(type="user_message", client_msg_id=sent, text="any deals?")
            # Whatever needs no writing goes on.
            here.send(type="ping", t=1)
            assert httpx.get(f"http://127.0.0.1:{web.port}/healthz", timeout=20).status_code == 200
            assert count(running, QUESTIONS, sent) == 0
        accepted = here.next("accepted")
        assert answer(here, accepted["turn_id"])["status"] == "complete"
    assert (count(running, QUESTIONS, sent), count(running, ANSWERS, sent)) == (1, 1)


def test_under_a_long_lock_a_question_is_refused_and_sent_again_it_is_answered_once(running: Shop, web: Web) -> None:
    with tab(web, token_of(web)) as here:
        before = answer(here, here.ask("hello")["turn_id"])
        sent, opinion = str(uuid.uuid4()), str(uuid.uuid4())
        rated = {"type": "feedback", "client_msg_id": opinion, "message_id": before["message_id"], "rating": "up"}
        with locked(running):
            here.send(type="user_message", client_msg_id=sent, text="any deals?")
            refused = here.next("error")
            here.send(**rated)
            opinion_refused = here.next("error")
        assert (refused["code"], refused["retryable"], refused["client_msg_id"]) == ("unavailable", True, sent)
        assert (opinion_refused["code"], opinion_refused["client_msg_id"]) == ("unavailable", opinion)
        assert count(running, QUESTIONS, sent) == 0
        accepted = here.ask("any deals?", client_msg_id=sent)
        assert accepted["duplicate"] is False
        assert answer(here, accepted["turn_id"])["status"] == "complete"
        here.send(**rated)
        assert here.next("saved")["client_msg_id"] == opinion
    assert (count(running, QUESTIONS, sent), count(running, ANSWERS, sent)) == (1, 1)


def test_a_lock_that_comes_between_question_and_answer_leaves_nobody_waiting(running: Shop, web: Web) -> None:
    with tab(web, token_of(web)) as here:
        sent = str(uuid.uuid4())
        turn_id = here.ask("any deals?", client_msg_id=sent)["turn_id"]
        with locked(running):
            # It was stored just before the lock, or it could not be: it is told either way.
            told = answer(here, turn_id)
        assert told["status"] in {"complete", "failed"}
        assert told["status"] == "complete" or told["retryable"]
        assert answer(here, here.ask("any deals?")["turn_id"])["status"] == "complete"
    assert count(running, QUESTIONS, sent) == 1
    assert count(running, ANSWERS, sent) <= 1


def test_under_a_long_lock_a_partner_is_told_when_to_come_back(running: Shop, web: Web) -> None:
    headers = {"Authorization": f"Bearer {running.run(KEY).strip()}", "Idempotency-Key": str(uuid.uuid4())}
    event = {"type": "view", "session_id": "guest", "asin": "BERSERK-EN-1"}
    address = f"http://127.0.0.1:{web.port}/api/v1/events"
    with locked(running):
        refused = httpx.post(address, json=[event], headers=headers, timeout=60)
    assert refused.status_code == 503, refused.text
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.headers["Content-Type"].startswith("application/problem+json")
    taken = httpx.post(address, json=[event], headers=headers, timeout=60)
    assert taken.status_code == 202, taken.text
