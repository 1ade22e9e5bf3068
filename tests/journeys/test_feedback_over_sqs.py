"""An opinion through a real queue outside: the consumer is there without anybody starting it, and back when killed."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import orjson
import pytest

from tests.backends.hostile import Outside, error, hostile_outside, lose_answer
from tests.journeys.havoc import ask_database
from tests.journeys.test_faults import Shopper
from tests.mangaassist.open_shop import open_shop
from tests.mangaassist.running import Running, until

pytestmark = pytest.mark.process


@pytest.fixture
def outside() -> Iterator[Outside]:
    with hostile_outside() as outside:
        yield outside


@pytest.fixture
def running(outside: Outside, tmp_path: Path) -> Iterator[Running]:
    url = boto3.client("sqs", endpoint_url=outside.behind).create_queue(QueueName="feedback")["QueueUrl"]
    queue = {"FEEDBACK_QUEUE": "sqs", "FEEDBACK_QUEUE_URL": url, "AWS_ENDPOINT_URL": outside.address}
    with open_shop(tmp_path, **queue) as shop:
        yield shop


def consumer_of(running: Running) -> int | None:
    found = [pid for command, pid in running.children().items() if "consume feedback" in command]
    return found[0] if found else None


def processed(running: Running) -> int:
    query = "SELECT COUNT(*) FROM chat_feedback WHERE processed_at IS NOT NULL"
    return int(ask_database(running, query)[0][0])


def rate(shopper: Shopper, message_id: str) -> None:
    sent = str(uuid.uuid4())
    shopper.send(type="feedback", client_msg_id=sent, message_id=message_id, rating="up")
    while orjson.loads(shopper.socket.recv(timeout=30))["type"] != "saved":
        pass


def test_feedback_goes_round_by_itself_whatever_happens_to_queue_and_consumer(
    running: Running, outside: Outside
) -> None:
    with Shopper.at(running.port) as shopper:
        first = shopper.answer("how much is Berserk volume 1?")["message_id"]
        second = shopper.answer("how much is Berserk volume 2?")["message_id"]
        rate(shopper, first)
        until(lambda: processed(running) == 1, "the first one processed")

        consumer = consumer_of(running)
        assert consumer is not None
        outside.will("SendMessageBatch", error(503, "ServiceUnavailable"), lose_answer)
        os.kill(consumer, signal.SIGKILL)
        rate(shopper, second)
        until(lambda: processed(running) == 2, "the second one processed")
        assert consumer_of(running) not in {None, consumer}
    assert ask_database(running, "SELECT SUM(up), SUM(down) FROM chat_feedbackcount") == [(2, 0)]
