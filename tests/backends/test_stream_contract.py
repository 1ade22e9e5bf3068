"""Every stream keeps the same promises to its readers: the database's, and Amazon Kinesis (moto)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from django.utils import timezone
from moto import mock_aws

from mangaassist.outbox import shards
from mangaassist.outbox.backends import reindex_streams
from mangaassist.outbox.backends.base import Outgoing, Record, Stream, StreamUnavailable
from mangaassist.outbox.backends.database_stream import DatabaseStream
from mangaassist.outbox.backends.kinesis_stream import KinesisStream
from mangaassist.outbox.delivery import park
from mangaassist.outbox.models import OutboxMessage, ShardLease
from mangaassist.outbox.shards import ShardReader
from mangaassist.outbox.topics import Hopeless, Outage

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "rag-reindex"


@pytest.fixture(params=["database", "kinesis"])
def stream(request: pytest.FixtureRequest, settings: Any) -> Iterator[Stream]:
    if request.param == "database":
        settings.REINDEX_STREAMS = {
            "default": {"BACKEND": "mangaassist.outbox.backends.database_stream.DatabaseStream", "OPTIONS": {}}
        }
        yield reindex_streams["default"]
        return
    with mock_aws():
        boto3.client("kinesis").create_stream(StreamName=NAME, ShardCount=2)
        settings.REINDEX_STREAMS = {
            "default": {
                "BACKEND": "mangaassist.outbox.backends.kinesis_stream.KinesisStream",
                "OPTIONS": {"stream": NAME},
            }
        }
        yield reindex_streams["default"]


def put(stream: Stream, *numbers: int) -> None:
    assert stream.put([Outgoing(f"id-{n}", {"n": n}) for n in numbers]) == {}


class Applied:
    """Notes what it is given; ``refuse`` names what it fails on."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.refuse: set[int] = set()

    def __call__(self, records: Sequence[Record]) -> None:
        if bad := self.refuse & {record.body["n"] for record in records}:
            raise ValueError(f"can't apply {sorted(bad)}")
        self.numbers += [record.body["n"] for record in records]


def test_what_is_put_is_read_once_with_its_id_however_often_one_looks(stream: Stream) -> None:
    put(stream, *range(30))
    seen: list[Record] = []
    reader = ShardReader("reindex", stream, seen.extend)
    assert reader.take() == 30
    assert reader.take() == 0
    put(stream, 30)
    assert reader.take() == 1
    assert sorted(record.body["n"] for record in seen) == list(range(31))
    assert {record.id for record in seen} == {f"id-{n}" for n in range(31)}


def test_another_reader_goes_on_where_the_first_one_ended(stream: Stream) -> None:
    first, second = Applied(), Applied()
    reader = ShardReader("reindex", stream, first)
    put(stream, 1, 2, 3)
    reader.take()
    put(stream, 4, 5)
    # The first one still has the shards.
    assert ShardReader("reindex", stream, second).take() == 0
    reader.let_go()
    assert ShardReader("reindex", stream, second).take() == 2
    assert (sorted(first.numbers), sorted(second.numbers)) == ([1, 2, 3], [4, 5])


def test_a_dead_readers_shards_are_read_when_its_lease_has_run_out(stream: Stream) -> None:
    put(stream, 1)
    ShardReader("reindex", stream, Applied()).take()
    put(stream, 2)
    ShardLease.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    applied = Applied()
    assert ShardReader("reindex", stream, applied).take() == 1
    assert applied.numbers == [2]


def test_what_was_not_applied_is_read_again_and_its_position_stays(stream: Stream) -> None:
    put(stream, 1, 2, 3)
    applied = Applied()
    applied.refuse = {2}
    reader = ShardReader("reindex", stream, applied)
    reader.take()
    assert 2 not in applied.numbers
    failed = ShardLease.objects.get(failures=1)
    assert "can't apply [2]" in failed.error
    # Not at once: the pause grows.
    applied.refuse = set()
    reader.take()
    assert 2 not in applied.numbers
    ShardLease.objects.update(retry_at=timezone.now())
    reader.take()
    assert sorted(applied.numbers) == [1, 2, 3]
    assert ShardLease.objects.filter(failures=0, error="").count() == ShardLease.objects.count()


