"""Amazon Kinesis Data Streams as a stream that we read as well (API facts: botocore's service model, 2013-12-02)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import orjson
from botocore.exceptions import ClientError
from django.core.exceptions import ImproperlyConfigured

from mangaassist import aws
from mangaassist.breaker import Breaker, BreakerOpen
from mangaassist.outbox.backends.base import Outgoing, Record, Shard, ShardRead, Stream, StreamUnavailable
from mangaassist.outbox.backends.kinesis_put import Entry, put_in_batches

T = TypeVar("T")
# So long a stream is believed to be the same.
IDENTITY_S = 60.0
# A shard gives at most 10,000 records a call, and five calls a second.
MOST_RECORDS = 10_000
# An iterator that outlived its five minutes, or a position that is older than what the stream keeps.
_STALE = frozenset({"ExpiredIteratorException", "InvalidArgumentException"})


class KinesisStream(Stream):
    """Positions are sequence numbers."""

    def __init__(self, *, stream: str = "", region: str = "") -> None:
        if not stream:
            raise ImproperlyConfigured("REINDEX_STREAM=kinesis needs KINESIS_REINDEX_STREAM.")
        self.stream = stream
        self._client: Any = aws.client("kinesis", "worker", region=region)
        self._breaker = Breaker("kinesis.reindex", failures=3)
        # shard → (position, the iterator that goes on from there)
        self._iterators: dict[str, tuple[str, str]] = {}
        self._closed: set[str] = set()
        self._identity = ("", 0.0)

    @property
    def identity(self) -> str:
        """Its name and the moment it was made; asked for once in a while."""
        identity, at = self._identity
        if not identity or time.monotonic() - at > IDENTITY_S:
            found = self._ask(partial(self._client.describe_stream_summary, StreamName=self.stream))
            made_at = found["StreamDescriptionSummary"]["StreamCreationTimestamp"]
            identity = f"kinesis:{self.stream}:{made_at.isoformat()}"
            self._identity = (identity, time.monotonic())
        return identity

    def put(self, messages: Sequence[Outgoing]) -> Mapping[str, str]:
        entries: list[Entry] = [
            {"Data": orjson.dumps({"id": message.id} | message.body), "PartitionKey": _partition(message)}
            for message in messages
        ]
        refused = self._ask(lambda: put_in_batches(self._client, self.stream, entries))
        return {messages[place].id: why for place, why in refused.items()}

    def shards(self) -> list[Shard]:
        found: list[Shard] = []
        wanted: dict[str, Any] = {"StreamName": self.stream}
        while True:
            answer = self._ask(partial(self._client.list_shards, **wanted))
            for each in answer["Shards"]:
                parents = (each.get("ParentShardId"), each.get("AdjacentParentShardId"))
                found.append(Shard(each["ShardId"], tuple(parent for parent in parents if parent)))
                if each["SequenceNumberRange"].get("EndingSequenceNumber"):
                    self._closed.add(each["ShardId"])
            if not answer.get("NextToken"):
                return found
            wanted = {"NextToken": answer["NextToken"]}

    def read(self, shard: str, after: str, *, limit: int = 500) -> ShardRead:
        try:
            answer = self._ask(lambda: self._get_records(shard, after, min(limit, MOST_RECORDS)))
        except StreamUnavailable:
            self._iterators.pop(shard, None)
            raise
        records = tuple(_record(each) for each in answer["Records"])
        position = records[-1].position if records else after
        following = answer.get("NextShardIterator")
        if following:
            self._iterators[shard] = (position, following)
        else:
            self._iterators.pop(shard, None)
        # A closed shard's last iterator is null; one that is known to be closed and has been read up is over too.
        read_up = shard in self._closed and not records and answer.get("MillisBehindLatest") == 0
        return ShardRead(records, position, is_over=not following or read_up)

    def _ask(self, call: Callable[[], T]) -> T:
        try:
            return self._breaker.call(call, failures=aws.FAILURES, counts=aws.is_unwell)
        except BreakerOpen as error:
            raise StreamUnavailable("Amazon Kinesis failed lately.") from error
        except aws.FAILURES as error:
            self._identity = ("", 0.0)
            raise StreamUnavailable(f"Amazon Kinesis: {aws.in_words(error)}") from error

    def _get_records(self, shard: str, after: str, limit: int) -> dict[str, Any]:
        held_position, iterator = self._iterators.get(shard, ("", ""))
        if not iterator or held_position != after:
            iterator = self._iterator(shard, after)
        try:
            return dict(self._client.get_records(ShardIterator=iterator, Limit=limit))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExpiredIteratorException":
                raise
        return dict(self._client.get_records(ShardIterator=self._iterator(shard, after), Limit=limit))

    def _iterator(self, shard: str, after: str) -> str:
        wanted = {"StreamName": self.stream, "ShardId": shard}
        if after:
            try:
                answer = self._client.get_shard_iterator(
                    **wanted, ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=after
                )
                return str(answer["ShardIterator"])
            except ClientError as error:
                if error.response["Error"]["Code"] not in _STALE:
                    raise
        return str(self._client.get_shard_iterator(**wanted, ShardIteratorType="TRIM_HORIZON")["ShardIterator"])


def _partition(message: Outgoing) -> str:
    """Spread evenly, and the same for the same message."""
    return hashlib.sha256(message.id.encode()).hexdigest()[:32]


def _record(found: dict[str, Any]) -> Record:
    """Data that is no JSON object came from elsewhere; whoever applies it refuses it, and then it can be read."""
    try:
        body = orjson.loads(found["Data"])
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        body = {"unreadable": found["Data"].decode("utf-8", "replace")}
    return Record(str(body.pop("id", "") or found["SequenceNumber"]), body, found["SequenceNumber"])
