"""Amazon Kinesis Data Streams (API facts: botocore's service model, 2013-12-02)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import orjson
from botocore.exceptions import BotoCoreError, ClientError
from django.core.exceptions import ImproperlyConfigured

from mangaassist import aws
from mangaassist.analytics.backends.base import AnalyticsStream, StreamUnavailable

# A call takes at most 500 records and 10 MiB.
MOST_RECORDS = 500
MOST_BYTES = 10 * 1024 * 1024
# Records that Kinesis refuses inside a successful call are tried again this often before the outbox takes over.
TRIES = 3


class KinesisStream(AnalyticsStream):
    """Partition key: the conversation, so that its events stay in order."""

    def __init__(self, *, stream: str = "", region: str = "") -> None:
        if not stream:
            raise ImproperlyConfigured("ANALYTICS=kinesis needs KINESIS_ANALYTICS_STREAM.")
        self.stream = stream
        self._client: Any = aws.client("kinesis", "worker", region=region)

    def put(self, records: Sequence[dict[str, Any]]) -> Collection[int]:
        entries = [
            {"Data": orjson.dumps(record), "PartitionKey": str(record["session_id"] or record["record_id"])[:256]}
            for record in records
        ]
        failed: list[int] = []
        for places in _batches(entries):
            failed += self._put_batch(entries, places)
        return failed

    def _put_batch(self, entries: Sequence[dict[str, Any]], places: list[int]) -> list[int]:
        for _ in range(TRIES):
            try:
                answer = self._client.put_records(StreamName=self.stream, Records=[entries[place] for place in places])
            except (BotoCoreError, ClientError) as error:
                raise StreamUnavailable(str(error)) from error
            # HTTP 200 can hold failures: only those go again.
            places = [place for place, result in zip(places, answer["Records"], strict=True) if result.get("ErrorCode")]
            if not places:
                break
        return places


def _batches(entries: Sequence[dict[str, Any]]) -> list[list[int]]:
    batches: list[list[int]] = [[]]
    size = 0
    for place, entry in enumerate(entries):
        weight = len(entry["Data"]) + len(entry["PartitionKey"])
        if batches[-1] and (len(batches[-1]) >= MOST_RECORDS or size + weight > MOST_BYTES):
            batches.append([])
            size = 0
        batches[-1].append(place)
        size += weight
    return [batch for batch in batches if batch]
