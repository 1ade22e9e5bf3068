"""PutRecords of Amazon Kinesis Data Streams (API facts: botocore's service model, 2013-12-02)."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, TypedDict

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from mangaassist import aws
from mangaassist.outbox.topics import Hopeless, NotYet

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


def put_in_batches(client: Any, stream: str, entries: Sequence[Entry]) -> dict[int, str]:
    """Puts records in as few calls as there can be; the places of those that failed, in ascending order, and why.

    ``Hopeless``: no stream would take it, and it is not sent, so that it does not fail its whole batch. ``NotYet``: the
    service had no room. Anything else: the service does not take this record; a call that it refuses goes again in
    halves, until that one is alone. Raises ``BotoCoreError`` or ``ClientError`` when the service is away; when it goes
    away in the middle, what it has not taken failed.
    """
    failed: dict[int, str] = {
        place: Hopeless("Too big for Amazon Kinesis.")
        for place, entry in enumerate(entries)
        if _weight(entry) > MOST_RECORD_BYTES
    }
    waiting = deque(_batches(entries, too_big=set(failed)))
    took_any = False
    while waiting:
        places = waiting.popleft()
        try:
            failed |= dict.fromkeys(_put_batch(client, stream, entries, places), NotYet("Amazon Kinesis refused it."))
            took_any = True
        except (BotoCoreError, ClientError) as error:
            if not aws.is_outage(error):
                if len(places) == 1:
                    failed[places[0]] = f"Amazon Kinesis: {aws.in_words(error)}"
                else:
                    middle = len(places) // 2
                    waiting.extendleft((places[middle:], places[:middle]))
                continue
            if not took_any:
                raise
            log.warning("kinesis_stopped_taking", stream=stream, error=type(error).__name__)
            rest = [place for batch in (places, *waiting) for place in batch]
            failed |= dict.fromkeys(rest, NotYet(f"Amazon Kinesis: {aws.in_words(error)}"))
            break
    return dict(sorted(failed.items()))


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
