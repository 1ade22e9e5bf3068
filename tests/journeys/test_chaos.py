"""Hundreds of opinions while the worker and Redis are killed at random: what is acknowledged is applied, once.

``python -m bench chaos`` does it for minutes, and kills the web server as well.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.journeys.havoc import ROUNDS, Havoc, ask_database
from tests.journeys.test_faults import Shopper
from tests.mangaassist.open_shop import open_shop
from tests.mangaassist.running import Running, until

pytestmark = pytest.mark.process

OPINIONS = 200 * ROUNDS
ANSWERS = 10
KILLS = 3 * ROUNDS


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with open_shop(tmp_path, SOCKET_FRAMES_PER_S="100000", SOCKET_QUESTIONS_PER_S="1000") as shop:
        yield shop


def test_what_is_acknowledged_is_applied_and_nothing_twice(running: Running) -> None:
    acknowledged: set[str] = set()
    with Shopper.at(running.port) as shopper:
        answers = [
            shopper.answer(f"how much is Berserk volume {number}?")["message_id"] for number in range(1, ANSWERS + 1)
        ]
        victims = ("worker", "worker", "redis")
        with Havoc(running, seed=7, victims=victims, pauses=(0.2, 0.8), most=KILLS) as havoc:
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
                if number % 10 == 0:
                    havoc.over.wait(0.2)
        assert len(havoc.killed) >= 2 * ROUNDS, havoc.killed
    assert len(acknowledged) == OPINIONS

    def applied() -> int:
        return int(ask_database(running, "SELECT COUNT(*) FROM outbox_inboxkey WHERE consumer = 'feedback'")[0][0])

    until(lambda: applied() >= OPINIONS, "everything applied", within_s=180)
    until(lambda: ask_database(running, "SELECT COUNT(*) FROM outbox_queuedmessage") == [(0,)], "an empty queue")
    assert applied() == OPINIONS
    # Each answer counts once, with the last word on it.
    assert ask_database(running, "SELECT SUM(up), SUM(down) FROM chat_feedbackcount") == [(ANSWERS, 0)]
    unfinished = "SELECT COUNT(*) FROM outbox_outboxmessage WHERE topic = 'feedback' AND status <> 'done'"
    # A relay that was killed between the effect and its note of it leaves its lease to run out.
    until(lambda: ask_database(running, unfinished) == [(0,)], "every row done")
    assert applied() == OPINIONS