def test_a_poison_record_is_parked_in_the_end_and_its_shard_goes_on(stream: Stream) -> None:
    put(stream, *range(10))
    applied = Applied()
    applied.refuse = {4}
    reader = ShardReader("reindex", stream, applied)
    for _ in range(shards.PATIENCE + 1):
        reader.take()
        ShardLease.objects.update(retry_at=timezone.now())
    assert sorted(applied.numbers) == [n for n in range(10) if n != 4]
    parked = OutboxMessage.objects.parked().get()
    assert (parked.topic, parked.payload["n"]) == ("reindex", 4)
    assert "can't apply [4]" in parked.error
    put(stream, 10)
    reader.take()
    assert applied.numbers[-1] == 10


def test_what_holds_a_character_that_no_database_takes_is_parked_all_the_same() -> None:
    body = {"a\0": ["\0b", {"c": "\0"}], "n": 1}
    for _ in range(2):
        park("reindex", "id\0", body, "\0 is no text")
    parked = OutboxMessage.objects.parked().get()
    assert parked.payload == {"a\ufffd": ["\ufffdb", {"c": "\ufffd"}], "n": 1}


def test_when_nothing_can_be_applied_nothing_is_parked(stream: Stream) -> None:
    """Then it is not the records' fault."""
    put(stream, *range(10))
    applied = Applied()
    applied.refuse = set(range(10))
    reader = ShardReader("reindex", stream, applied)
    for _ in range(shards.PATIENCE + 3):
        reader.take()
        ShardLease.objects.update(retry_at=timezone.now())
    assert not OutboxMessage.objects.parked().exists()
    applied.refuse = set()
    reader.take()
    assert sorted(applied.numbers) == list(range(10))


class Away(Outage):
    """What is read from does not answer."""


@pytest.mark.parametrize("count", [1, 10])
def test_an_outage_is_waited_for_however_long_it_lasts_and_parks_nothing(stream: Stream, count: int) -> None:
    put(stream, *range(count))
    applied: list[Record] = []
    is_away = True

    def apply(records: Sequence[Record]) -> None:
        if is_away:
            raise Away
        applied.extend(records)

    reader = ShardReader("reindex", stream, apply)
    for _ in range(shards.PATIENCE * 3):
        reader.take()
        ShardLease.objects.update(retry_at=timezone.now())
    assert not OutboxMessage.objects.exists()
    assert set(ShardLease.objects.values_list("failures", flat=True)) == {0}
    assert ShardLease.objects.filter(error__contains="Away").exists()
    is_away = False
    reader.take()
    assert len(applied) == count


def test_an_outage_in_the_middle_of_single_tries_parks_nothing_either() -> None:
    stream = DatabaseStream()
    put(stream, *range(5))
    tried: list[int] = []

    def apply(records: Sequence[Record]) -> None:
        tried.extend(record.body["n"] for record in records)
        if len(tried) > 30:
            raise Away
        raise ValueError("no")

    reader = ShardReader("reindex", stream, apply)
    for _ in range(shards.PATIENCE + 4):
        reader.take()
        ShardLease.objects.update(retry_at=timezone.now())
    assert not OutboxMessage.objects.exists()


