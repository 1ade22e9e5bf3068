"""A hostile AWS through real boto3: only what failed goes again, nothing is lost, nothing is applied twice, and what
hung is asked again without anybody's hands."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import orjson
import pytest
from botocore.config import Config

from chat.backends.base import RememberedTurn
from chat.backends.dynamodb import DynamoMemory
from mangaassist import aws, breaker
from mangaassist.outbox import consumers, relay
from mangaassist.outbox.backends import feedback_queues
from mangaassist.outbox.backends.base import QueueUnavailable
from mangaassist.outbox.delivery import enqueue
from mangaassist.outbox.models import InboxKey, OutboxMessage
from tests.backends.hostile import (
    Hanging,
    Outside,
    error,
    hang_up,
    hostile_outside,
    lose_answer,
    refuse_if,
    take_all_but,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Outside]:
    settings.OUTBOX_WAKE = False
    # The same clients, less patient.
    quick = Config(connect_timeout=0.5, read_timeout=0.5, retries={"total_max_attempts": 2, "mode": "standard"})
    monkeypatch.setitem(aws._CONFIGS, "worker", aws._CONFIGS["worker"].merge(quick))
    with hostile_outside() as outside:
        monkeypatch.setenv("AWS_ENDPOINT_URL", outside.address)
        yield outside


def due_now() -> None:
    """The pauses between attempts are over."""
    OutboxMessage.objects.filter(status="waiting").update(due_at="2000-01-01T00:00:00Z")


def deliver(topic: str, *, rounds: int = 8) -> None:
    for _ in range(rounds):
        due_now()
        relay.drain(topic)
        if not OutboxMessage.objects.filter(topic=topic).exclude(status="done").exists():
            return
    raise AssertionError(list(OutboxMessage.objects.values_list("status", "error")))


# --- Kinesis: analytics


@pytest.fixture
def read_events(outside: Outside, settings: Any) -> Callable[[], list[dict[str, Any]]]:
    """The records that stand in the stream, asked for behind the proxy's back."""
    client = boto3.client("kinesis", endpoint_url=outside.behind)
    client.create_stream(StreamName="events", ShardCount=1)
    settings.ANALYTICS = {
        "default": {"BACKEND": "mangaassist.analytics.backends.kinesis.KinesisStream", "OPTIONS": {"stream": "events"}}
    }

    def read() -> list[dict[str, Any]]:
        shard = client.list_shards(StreamName="events")["Shards"][0]["ShardId"]
        iterator = client.get_shard_iterator(StreamName="events", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        return [orjson.loads(each["Data"]) for each in client.get_records(**_only(iterator))["Records"]]

    return read


def _only(iterator: dict[str, Any]) -> dict[str, Any]:
    return {"ShardIterator": iterator["ShardIterator"]}


def enqueue_events(*numbers: int) -> None:
    at = datetime.now(UTC).isoformat()
    records = [
        {"record_id": f"r{n}", "event": "test", "schema": 1, "session_id": "s", "at": at, "n": n} for n in numbers
    ]
    enqueue("analytics", {"records": records})


def test_of_records_only_the_refused_ones_go_again(
    outside: Outside, read_events: Callable[[], list[dict[str, Any]]]
) -> None:
    enqueue_events(*range(6))
    outside.will("PutRecords", take_all_but(1, 3), take_all_but(0))
    deliver("analytics", rounds=1)
    assert [len(each["Records"]) for each in outside.asked_for("PutRecords")] == [6, 2, 1]
    assert sorted(each["n"] for each in read_events()) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "trouble",
    [
        [hang_up],
        [error(503, "ServiceUnavailable")],
        [error(400, "ThrottlingException")] * 3,
        [error(500, "InternalFailure"), take_all_but(0, 1, 2), take_all_but(0, 1, 2)],
    ],
    ids=["hangs up", "503", "throttled", "all at once"],
)
def test_records_arrive_once_after_any_trouble(
    outside: Outside, read_events: Callable[[], list[dict[str, Any]]], trouble: list[Any]
) -> None:
    enqueue_events(0, 1, 2)
    outside.will("PutRecords", *trouble)
    deliver("analytics")
    assert sorted(each["n"] for each in read_events()) == [0, 1, 2]


def test_a_record_for_which_a_whole_call_is_refused_is_parked_alone(
    outside: Outside, read_events: Callable[[], list[dict[str, Any]]]
) -> None:
    enqueue_events(*range(6))
    enqueue_events(6)
    outside.will("PutRecords", *[refuse_if(lambda data: '"n":3' in data)] * 20)
    assert relay.drain("analytics") == 2
    assert sorted(each["n"] for each in read_events()) == [0, 1, 2, 4, 5, 6]
    parked = OutboxMessage.objects.get(status="parked")
    assert [each["n"] for each in parked.payload["records"]] == [3]
    assert parked.error == "Amazon Kinesis: ValidationException: injected"
    # Tried again by a person it has the attempts of any other row, and is parked again.
    relay.retry_now([parked])
    for _ in range(12):
        assert OutboxMessage.objects.filter(status="waiting").count() == 1
        due_now()
        assert relay.drain("analytics") == 0
    assert OutboxMessage.objects.get(status="parked").attempts == 12


def test_records_whose_answer_was_lost_can_be_told_apart(
    outside: Outside, read_events: Callable[[], list[dict[str, Any]]]
) -> None:
    enqueue_events(0, 1)
    outside.will("PutRecords", lose_answer)
    deliver("analytics")
    there = read_events()
    assert len(there) == 4
    assert {each["record_id"] for each in there} == {"r0", "r1"}


