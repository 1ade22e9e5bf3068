"""PutRecords of Amazon Kinesis Data Streams (API facts: botocore's service model, 2013-12-02)."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Any, TypedDict

import structlog
from botocore.exceptions import BotoCoreError, ClientError

log = structlog.get_logger(__name__)

# A call takes at most 500 records and 10 MiB, partition keys included.
MOST_RECORDS = 500
MOST_BYTES = 10 * 1024 * 1024
# What a stream takes of one record unless it was raised (MaxRecordSizeInKiB), its partition key included.
MOST_RECORD_BYTES = 1024 * 1024
LONGEST_PARTITION_KEY = 256
# Records that Kinesis refuses inside a successful call are tried again this often before the outbox takes over.
TRIES = 3
FIRST_PAUSE_S = 0.1


class Entry(TypedDict):
    """``PartitionKey``: 1 to 256 characters; records of one key stay in order. Data and key: at most 1 MiB."""

    Data: bytes
    PartitionKey: str


def put_in_batches(client: Any, stream: str, entries: Sequence[Entry]) -> list[int]:
    """Puts records in as few calls as there can be; the places of those that failed, in ascending order.

    A record that no stream would take fails without being sent, so that it does not fail its whole batch. Raises
    ``BotoCoreError`` or ``ClientError`` when the service took nothing; when it stops in the middle, what it has not
    taken failed.
    """
    failed = [place for place, entry in enumerate(entries) if _weight(entry) > MOST_RECORD_BYTES]
    batches = _batches(entries, too_big=set(failed))
    for number, places in enumerate(batches):
        try:
            failed += _put_batch(client, stream, entries, places)
        except (BotoCoreError, ClientError) as error:
            if number == 0:
                raise
            log.warning("kinesis_stopped_taking", stream=stream, error=type(error).__name__)
            failed += [place for batch in batches[number:] for place in batch]
            break
    return sorted(failed)


def _put_batch(client: Any, stream: str, entries: Sequence[Entry], places: list[int]) -> list[int]:
    for attempt in range(TRIES):
        if attempt:
            # A shard's throughput is counted by the second.
            time.sleep(random.uniform(0, FIRST_PAUSE_S * 2**attempt))
        try:
            answer = client.put_records(StreamName=stream, Records=[entries[place] for place in places])
        except (BotoCoreError, ClientError):
            if attempt:  # The others of this batch were taken.
                return places
            raise
        # HTTP 200 can hold failures: only those go again.
        places = [place for place, result in zip(places, answer["Records"], strict=True) if result.get("ErrorCode")]
        if not places:
            break
    return places


def _batches(entries: Sequence[Entry], *, too_big: set[int]) -> list[list[int]]:
    batches: list[list[int]] = []
    size = 0
    for place, entry in enumerate(entries):
        if place in too_big:
            continue
        weight = _weight(entry)
        if not batches or len(batches[-1]) >= MOST_RECORDS or size + weight > MOST_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(place)
        size += weight
    return batches


def _weight(entry: Entry) -> int:
    return len(entry["Data"]) + len(entry["PartitionKey"].encode())
