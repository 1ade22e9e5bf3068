"""The whole shop as real processes, with Redis and the worker killed and frozen in the middle of a conversation."""

from __future__ import annotations

import os
import random
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from websockets.sync.client import ClientConnection, connect

from mangaassist.stillness import writer_of
from tests.mangaassist.open_shop import open_shop
from tests.mangaassist.running import START_S, Running, until

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with open_shop(tmp_path_factory.mktemp("shop")) as shop:
        yield shop


def token_of(port: int) -> str:
    token: str = httpx.post(f"http://127.0.0.1:{port}/widget/v1/token", json={}).json()["token"]
    return token


class Shopper:
    """A raw WebSocket client that has said hello."""

    def __init__(self, socket: ClientConnection, token: str, **hello: Any) -> None:
        self.socket = socket
        self.send(type="hello", v=1, token=token, caps=["stream", "cards"], **hello)
        self.ready: dict[str, Any] = orjson.loads(self.socket.recv(timeout=30))
        assert self.ready["type"] == "ready", self.ready

    @classmethod
    @contextmanager
    def at(cls, port: int) -> Iterator[Shopper]:
        with cls.back_at(port, token_of(port)) as shopper:
            yield shopper

    @classmethod
    @contextmanager
    def back_at(cls, port: int, token: str, **hello: Any) -> Iterator[Shopper]:
        with connect(f"ws://127.0.0.1:{port}/ws/chat/") as socket:
            yield cls(socket, token, **hello)

    def send(self, **frame: Any) -> None:
        self.socket.send(orjson.dumps(frame).decode())

    def receive(self) -> dict[str, Any]:
        frame: dict[str, Any] = orjson.loads(self.socket.recv(timeout=30))
        return frame

    def answer(self, text: str) -> dict[str, Any]:
        self.send(type="user_message", client_msg_id=str(uuid.uuid4()), text=text)
        while True:
            frame = self.receive()
            if frame["type"] in {"response", "error"}:
                return frame


ASKED = ("is Berserk volume 3 in stock?", "something like One Piece", "how do I return a book?", "any deals?")


def assert_answered(shopper: Shopper) -> None:
    for text in ASKED:
        response = shopper.answer(text)
        assert response["status"] == "complete", response
    assert "Berserk" in shopper.answer("how much is Berserk volume 1?")["content"]


def test_killing_redis_costs_no_answer(running: Running) -> None:
    with Shopper.at(running.port) as shopper:
        assert_answered(shopper)
        os.kill(running.children()["redis"], signal.SIGKILL)
        assert_answered(shopper)
        # Who comes only now is served as well.
        with Shopper.at(running.port) as another:
            assert_answered(another)
        until(lambda: not running.not_ready(), "everything back by itself")
        assert_answered(shopper)


def test_a_frozen_redis_costs_no_answer(running: Running) -> None:
    redis = running.children()["redis"]
    with Shopper.at(running.port) as shopper:
        os.kill(redis, signal.SIGSTOP)
        try:
            assert_answered(shopper)
            with Shopper.at(running.port) as another:
                assert_answered(another)
        finally:
            os.kill(redis, signal.SIGCONT)


def test_killing_the_worker_costs_no_answer_and_it_comes_back(running: Running) -> None:
    worker = running.children()["worker"]
    with Shopper.at(running.port) as shopper:
        os.kill(worker, signal.SIGKILL)
        assert_answered(shopper)
    until(lambda: running.children().get("worker") not in {None, worker}, "a new worker")


def test_a_worker_that_freezes_with_the_databases_lock_costs_no_answer(running: Running) -> None:
    """Nobody else can store anything then: the supervisor kills it, before a question has waited too long."""
    with Shopper.at(running.port) as shopper:
        answer = shopper.answer(ASKED[0])
        worker = freeze_while_it_writes(running, shopper, answer["message_id"])
        assert_answered(shopper)
    assert any("holds the database's lock and stands still" in line for line in running.lines)
    until(lambda: running.children().get("worker") not in {None, worker}, "a new worker")
    until(lambda: not running.not_ready(), "everything back by itself")


def freeze_while_it_writes(running: Running, shopper: Shopper, message_id: str) -> int:
    """Stops the worker in the middle of a transaction, while it has opinions to store → its process."""
    worker, database = running.children()["worker"], running.data_dir / "mangaassist.sqlite3"
    dice = random.Random(5)
    until_ = time.monotonic() + START_S
    while time.monotonic() < until_:
        sent = str(uuid.uuid4())
        shopper.send(type="feedback", client_msg_id=sent, message_id=message_id, rating=dice.choice([1, -1]))
        while (frame := shopper.receive())["type"] != "saved":
            assert frame["type"] != "error", frame
        for _ in range(20):
            os.kill(worker, signal.SIGSTOP)
            until(lambda: state_of(worker) == "T", "it is stopped")
            if writer_of(database) == worker:
                return worker
            os.kill(worker, signal.SIGCONT)
            time.sleep(dice.uniform(0, 0.01))
    raise AssertionError("the worker writes nothing")


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_killing_the_web_process_loses_no_conversation(running: Running) -> None:
    token = token_of(running.port)
    with Shopper.back_at(running.port, token) as shopper:
        assert_answered(shopper)
        conversation_id = shopper.ready["conversation_id"]
        web = running.children()["web"]
        os.kill(web, signal.SIGKILL)
    until(lambda: running.children().get("web") not in {None, web}, "a new web process")
    until(lambda: not _refused(running.port), "the new process answers")
    with Shopper.back_at(running.port, token, conversation_id=conversation_id) as shopper:
        assert [each["content"] for each in shopper.ready["messages"] if each["role"] == "user"][:4] == [*ASKED]
        assert_answered(shopper)


def _refused(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code != 200
    except httpx.HTTPError:
        return True