def test_what_hangs_is_left_alone_and_asked_again_by_itself(
    outside: Outside, read_events: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(4):
        enqueue_events(n)
    hanging = Hanging()
    outside.will("PutRecords", *[hanging] * 20)
    for _ in range(3):
        due_now()
        relay.drain("analytics")
    mine = breaker.registry["kinesis.analytics"]
    assert mine.state == "open"
    asked = len(outside.asked)
    due_now()
    relay.drain("analytics")
    assert len(outside.asked) == asked
    assert set(OutboxMessage.objects.values_list("status", flat=True)) == {"waiting"}
    assert "Amazon Kinesis failed lately." in OutboxMessage.objects.values_list("error", flat=True)[0]

    # It recovers; the breaker's pause is over.
    outside.be_good()
    hanging.free.set()
    monkeypatch.setattr(mine, "_pause_s", 0.0)
    deliver("analytics")
    assert mine.state == "closed"
    assert {each["n"] for each in read_events()} == {0, 1, 2, 3}


# --- SQS: feedback


@pytest.fixture
def applied(outside: Outside, settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    url = boto3.client("sqs", endpoint_url=outside.behind).create_queue(QueueName="feedback")["QueueUrl"]
    options = {"queue_url": url, "visibility_s": 0}
    settings.FEEDBACK_QUEUES = {"default": {"BACKEND": "mangaassist.outbox.backends.sqs.SqsQueue", "OPTIONS": options}}
    applied: list[int] = []
    monkeypatch.setitem(consumers._consumers, "feedback", consumers.find_consumer("feedback"))
    consumers.register_queue_consumer(
        "feedback", lambda: feedback_queues["default"], lambda body: applied.append(body["n"])
    )
    return applied


def consume_all() -> None:
    """As the process does it: an outage is waited for, an empty queue ends it."""
    for _ in range(20):
        try:
            if not consumers.consume("feedback"):
                return
        except QueueUnavailable:
            breaker.registry["sqs.feedback"].reset()
    raise AssertionError("never empty")


def test_of_messages_only_the_refused_ones_go_again(outside: Outside, applied: list[int]) -> None:
    for n in range(5):
        enqueue("feedback", {"n": n})
    outside.will("SendMessageBatch", take_all_but(0, 4))
    assert relay.drain("feedback") == 3
    due_now()
    assert relay.drain("feedback") == 2
    assert [len(each["Entries"]) for each in outside.asked_for("SendMessageBatch")] == [5, 2]
    consume_all()
    assert sorted(applied) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("operation", "trouble"),
    [
        ("SendMessageBatch", [lose_answer]),
        ("SendMessageBatch", [hang_up, error(503, "ServiceUnavailable"), lose_answer]),
        ("SendMessageBatch", [error(400, "ThrottlingException")] * 3),
        ("ReceiveMessage", [lose_answer, error(500, "InternalFailure"), hang_up]),
        ("DeleteMessageBatch", [hang_up, hang_up]),
        ("DeleteMessageBatch", [lose_answer, error(503, "ServiceUnavailable")]),
    ],
)
def test_feedback_is_applied_once_after_any_trouble(
    outside: Outside, applied: list[int], operation: str, trouble: list[Any]
) -> None:
    for n in range(3):
        enqueue("feedback", {"n": n})
    outside.will(operation, *trouble)
    deliver("feedback")
    consume_all()
    assert sorted(applied) == [0, 1, 2]
    assert InboxKey.objects.count() == 3


# --- DynamoDB: memory


@pytest.fixture
def memory(outside: Outside) -> DynamoMemory:
    boto3.client("dynamodb", endpoint_url=outside.behind).create_table(
        TableName="memory",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "conversation_id", "AttributeType": "S"},
            {"AttributeName": "turn", "AttributeType": "N"},
        ],
        KeySchema=[
            {"AttributeName": "conversation_id", "KeyType": "HASH"},
            {"AttributeName": "turn", "KeyType": "RANGE"},
        ],
    )
    return DynamoMemory(table="memory")


def turn(number: int) -> RememberedTurn:
    return RememberedTurn(
        conversation_id="c", number=number, turn_id=str(uuid.UUID(int=number)), said=f"question {number}",
        answered=f"answer {number}", dialogue={}, at=datetime.now(UTC),
    )  # fmt: skip


def test_a_turn_whose_answer_was_lost_is_remembered_once(outside: Outside, memory: DynamoMemory) -> None:
    outside.will("PutItem", lose_answer, lose_answer, error(400, "ThrottlingException"))
    turns = [turn(1), turn(2)]
    failed = memory.append(turns)
    while failed:
        failed = memory.append([each for each in turns if each.turn_id in failed])
    lines = memory.load("c", after_turn=turns[1].turn_id).lines
    assert [line.text for line in lines] == ["question 1", "answer 1", "question 2", "answer 2"]


def test_memory_that_hangs_costs_a_batch_its_first_turns_only(outside: Outside, memory: DynamoMemory) -> None:
    hanging = Hanging()
    outside.will("PutItem", *[hanging] * 20)
    failed = memory.append([turn(n) for n in range(1, 9)])
    hanging.free.set()
    assert len(failed) == 8
    # Three turns of two attempts each; then nobody asks.
    assert len(outside.asked_for("PutItem")) == 6
    assert failed[turn(8).turn_id] == "Amazon DynamoDB failed lately."
