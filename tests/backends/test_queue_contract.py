"""Every feedback queue keeps the same promises: the database's, and Amazon SQS (moto)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from django.db import connection
from moto import mock_aws

from mangaassist.outbox import consumers, relay
from mangaassist.outbox.backends import feedback_queues
from mangaassist.outbox.backends.base import Outgoing, Queue, QueueUnavailable
from mangaassist.outbox.backends.database import DatabaseQueue
from mangaassist.outbox.backends.sqs import SqsQueue
from mangaassist.outbox.models import InboxKey, OutboxMessage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["database", "sqs"])
def queue(request: pytest.FixtureRequest, settings: Any) -> Iterator[Queue]:
    settings.OUTBOX_WAKE = False
    if request.param == "database":
        options: dict[str, Any] = {"visibility_s": 0.0}
        settings.FEEDBACK_QUEUES = {
            "default": {"BACKEND": "mangaassist.outbox.backends.database.DatabaseQueue", "OPTIONS": options}
        }
        yield feedback_queues["default"]
        return
    with mock_aws():
        url = boto3.client("sqs").create_queue(QueueName="feedback")["QueueUrl"]
        settings.FEEDBACK_QUEUES = {
            "default": {
                "BACKEND": "mangaassist.outbox.backends.sqs.SqsQueue",
                "OPTIONS": {"queue_url": url, "visibility_s": 0},
            }
        }
        yield feedback_queues["default"]


def take_with(apply: Callable[[dict[str, Any]], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another consumer of feedback than the shop's."""
    monkeypatch.setitem(consumers._consumers, "feedback", consumers.find_consumer("feedback"))
    consumers.register_queue_consumer("feedback", lambda: feedback_queues["default"], apply)


def test_what_is_sent_is_received_with_its_id_until_it_is_deleted(queue: Queue) -> None:
    assert queue.send([Outgoing(f"id-{n}", {"n": n}) for n in range(3)]) == {}
    received = queue.receive()
    assert sorted((message.id, message.body["n"]) for message in received) == [("id-0", 0), ("id-1", 1), ("id-2", 2)]
    again = queue.receive()
    assert {message.id for message in again} == {"id-0", "id-1", "id-2"}
    assert {message.count for message in again} == {2}
    queue.delete(again)
    assert queue.receive() == []


def test_more_than_a_batch_is_sent_in_batches(queue: Queue) -> None:
    assert queue.send([Outgoing(f"id-{n}", {"n": n}) for n in range(23)]) == {}
    seen: set[str] = set()
    while received := queue.receive():
        seen |= {message.id for message in received}
        queue.delete(received)
    assert len(seen) == 23


