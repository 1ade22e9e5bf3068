"""Events to Amazon Kinesis Data Streams."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import orjson
from botocore.exceptions import BotoCoreError, ClientError
from django.core.exceptions import ImproperlyConfigured

from mangaassist import aws
from mangaassist.analytics.backends.base import AnalyticsStream, StreamUnavailable
from mangaassist.outbox.backends.kinesis_put import LONGEST_PARTITION_KEY, Entry, put_in_batches


class KinesisStream(AnalyticsStream):
    """Partition key: the conversation, so that its events stay in order."""

    def __init__(self, *, stream: str = "", region: str = "") -> None:
        if not stream:
            raise ImproperlyConfigured("ANALYTICS=kinesis needs KINESIS_ANALYTICS_STREAM.")
        self.stream = stream
        self._client: Any = aws.client("kinesis", "worker", region=region)

    def put(self, records: Sequence[dict[str, Any]]) -> Collection[int]:
        entries = [Entry(Data=orjson.dumps(record), PartitionKey=_partition_key(record)) for record in records]
        try:
            return put_in_batches(self._client, self.stream, entries)
        except (BotoCoreError, ClientError) as error:
            raise StreamUnavailable(str(error)) from error


def _partition_key(record: dict[str, Any]) -> str:
    return str(record["session_id"] or record["record_id"])[:LONGEST_PARTITION_KEY]
