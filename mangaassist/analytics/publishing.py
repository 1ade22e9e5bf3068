"""The outbox's topic of analytics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mangaassist.analytics.backends import streams
from mangaassist.analytics.buffer import TOPIC
from mangaassist.outbox.delivery import park
from mangaassist.outbox.topics import Delivery, NotYet, Topic, register_topic


def publish(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
    """A row with any refused record is tried again as a whole: readers drop records whose id they have seen.

    A record that is not taken for its own sake is parked in a row of its own, so that it does not hold the others.
    """
    records = [(delivery.id, record) for delivery in deliveries for record in delivery.payload["records"]]
    failed: dict[str, str] = {}
    for place, reason in streams["default"].put([record for _, record in records]).items():
        row_id, record = records[place]
        if isinstance(reason, NotYet) or _alone(deliveries, row_id):
            failed[row_id] = reason
        else:
            park(TOPIC, str(record["record_id"]), {"records": [record]}, reason, key=str(record.get("turn_id", "")))
    return failed


def _alone(deliveries: Sequence[Delivery], row_id: str) -> bool:
    return any(len(each.payload["records"]) == 1 for each in deliveries if each.id == row_id)


def register() -> None:
    register_topic(Topic(name=TOPIC, handler=publish, batch_size=20))