def test_feedback_travels_from_the_outbox_through_the_queue_and_is_applied_once(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied: list[dict[str, Any]] = []
    take_with(applied.append, monkeypatch)
    from mangaassist.outbox.delivery import enqueue

    enqueue("feedback", {"rating": 1, "message_id": "m"})
    assert relay.drain("feedback") == 1
    # A relay that died after sending: the same row is delivered again.
    OutboxMessage.objects.update(status="waiting")
    assert relay.drain("feedback") == 1
    while consumers.consume("feedback"):
        pass
    assert applied == [{"rating": 1, "message_id": "m"}]
    assert InboxKey.objects.count() == 1


def test_a_message_that_fails_stays_and_one_that_is_nonsense_goes(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = iter([RuntimeError("database away"), None])

    def apply(body: dict[str, Any]) -> None:
        if body.get("nonsense"):
            raise consumers.MessageRefused("nonsense")
        outcome = next(outcomes)
        if outcome is not None:
            raise outcome

    take_with(apply, monkeypatch)
    queue.send([Outgoing("a", {"nonsense": True})])
    assert consumers.consume("feedback") == 1
    # Where an operator sees it.
    parked = OutboxMessage.objects.parked().get()
    assert (parked.topic, parked.payload, parked.error) == (
        "feedback",
        {"nonsense": True},
        "Refused by its consumer: nonsense",
    )
    queue.send([Outgoing("b", {})])
    assert consumers.consume("feedback") == 0
    assert consumers.consume("feedback") == 1
    assert queue.receive() == []


def test_any_character_and_any_size_of_batch_travels(queue: Queue) -> None:
    # PostgreSQL keeps no NUL; what shoppers write has lost it before.
    nul = "" if connection.vendor == "postgresql" else "\x00"
    bodies: list[dict[str, Any]] = [
        {"comment": f"\ufffe\uffff{nul}\x1f漫🦊"},
        *({"comment": "x" * 400_000, "n": n} for n in range(5)),
    ]
    assert queue.send([Outgoing(f"id-{n}", body) for n, body in enumerate(bodies)]) == {}
    received: dict[str, dict[str, Any]] = {}
    while taken := queue.receive():
        received |= {message.id: message.body for message in taken}
        queue.delete(taken)
    assert [received[f"id-{n}"] for n in range(6)] == bodies


def test_a_message_that_is_too_big_for_sqs_is_parked_at_once_and_holds_up_nobody(queue: Queue) -> None:
    if not isinstance(queue, SqsQueue):
        pytest.skip("The database takes any size.")
    from mangaassist.outbox.delivery import enqueue

    for body in ({"n": 1}, {"n": 2, "comment": "x" * 1_100_000}, {"n": 3}):
        enqueue("feedback", body)
    assert relay.drain("feedback") == 2
    assert OutboxMessage.objects.get(status="parked").error.startswith("Too big for Amazon SQS: 11000")
    assert sorted(message.body["n"] for message in queue.receive()) == [1, 3]


def test_a_message_that_this_queue_does_not_take_is_parked_in_the_end_and_holds_up_nobody(queue: Queue) -> None:
    if not isinstance(queue, SqsQueue):
        pytest.skip("The database takes any size.")
    from mangaassist.outbox.delivery import enqueue

    # Of less than the service allows: SQS refuses the whole call with HTTP 400.
    boto3.client("sqs").set_queue_attributes(QueueUrl=queue.queue_url, Attributes={"MaximumMessageSize": "2048"})
    for body in ({"n": 1}, {"n": 2, "comment": "x" * 3_000}, {"n": 3}):
        enqueue("feedback", body)
    assert relay.drain("feedback") == 2
    assert sorted(message.body["n"] for message in queue.receive()) == [1, 3]
    for _ in range(11):
        assert OutboxMessage.objects.exclude(status="done").get().status == "waiting"
        OutboxMessage.objects.filter(status="waiting").update(due_at="2000-01-01T00:00:00Z")
        assert relay.drain("feedback") == 0
    parked = OutboxMessage.objects.get(status="parked")
    assert (parked.payload["n"], parked.error[:34]) == (2, "Amazon SQS: InvalidParameterValue:")


def test_a_queue_that_is_gone_parks_nothing(queue: Queue) -> None:
    if not isinstance(queue, SqsQueue):
        pytest.skip("The table is always there.")
    from mangaassist.outbox.delivery import enqueue

    boto3.client("sqs").delete_queue(QueueUrl=queue.queue_url)
    enqueue("feedback", {"n": 1})
    OutboxMessage.objects.update(attempts=50)
    assert relay.drain("feedback") == 0
    assert OutboxMessage.objects.get().status == "waiting"


@pytest.mark.django_db
def test_a_message_received_too_often_is_a_dead_letter() -> None:
    queue = DatabaseQueue(visibility_s=0.0, max_receives=2)
    queue.send([Outgoing("a", {})])
    assert [len(queue.receive()) for _ in range(4)] == [1, 1, 0, 0]


def test_sqs_tells_of_what_it_did_not_delete(caplog: pytest.LogCaptureFixture) -> None:
    with mock_aws():
        queue = SqsQueue(queue_url=boto3.client("sqs").create_queue(QueueName="feedback")["QueueUrl"])
        queue.send([Outgoing("a", {}), Outgoing("b", {})])
        first, second = queue.receive()
        # Another queue's, as far as SQS can tell.
        queue.delete([first, replace(second, receipt="nonsense")])
    assert "sqs_message_not_deleted" in caplog.text
    assert f"'id': '{second.id}'" in caplog.text
    assert f"'id': '{first.id}'" not in caplog.text


def test_sqs_names_what_it_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        url = boto3.client("sqs").create_queue(QueueName="feedback")["QueueUrl"]
        queue = SqsQueue(queue_url=url)
        refuse = {"Failed": [{"Id": "1", "Code": "InternalError", "Message": "later", "SenderFault": False}]}
        monkeypatch.setattr(queue._client, "send_message_batch", lambda **kwargs: refuse)
        assert queue.send([Outgoing("a", {}), Outgoing("b", {})]) == {"b": "InternalError: later"}
        gone = SqsQueue(queue_url=url + "-gone")
        with pytest.raises(QueueUnavailable):
            gone.send([Outgoing("a", {})])


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("not JSON", {"unreadable": "not JSON"}),
        ("[1]", {"unreadable": "[1]"}),
        ('{"schema": 2, "answer": "a-new-name"}', {"schema": 2, "answer": "a-new-name"}),
        ('{"schema": 1, "message_id": "x"}', {"schema": 1, "message_id": "x"}),
    ],
)
def test_what_a_consumer_refuses_is_kept_where_a_person_can_try_it_again(
    settings: Any, sent: str, kept: dict[str, Any]
) -> None:
    settings.OUTBOX_WAKE = False
    with mock_aws():
        client = boto3.client("sqs")
        url = client.create_queue(QueueName="feedback")["QueueUrl"]
        settings.FEEDBACK_QUEUES = {
            "default": {"BACKEND": "mangaassist.outbox.backends.sqs.SqsQueue", "OPTIONS": {"queue_url": url}}
        }
        client.send_message(QueueUrl=url, MessageBody=sent)
        assert consumers.consume("feedback") == 1
        parked = OutboxMessage.objects.get()
        assert (parked.topic, parked.status, parked.payload) == ("feedback", "parked", kept)
        assert parked.error.startswith("Refused by its consumer: message_id is missing or no UUID (schema: ")
        assert InboxKey.objects.count() == 0

        # Tried again it travels the whole way, and is refused again.
        relay.retry_now([parked])
        assert relay.drain("feedback") == 1
        assert consumers.consume("feedback") == 1
        assert [row.payload for row in OutboxMessage.objects.parked()] == [kept]
