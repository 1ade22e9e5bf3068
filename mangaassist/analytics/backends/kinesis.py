"""Events to Amazon Kinesis Data Streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.core.exceptions import ImproperlyConfigured

from mangaassist import aws
from mangaassist.analytics.backends.base import AnalyticsStream, StreamUnavailable
from mangaassist.breaker import Breaker, BreakerOpen
from mangaassist.outbox.backends.kinesis_put import (
    LONGEST_PARTITION_KEY,
    MOST_RECORD_BYTES,
    Entry,
    put_in_batches,
)
from mangaassist.outbox.fitting import TooBig, fit
from mangaassist.outbox.topics import Hopeless

# The rest is the partition key's, of at most four bytes a character.
LARGEST_RECORD = MOST_RECORD_BYTES - 4 * LONGEST_PARTITION_KEY
TEXTS = ("message", "response")


class KinesisStream(AnalyticsStream):
    """Partition key: the conversation, so that its events stay in order."""

    def __init__(self, *, stream: str = "", region: str = "") -> None:
        if not stream:
            raise ImproperlyConfigured("ANALYTICS=kinesis needs KINESIS_ANALYTICS_STREAM.")
        self.stream = stream
        self._client: Any = aws.client("kinesis", "worker", region=region)
        self._breaker = Breaker("kinesis.analytics", failures=3)

    def put(self, records: Sequence[dict[str, Any]]) -> Mapping[int, str]:
        """A record that is too big goes without the end of its texts: ``turn_id`` says whose they are."""
        refused: dict[int, str] = {}
        entries: dict[int, Entry] = {}
        for place, record in enumerate(records):
            try:
                data = orjson.dumps(fit(record, limit=LARGEST_RECORD, texts=TEXTS))
                entries[place] = Entry(Data=data, PartitionKey=_partition_key(record))
            except TooBig as error:
                refused[place] = Hopeless(f"Too big for Amazon Kinesis: {error}")
        places = list(entries)
        for failed, reason in self._put(list(entries.values())).items():
            refused[places[failed]] = reason
        return refused

    def _put(self, entries: Sequence[Entry]) -> Mapping[int, str]:
        try:
            return self._breaker.call(
                lambda: put_in_batches(self._client, self.stream, entries),
                failures=aws.FAILURES,
                counts=aws.is_unwell,
            )
        except BreakerOpen as error:
            raise StreamUnavailable("Amazon Kinesis failed lately.") from error
        except aws.FAILURES as error:
            raise StreamUnavailable(f"Amazon Kinesis: {aws.in_words(error)}") from error


def _partition_key(record: dict[str, Any]) -> str:
    return str(record["session_id"] or record["record_id"])[:LONGEST_PARTITION_KEY]
