"""Five hundred opinions while the worker and Redis are killed at random: what is acknowledged is applied, once."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.journeys.test_faults import Shopper
from tests.mangaassist.running import Running, free_port, until

pytestmark = pytest.mark.process

OPINIONS = 500
ANSWERS = 10
KILLS = 5


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    shop = Running(tmp_path, free_port(), DEMO="1", SOCKET_FRAMES_PER_S="100000", SOCKET_QUESTIONS_PER_S="1000")
    try:
        shop.wait_ready()
        yield shop
    finally:
        if shop.process.poll() is None:
            shop.stop()


def ask_database(running: Running, query: str) -> list[tuple[Any, ...]]:
    database = sqlite3.connect(f"file:{running.data_dir / 'mangaassist.sqlite3'}?mode=ro", uri=True, timeout=10)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


class Havoc:
    """Kills the worker and Redis at random moments."""

    def __init__(self, running: Running, seed: int) -> None:
        self.killed: list[str] = []
        self._running = running
        self._dice = random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._wreak)

    def __enter__(self) -> Havoc:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _wreak(self) -> None:
        for _ in range(KILLS):
            self._over.wait(self._dice.uniform(0.3, 1.2))
            name = self._dice.choice(["worker", "worker", "redis"])
            pid = self._running.children().get(name)
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                self.killed.append(name)


def test_five_hundred_acknowledged_five_hundred_applied_none_twice(running: Running) -> None:
    import time

    T0 = time.monotonic()
    acknowledged: set[str] = set()
    with Shopper.at(running.port) as shopper:
        answers = [
            shopper.answer(f"how much is Berserk volume {number}?")["message_id"] for number in range(1, ANSWERS + 1)
        ]
        with Havoc(running, seed=7) as havoc:
            for number in range(OPINIONS):
                sent = str(uuid.uuid4())
                shopper.send(
                    type="feedback", client_msg_id=sent, message_id=answers[number % ANSWERS],
                    rating=1 if number // ANSWERS % 2 else -1,
                )  # fmt: skip
                while (frame := orjson.loads(shopper.socket.recv(timeout=30)))["type"] != "saved":
                    assert frame["type"] != "error", frame
                acknowledged.add(frame["client_msg_id"])
                # So that the havoc falls in between.
                if number % 25 == 0:
                    havoc._over.wait(0.2)
        assert len(havoc.killed) >= 3, havoc.killed
    assert len(acknowledged) == OPINIONS
    import time

    print("PHASE sent", time.monotonic() - T0)

    def applied() -> int:
        return int(ask_database(running, "SELECT COUNT(*) FROM outbox_inboxkey WHERE consumer = 'feedback'")[0][0])

    until(lambda: applied() >= OPINIONS, "everything applied", within_s=90)
    print("PHASE applied", time.monotonic() - T0)
    until(lambda: ask_database(running, "SELECT COUNT(*) FROM outbox_queuedmessage") == [(0,)], "an empty queue")
    assert applied() == OPINIONS
    # Each answer counts once, with the last word on it.
    assert ask_database(running, "SELECT SUM(up), SUM(down) FROM chat_feedbackcount") == [(ANSWERS, 0)]
    unfinished = "SELECT COUNT(*) FROM outbox_outboxmessage WHERE topic = 'feedback' AND status <> 'done'"
    # A relay that was killed between the effect and its note of it leaves its lease to run out.
    until(lambda: ask_database(running, unfinished) == [(0,)], "every row done")
    assert applied() == OPINIONS
