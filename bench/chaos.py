"""Thousands of opinions while web, worker and Redis of a real `make run` are killed at random. By name only:
``python -m bench chaos``.

A shopper rates the same answers over and over and sends again what was not acknowledged. At the end every
acknowledged opinion must have gone through the queue and been applied, and every answer must count once.
"""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import orjson
from httpx import HTTPError
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from bench.tables import Table
from tests.journeys.havoc import Havoc, ask_database
from tests.journeys.test_faults import Shopper, token_of
from tests.mangaassist.running import Running, free_port, until

BY_NAME_ONLY = True
OPINIONS = 5_000
ANSWERS = 10
# So that it lasts a few minutes.
PER_S = 25.0
VICTIMS = ("worker", "worker", "redis", "web", "batch")
# A server that is just going, or not quite there again.
LOST = (ConnectionClosed, InvalidHandshake, HTTPError, OSError, TimeoutError, AssertionError)


def run() -> list[Table]:
    with tempfile.TemporaryDirectory(prefix="ma-chaos-") as folder:
        shop = Running(Path(folder), free_port(), DEMO="1", SOCKET_FRAMES_PER_S="100000", SOCKET_QUESTIONS_PER_S="1000")
        try:
            shop.wait_ready()
            return list(_wreak(shop))
        finally:
            shop.stop()


def _wreak(shop: Running) -> Iterator[Table]:
    token = token_of(shop.port)
    with Shopper.back_at(shop.port, token) as shopper:
        answers = [shopper.answer(f"how much is Berserk volume {n}?")["message_id"] for n in range(1, ANSWERS + 1)]
        conversation = str(shopper.ready["conversation_id"])
    began = time.monotonic()
    with Havoc(shop, seed=11, victims=VICTIMS, pauses=(1.0, 5.0), watch=True) as havoc:
        acknowledged, again = _rate(shop, answers, conversation, token)
    lasted = time.monotonic() - began
    stopped = time.monotonic()
    until(lambda: not _unfinished(shop), "every row done", within_s=180)
    drained = time.monotonic() - stopped
    stored = ask_database(shop, "SELECT id FROM outbox_outboxmessage WHERE topic = 'feedback'")
    rows = {str(uuid.UUID(each)) for (each,) in stored}
    applied = {each for (each,) in ask_database(shop, "SELECT key FROM outbox_inboxkey WHERE consumer = 'feedback'")}
    ((counted,),) = ask_database(shop, "SELECT SUM(up + down) FROM chat_feedbackcount")
    yield Table(
        title=f"Chaos: {OPINIONS:,} opinions",
        columns=["", "count"],
        rows=[
            ["seconds", f"{lasted:.0f}"],
            ["kills", f"{len(havoc.killed)}"],
            ["acknowledged", f"{acknowledged:,}"],
            ["sent again, for want of an acknowledgement", f"{again:,}"],
            ["stored, and to be applied", f"{len(rows):,}"],
            ["applied", f"{len(applied):,}"],
            ["stored and not applied", f"{len(rows - applied):,}"],
            ["answers counted twice", f"{counted - ANSWERS:,}"],
        ],
        note=f"Everything was applied {drained:.1f} s after the last opinion. An opinion that was stored but whose "
        "acknowledgement was lost is sent and stored again; counting takes each answer's last one.",
    )
    yield Table(
        title="Chaos: from the kill until `/readyz` is green again",
        columns=["", "kills", "median s", "longest s"],
        rows=[
            [name, str(len(times)), f"{median(times):.1f}", f"{max(times):.1f}"]
            for name, times in sorted(havoc.recovered.items())
        ],
        note="A worker's last heartbeats are taken away with it, so that only a new one's count. `/readyz` does not "
        "ask for the batch worker: its time is that of its process.",
    )


def _rate(shop: Running, answers: list[str], conversation: str, token: str) -> tuple[int, int]:
    """(acknowledged, sent again)"""
    acknowledged = again = 0
    began = time.monotonic()
    frames = [
        {
            "type": "feedback",
            "client_msg_id": str(uuid.uuid4()),
            "message_id": answers[number % ANSWERS],
            "rating": 1 if number // ANSWERS % 2 else -1,
        }
        for number in range(OPINIONS)
    ]
    while acknowledged < OPINIONS:
        try:
            with Shopper.back_at(shop.port, token, conversation_id=conversation) as shopper:
                while acknowledged < OPINIONS:
                    shopper.send(**frames[acknowledged])
                    _await_saved(shopper, str(frames[acknowledged]["client_msg_id"]))
                    acknowledged += 1
                    time.sleep(max(0.0, began + acknowledged / PER_S - time.monotonic()))
        except LOST:
            again += 1
            time.sleep(0.2)
    return acknowledged, again


def _await_saved(shopper: Shopper, sent: str) -> None:
    while True:
        frame = orjson.loads(shopper.socket.recv(timeout=20))
        if frame["type"] == "saved" and frame["client_msg_id"] == sent:
            return
        if frame["type"] == "error":
            raise ConnectionError(frame["message"])


def _unfinished(shop: Running) -> int:
    query = "SELECT COUNT(*) FROM outbox_outboxmessage WHERE topic = 'feedback' AND status <> 'done'"
    return int(ask_database(shop, query)[0][0] + ask_database(shop, "SELECT COUNT(*) FROM outbox_queuedmessage")[0][0])
