"""The outbox topic behind :func:`caching.invalidation.invalidate`: the bump once more, should the first be lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from caching.invalidation import TOPIC, bump_now
from mangaassist.outbox.topics import Delivery, Topic, register_topic


def redeliver(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
    """All tags of a batch in one bump; repeating one only makes entries be computed anew."""
    bump_now(sorted({tag for delivery in deliveries for tag in delivery.payload["tags"]}))
    return {}


def register() -> None:
    register_topic(Topic(name=TOPIC, handler=redeliver, batch_size=500))
