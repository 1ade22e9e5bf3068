"""Amazon Personalize's datasets, a few records at a time: PutItems and PutUsers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from mangaassist import aws
from mangaassist.breaker import Breaker
from recommendations.backends.personalize_sending import attempt

# Limits of the service (personalize-events 2018-03-22).
MOST_RECORDS = 10
LONGEST_ID = 256
LONGEST_ITEM = 32_000
LONGEST_USER = 24_000


class PersonalizeDatasets:
    """Thread-safe. A record that exists is replaced."""

    def __init__(self, *, region: str = "") -> None:
        self._client = aws.client("personalize-events", "worker", region=region)
        self._breaker = Breaker("personalize.datasets", failures=3)

    def put_items(self, dataset_arn: str, items: Mapping[str, str]) -> dict[str, str]:
        """``items``: properties (JSON) by ASIN. Those that failed, with the error; the others are taken."""

        def put(chunk: list[tuple[str, str]]) -> None:
            records = [{"itemId": id, "properties": properties} for id, properties in chunk]
            self._ask(lambda: self._client.put_items(datasetArn=dataset_arn, items=records))

        return _put_all(put, items, LONGEST_ITEM)

    def put_users(self, dataset_arn: str, users: Mapping[str, str]) -> dict[str, str]:
        """``users``: properties (JSON) by the shopper's id. Those that failed, with the error."""

        def put(chunk: list[tuple[str, str]]) -> None:
            records = [{"userId": id, "properties": properties} for id, properties in chunk]
            self._ask(lambda: self._client.put_users(datasetArn=dataset_arn, users=records))

        return _put_all(put, users, LONGEST_USER)

    def _ask(self, call: Callable[[], Any]) -> None:
        self._breaker.call(call, failures=aws.FAILURES, counts=aws.is_unwell)


def _put_all(put: Callable[[list[tuple[str, str]]], Any], records: Mapping[str, str], longest: int) -> dict[str, str]:
    failed: dict[str, str] = {}
    good: list[tuple[str, str]] = []
    for id, properties in records.items():
        if not 0 < len(id) <= LONGEST_ID or len(properties) > longest:
            failed[id] = f"longer than the service takes ({len(properties)} characters)"
        else:
            good.append((id, properties))
    for start in range(0, len(good), MOST_RECORDS):
        chunk = good[start : start + MOST_RECORDS]
        error = attempt(partial(put, chunk), "records", len(chunk))
        if error == "InvalidInputException" and len(chunk) > 1:
            # One that the service will never take must not hold the others back.
            failed |= {record[0]: error for record in chunk if (error := attempt(partial(put, [record]), "records", 1))}
        elif error:
            failed |= dict.fromkeys((id for id, _ in chunk), error)
    return failed
