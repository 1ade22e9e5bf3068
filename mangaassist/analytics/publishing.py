"""The outbox topic of analytics: a row is a batch of records; what a stream refuses goes again by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mangaassist.analytics.backends import streams
from mangaassist.analytics.buffer import TOPIC
from mangaassist.outbox.topics import Delivery, Topic, register_topic


def publish(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
    """A row with any refused record is tried again as a whole: readers drop records whose id they have seen."""
    records = [(delivery.id, record) for delivery in deliveries for record in delivery.payload["records"]]
    refused = streams["default"].put([record for _, record in records])
    return {records[place][0]: "refused by the stream" for place in refused}


def register() -> None:
    register_topic(Topic(name=TOPIC, handler=publish, batch_size=20))
