"""Every analytics stream keeps the same promises: the database's, and Amazon Kinesis (moto)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import orjson
import pytest
from moto import mock_aws

from chat.records import TurnRecord
from mangaassist.analytics.backends import streams
from mangaassist.analytics.backends.base import AnalyticsStream
from mangaassist.analytics.backends.kinesis import KinesisStream
from mangaassist.analytics.buffer import EventBuffer
from mangaassist.analytics.events import NothingFound, found_nothing
from mangaassist.analytics.models import AnalyticsEvent
from mangaassist.outbox import relay
from mangaassist.outbox.delivery import enqueue
from mangaassist.outbox.models import OutboxMessage
from tests.journeys.shopper import Socket, token
from tests.shop.catalogue import lay_small_catalogue

pytestmark = pytest.mark.django_db(transaction=True)

Read = Callable[[], list[dict[str, Any]]]


def _read_kinesis() -> list[dict[str, Any]]:
    client = boto3.client("kinesis")
    shard = client.describe_stream(StreamName="events")["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = client.get_shard_iterator(StreamName="events", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    found = client.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    return [orjson.loads(record["Data"]) for record in found]


@pytest.fixture(params=["database", "kinesis"])
def stream(request: pytest.FixtureRequest, settings: Any) -> Iterator[tuple[AnalyticsStream, Read]]:
    settings.OUTBOX_WAKE = False
    if request.param == "database":
        yield streams["default"], lambda: [row.body for row in AnalyticsEvent.objects.order_by("id")]
        return
    with mock_aws():
        boto3.client("kinesis").create_stream(StreamName="events", ShardCount=1)
        settings.ANALYTICS = {
            "default": {
                "BACKEND": "mangaassist.analytics.backends.kinesis.KinesisStream",
                "OPTIONS": {"stream": "events"},
            }
        }
        yield streams["default"], _read_kinesis


def record(n: int) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat()
    return {"record_id": f"r{n}", "event": "test", "schema": 1, "session_id": "s", "at": at, "n": n}


def test_records_arrive(stream: tuple[AnalyticsStream, Read]) -> None:
    put, read = stream
    assert list(put.put([record(n) for n in range(3)])) == []
    assert [each["n"] for each in read()] == [0, 1, 2]


async def test_a_finished_turn_arrives_redacted_and_without_live_values(
    stream: tuple[AnalyticsStream, Read], monkeypatch: pytest.MonkeyPatch
) -> None:
    from asgiref.sync import sync_to_async

    buffer = EventBuffer(interval_s=3600)
    monkeypatch.setattr("mangaassist.analytics.receivers.buffer", buffer)
    await sync_to_async(lay_small_catalogue)()
    async with Socket() as socket:
        await socket.hello(token())
        response = await socket.answer("my mail is someone@example.com, is Berserk 3 in stock?")
        assert "$14.99" in response["content"]

    def deliver() -> list[dict[str, Any]]:
        buffer.flush()
        assert relay.drain("analytics") == 1
        return stream[1]()

    (event,) = [each for each in await sync_to_async(deliver)() if each["event"] == "turn_finished"]
    assert event["schema"] == 1
    assert event["message"] == "my mail is [email], is Berserk 3 in stock?"
    assert "{{price:BERSERK-EN-3}}" in event["response"]
    assert "14.99" not in orjson.dumps(event).decode()
    assert event["intent"] == "availability"
    assert event["turn_id"] == response["turn_id"]
    assert event["latency_ms"] > 0
    assert event["cache"]["misses"] >= 1


@pytest.mark.parametrize(
    ("intent", "cards", "status", "found"),
    [
        ("search", [], "complete", False),
        ("search", [{"id": "B1"}], "complete", True),
        ("unknown_title", [], "complete", False),
        ("other", [], "complete", False),
        ("greeting", [], "complete", True),
        ("next_volume", [], "complete", True),
        ("search", [], "stopped", True),
    ],
)
def test_a_question_that_found_nothing_is_told(
    intent: str, cards: list[dict[str, Any]], status: str, found: bool
) -> None:
    told = TurnRecord(
        session_id="s", turn_id="t", customer_id="", message="any Golgo 13? write to a@example.com", response="No.",
        status=status, intent=intent, confidence=0.9, language="en", generator="composer", engine="", latency_ms=1.0,
        first_delta_ms=1.0, steps=[], notes=[], generation={}, cards=cards, cache=[], at=datetime.now(UTC),
    )  # fmt: skip
    assert found_nothing(told) is not found
    assert NothingFound.of(told).message == "any Golgo 13? write to [email]"


def test_only_what_kinesis_refused_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        kinesis = KinesisStream(stream="events")
    sent: list[list[int]] = []

    def put_records(StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:
        places = [orjson.loads(entry["Data"])["n"] for entry in Records]
        sent.append(places)
        bad = 1 if len(sent) == 1 else None
        results = [{"ErrorCode": "ProvisionedThroughputExceededException"} if n == bad else {} for n in places]
        return {"FailedRecordCount": sum("ErrorCode" in each for each in results), "Records": results}

    monkeypatch.setattr(kinesis._client, "put_records", put_records)
    assert list(kinesis.put([record(n) for n in range(3)])) == []
    assert sent == [[0, 1, 2], [1]]


def test_an_outage_of_the_stream_loses_nothing(settings: Any) -> None:
    settings.OUTBOX_WAKE = False
    buffer = EventBuffer(interval_s=3600)
    buffer.append(record(1))
    assert buffer.flush() == 1
    settings.ANALYTICS = {
        "default": {"BACKEND": "mangaassist.analytics.backends.kinesis.KinesisStream", "OPTIONS": {"stream": "none"}}
    }
    with mock_aws():
        assert relay.drain("analytics") == 0
    assert OutboxMessage.objects.get().status == "waiting"


def test_a_record_that_is_too_big_goes_without_the_end_of_its_texts(
    stream: tuple[AnalyticsStream, Read],
) -> None:
    put, read = stream
    long = record(1) | {"turn_id": "t", "message": "why?", "response": "because " * 200_000}
    assert not put.put([record(0), long])
    told = read()[1]
    assert told["message"] == "why?"
    assert (told["turn_id"], told.get("truncated", False)) == ("t", isinstance(put, KinesisStream))
    assert ("because " * 200_000).startswith(told["response"])
    assert len(told["response"]) > 1_000_000


def test_a_record_that_will_never_fit_is_parked_alone(stream: tuple[AnalyticsStream, Read], settings: Any) -> None:
    put, read = stream
    if not isinstance(put, KinesisStream):
        pytest.skip("The database takes any size.")
    enqueue("analytics", {"records": [record(0), record(1) | {"cards": ["B1"] * 300_000}, record(2)]})
    assert relay.drain("analytics") == 1
    assert [each["n"] for each in read()] == [0, 2]
    parked = OutboxMessage.objects.get(status="parked")
    assert parked.error.startswith("Too big for Amazon Kinesis: ")
    assert [each["n"] for each in parked.payload["records"]] == [1]
    # Delivered again (a relay died before its note of it), it is parked once; tried again by a person, at once.
    OutboxMessage.objects.exclude(pk=parked.pk).update(status="waiting")
    assert relay.drain("analytics") == 1
    relay.retry_now([parked])
    assert relay.drain("analytics") == 0
    assert OutboxMessage.objects.get(status="parked").attempts == 1


def test_a_full_buffer_drops_and_counts() -> None:
    buffer = EventBuffer(capacity=2, interval_s=3600)
    for n in range(5):
        buffer.append(record(n))
    assert (len(buffer), buffer.dropped) == (2, 3)
