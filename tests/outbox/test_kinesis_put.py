"""Records in as few PutRecords calls as there can be, and the places of those that failed."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from mangaassist.outbox.backends import kinesis_put
from mangaassist.outbox.backends.kinesis_put import MOST_BYTES, MOST_RECORDS, Entry, put_in_batches

MIB = 1024 * 1024


def entry(weight: int) -> Entry:
    """``weight`` bytes, its partition key included."""
    return Entry(Data=b"x" * (weight - 1), PartitionKey="k")


class Service:
    """What one stream answers, call by call: the places in the call that it refuses, or an error's code."""

    def __init__(self, *answers: set[int] | str) -> None:
        self.calls: list[list[Entry]] = []
        self._answers = list(answers)

    def put_records(self, *, StreamName: str, Records: list[Entry]) -> dict[str, Any]:
        self.calls.append(Records)
        answer = self._answers.pop(0) if self._answers else set()
        if isinstance(answer, str):
            raise ClientError({"Error": {"Code": answer, "Message": "no"}}, "PutRecords")
        refused = {"ErrorCode": "ProvisionedThroughputExceededException"}
        return {
            "FailedRecordCount": len(answer),
            "Records": [refused if place in answer else {} for place in range(len(Records))],
        }


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinesis_put, "FIRST_PAUSE_S", 0.0)


@pytest.mark.parametrize(
    ("weights", "calls"),
    [
        ([], []),
        ([10], [1]),
        ([10] * 500, [500]),
        ([10] * 501, [500, 1]),
        ([MIB] * 10, [10]),
        ([MIB] * 11, [10, 1]),
        ([MIB] * 9 + [MIB - 10, 10, 10], [11, 1]),
    ],
)
def test_calls_are_as_full_as_the_service_allows(weights: list[int], calls: list[int]) -> None:
    service = Service()
    assert list(put_in_batches(service, "s", [entry(weight) for weight in weights])) == []
    assert [len(call) for call in service.calls] == calls


def test_a_record_that_is_too_big_fails_alone() -> None:
    service = Service()
    assert list(put_in_batches(service, "s", [entry(10), entry(MIB + 1), entry(10)])) == [1]
    assert [len(call) for call in service.calls] == [2]


def test_nothing_is_sent_when_all_are_too_big() -> None:
    service = Service()
    assert list(put_in_batches(service, "s", [entry(MIB + 1)] * 2)) == [0, 1]
    assert service.calls == []


def test_only_what_was_refused_goes_again() -> None:
    service = Service({1, 3}, {0})
    entries = [Entry(Data=bytes([n]), PartitionKey="k") for n in range(5)]
    assert list(put_in_batches(service, "s", entries)) == []
    assert [[each["Data"][0] for each in call] for call in service.calls] == [[0, 1, 2, 3, 4], [1, 3], [1]]


def test_what_is_refused_to_the_end_is_told() -> None:
    service = Service({0, 2}, {0, 1}, {1})
    assert list(put_in_batches(service, "s", [entry(10)] * 3)) == [2]


def test_a_service_that_takes_nothing_raises() -> None:
    with pytest.raises(ClientError, match="ThrottlingException"):
        put_in_batches(Service("ThrottlingException"), "s", [entry(10)])


def test_a_service_that_stops_in_the_middle_has_what_it_took() -> None:
    assert list(put_in_batches(Service(set(), "ThrottlingException"), "s", [entry(10)] * 502)) == [500, 501]
    assert list(put_in_batches(Service({1}, "ThrottlingException"), "s", [entry(10)] * 3)) == [1]


@given(st.lists(st.integers(min_value=2, max_value=MIB), max_size=40), st.integers(min_value=1, max_value=60))
def test_every_record_is_sent_once_and_no_call_is_too_big(weights: list[int], copies: int) -> None:
    service = Service()
    entries = [entry(weight) for weight in weights] + [entry(20)] * (copies * 10)
    assert list(put_in_batches(service, "s", entries)) == []
    assert [each for call in service.calls for each in call] == entries
    for call in service.calls:
        assert len(call) <= MOST_RECORDS
        assert sum(len(each["Data"]) + len(each["PartitionKey"]) for each in call) <= MOST_BYTES