def test_a_lease_holds_while_its_records_are_applied(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    """An apply that takes longer than the lease: nobody else begins the same."""
    monkeypatch.setattr(shards, "LEASE_S", 0.6)
    put(stream, 1)
    others = Applied()

    def slowly(records: Sequence[Record]) -> None:
        until = time.monotonic() + 2
        while time.monotonic() < until:
            ShardReader("reindex", stream, others).take()
            time.sleep(0.1)

    assert ShardReader("reindex", stream, slowly).take() == 1
    assert others.numbers == []


def test_leases_of_another_stream_or_of_shards_that_are_gone_hold_up_nothing(stream: Stream) -> None:
    for shard, of in (("0", "database:of old"), ("shardId-000000000000", "kinesis:of old"), ("gone", stream.identity)):
        ShardLease.objects.create(topic="reindex", stream=of, shard=shard, is_over=True)
        ShardLease.objects.create(topic="reindex", stream=of, shard=f"{shard} open")
    put(stream, 1, 2)
    applied = Applied()
    assert ShardReader("reindex", stream, applied).take() == 2
    assert set(ShardLease.objects.values_list("stream", flat=True)) == {stream.identity}


def test_a_reader_that_lost_its_lease_does_not_move_the_position(stream: Stream) -> None:
    put(stream, 1)
    taken_over: list[Record] = []

    def slowly(records: Sequence[Record]) -> None:
        # Meanwhile this reader is taken for dead and another one applies the same.
        ShardLease.objects.update(owner=uuid.uuid4(), leased_until=timezone.now() + timedelta(seconds=60))
        ShardLease.objects.exclude(position="").update(position="")
        taken_over.extend(records)

    ShardReader("reindex", stream, slowly).take()
    assert taken_over
    assert not ShardLease.objects.exclude(position="").exists()


def test_more_than_one_read_gives_is_read_in_turns(stream: Stream) -> None:
    for start in range(0, 1_200, 400):
        put(stream, *range(start, start + 400))
    applied = Applied()
    reader = ShardReader("reindex", stream, applied)
    while reader.take():
        pass
    assert sorted(applied.numbers) == list(range(1_200))


# --- What only Kinesis has ------------------------------------------------------------------------------------------


@pytest.fixture
def kinesis() -> Iterator[KinesisStream]:
    with mock_aws():
        boto3.client("kinesis").create_stream(StreamName=NAME, ShardCount=1)
        yield KinesisStream(stream=NAME)


def test_a_split_shards_children_are_read_after_its_end(kinesis: KinesisStream) -> None:
    put(kinesis, 1, 2, 3)
    client = boto3.client("kinesis")
    (parent,) = client.list_shards(StreamName=NAME)["Shards"]
    client.split_shard(StreamName=NAME, ShardToSplit=parent["ShardId"], NewStartingHashKey=str(2**127))
    put(kinesis, *range(4, 20))
    applied = Applied()
    reader = ShardReader("reindex", kinesis, applied)
    reader.take()
    before_children = set(ShardLease.objects.values_list("shard", flat=True))
    assert before_children == {parent["ShardId"]}
    for _ in range(4):
        reader.take()
    assert sorted(set(applied.numbers)) == list(range(1, 20))
    assert ShardLease.objects.get(shard=parent["ShardId"]).is_over
    children = {s["ShardId"] for s in client.list_shards(StreamName=NAME)["Shards"]} - {parent["ShardId"]}
    assert set(ShardLease.objects.filter(is_over=False).values_list("shard", flat=True)) == children


def test_what_is_no_object_comes_as_it_is(kinesis: KinesisStream) -> None:
    client = boto3.client("kinesis")
    for data in (b"not JSON", b"[1]", "日本語".encode(), b"\xff"):
        client.put_record(StreamName=NAME, Data=data, PartitionKey="x")
    (shard,) = kinesis.shards()
    read = kinesis.read(shard.id, "")
    unreadable = [record.body["unreadable"] for record in read.records]
    assert unreadable == ["not JSON", "[1]", "日本語", "\ufffd"]
    assert len({record.id for record in read.records}) == 4


def test_a_position_that_the_stream_no_longer_keeps_begins_with_the_oldest(kinesis: KinesisStream) -> None:
    (shard,) = kinesis.shards()
    put(kinesis, 1)
    refusal = ClientError({"Error": {"Code": "InvalidArgumentException", "Message": "trimmed"}}, "GetShardIterator")

    def too_old(params: dict[str, Any], **kwargs: Any) -> None:
        if params.get("ShardIteratorType") == "AFTER_SEQUENCE_NUMBER":
            raise refusal

    # moto keeps everything for ever.
    kinesis._client.meta.events.register("before-parameter-build.kinesis.GetShardIterator", too_old)
    assert [record.body["n"] for record in kinesis.read(shard.id, "4958").records] == [1]


def test_a_stream_made_anew_under_its_name_is_another_one(kinesis: KinesisStream) -> None:
    applied = Applied()
    reader = ShardReader("reindex", kinesis, applied)
    put(kinesis, 1, 2)
    reader.take()
    ShardLease.objects.update(is_over=True)
    boto3.client("kinesis").delete_stream(StreamName=NAME)
    boto3.client("kinesis").create_stream(StreamName=NAME, ShardCount=1)
    put(kinesis, 3)
    kinesis._identity = ("", 0.0)  # a minute later
    reader.take()
    assert applied.numbers[-1] == 3


def test_what_is_too_big_for_the_stream_is_told_as_hopeless(kinesis: KinesisStream) -> None:
    refused = kinesis.put([Outgoing("big", {"unreadable": "x" * 1024 * 1024}), Outgoing("small", {"n": 1})])
    assert list(refused) == ["big"]
    assert isinstance(refused["big"], Hopeless)


def test_a_stream_that_is_not_there_is_unavailable() -> None:
    with mock_aws():
        missing = KinesisStream(stream="missing")
        for ask in (lambda: missing.put([Outgoing("a", {})]), missing.shards, lambda: missing.read("shardId-0", "")):
            with pytest.raises(StreamUnavailable):
                ask()
