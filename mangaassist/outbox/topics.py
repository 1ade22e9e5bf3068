"""What can be delivered: topics, registered by their owners in ``apps.ready()``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row on its way. ``id`` is the idempotency key; ``attempt`` counts from 1. ``lease``: of its relay.
    ``correlation`` and ``traceparent``: see the row.
    """

    id: str
    topic: str
    key: str
    payload: dict[str, Any]
    attempt: int
    lease: UUID | None = None
    correlation: str = ""
    traceparent: str = ""


class DeliveryFailed(Exception):
    """A whole batch failed; it is tried again later."""


class Outage(DeliveryFailed):
    """The outside is away, which is no fault of the rows: however long it lasts, none is parked for it."""


class Refused(DeliveryFailed):
    """This delivery can't be applied, now or later: alone in its batch, its row is parked at once."""


class NotYet(str):
    """The same of a single row's error."""

    __slots__ = ()


class Hopeless(str):
    """An error that trying again does not mend: its row is parked at once."""

    __slots__ = ()


class Taken(str):
    """No error: the handler goes on with this row in a thread of its own, and says how it ended with
    ``relay.conclude`` before the lease is over. Who only waits for the outside needs no relay meanwhile."""

    __slots__ = ()


class Untried(str):
    """It was not tried, for a reason that is none of its own: due after ``after_s``, and no attempt is counted."""

    after_s: float

    def __new__(cls, reason: str, *, after_s: float) -> Untried:
        untried = super().__new__(cls, reason)
        untried.after_s = after_s
        return untried


# Delivers a batch. Returns the ids that failed (or are not done yet) with their errors; the others are done.
# Raises for a failure of all of them.
Handler = Callable[[Sequence[Delivery]], Mapping[str, str]]


Queue = Literal["interactive", "delivery", "batch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """``queue``: of Celery, ``interactive`` when somebody waits for it, ``batch`` when it may take long.

    ``in_order``: rows of a key one after the other. ``concurrency``: so many relays at a time.

    ``retry_s``: the pause before the second attempt; it doubles up to ``longest_retry_s``, with full jitter. After
    ``max_attempts`` a row is parked. ``lease_s``: how soon the rows of a dead relay are due again; a living one renews
    its lease for as long as the handler takes.
    """

    name: str
    handler: Handler
    queue: Queue = "delivery"
    batch_size: int = 100
    in_order: bool = False
    concurrency: int = 4
    max_attempts: int = 12
    retry_s: float = 2.0
    longest_retry_s: float = 900.0
    lease_s: float = 12.0


_topics: dict[str, Topic] = {}


def register_topic(topic: Topic) -> None:
    if topic.name in _topics:
        raise ValueError(f"Outbox topic {topic.name!r} is registered twice.")
    _topics[topic.name] = topic


def find_topic(name: str) -> Topic | None:
    return _topics.get(name)


def queue_of(name: str) -> Queue:
    """Where the topic's wake-ups go; those of a topic that nobody registered here to the default."""
    topic = _topics.get(name)
    return topic.queue if topic else "delivery"


def topic_names() -> list[str]:
    return sorted(_topics)
