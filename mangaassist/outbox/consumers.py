"""Who takes messages off queues and streams: `consume TOPIC`, or our own worker where the backend is embedded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.utils import timezone

from mangaassist.outbox.backends import feedback_queues
from mangaassist.outbox.backends.base import Outgoing, Queue, Received, Stream
from mangaassist.outbox.delivery import park
from mangaassist.outbox.models import InboxKey
from mangaassist.outbox.shards import ApplyRecords, ShardReader
from mangaassist.outbox.topics import Delivery, Refused, Topic, register_topic

log = structlog.get_logger(__name__)
Apply = Callable[[dict[str, Any]], None]
INBOX_KEPT_DAYS = 14


class MessageRefused(Refused):
    """This message can't be applied, now or later: it is taken off the queue and parked, with the reason."""


class NothingToConsume(Exception):
    """The topic has no queue under the present settings; the text says which setting would give it one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """``take(wait_s)``: one round, waiting up to so many seconds where nothing is there; the number handled.

    It raises ``QueueUnavailable``, ``StreamUnavailable`` or :class:`NothingToConsume`. ``is_embedded()``: our own
    worker takes it; else `consume TOPIC` runs as a process of its own. ``let_go()``: called when that process ends.
    """

    topic: str
    take: Callable[[int], int]
    is_embedded: Callable[[], bool]
    let_go: Callable[[], None] = lambda: None


_consumers: dict[str, Consumer] = {}


def consumer_topics() -> list[str]:
    return sorted(_consumers)


def find_consumer(topic: str) -> Consumer:
    """Raises ``KeyError`` for an unknown topic."""
    return _consumers[topic]


def consume(topic: str, *, wait_s: int = 0) -> int:
    """One round: receive, apply, done. The number of messages handled."""
    return find_consumer(topic).take(wait_s)


# --- Queues -------------------------------------------------------------------------------------------------------


def register_queue_consumer(
    topic: str, queue: Callable[[], Queue], apply: Apply, *, from_outside: bool = False
) -> None:
    """``apply(body)`` is called inside a transaction, once per message id. Raises MessageRefused for nonsense.

    ``queue()`` may raise :class:`NothingToConsume`. ``from_outside``: the messages are not ours, so that one that was
    parked and is tried again goes right to ``apply``; one of ours goes through the queue once more.
    """

    def take(wait_s: int) -> int:
        source = queue()
        # Taken is counted: without a database every message would become a dead letter.
        InboxKey.objects.exists()
        handled: list[Received] = []
        try:
            handled.extend(message for message in source.receive(wait_s=wait_s) if _apply_once(topic, message, apply))
        finally:
            if handled:
                source.delete(handled)
        return len(handled)

    def is_embedded() -> bool:
        try:
            return queue().embedded
        except NothingToConsume:
            return False

    def apply_again(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
        for delivery in deliveries:
            with transaction.atomic():
                apply(delivery.payload)
        return {}

    _consumers[topic] = Consumer(topic=topic, take=take, is_embedded=is_embedded)
    if from_outside:
        register_topic(Topic(name=topic, handler=apply_again, batch_size=1))


def _apply_once(topic: str, message: Received, apply: Apply) -> bool:
    """Whether the message may be deleted. The inbox key and the effect are one transaction.

    Raises ``OperationalError`` or ``InterfaceError`` while the database is away.
    """
    try:
        with transaction.atomic():
            InboxKey.objects.create(consumer=topic, key=message.id)
            apply(message.body)
    except IntegrityError:
        if InboxKey.objects.filter(consumer=topic, key=message.id).exists():
            return True
        log.exception("message_not_applied", topic=topic, id=message.id)
        return False
    except MessageRefused as refusal:
        park(topic, message.id, message.body, f"Refused by its consumer: {refusal}")
        return True
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # It becomes visible again, and a dead letter if it never succeeds.
        log.exception("message_not_applied", topic=topic, id=message.id, count=message.count)
        return False
    return True


def send_to_queue(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
    """The relay's handler of feedback."""
    return feedback_queues["default"].send([Outgoing(delivery.id, delivery.payload) for delivery in deliveries])


def register_queue_topics() -> None:
    register_topic(Topic(name="feedback", handler=send_to_queue, queue="interactive"))


# --- Streams ------------------------------------------------------------------------------------------------------


def register_stream_consumer(topic: str, stream: Callable[[], Stream], apply: ApplyRecords) -> None:
    """``apply(records)`` gets what follows in each shard, at least once."""
    readers: list[ShardReader] = []

    def reader() -> ShardReader:
        # Another backend (the settings changed, as tests do) has shards of its own.
        if not readers or readers[0].stream is not stream():
            readers[:] = [ShardReader(topic, stream(), apply)]
        return readers[0]

    def let_go() -> None:
        if readers:
            readers[0].let_go()

    _consumers[topic] = Consumer(
        topic=topic, take=lambda wait_s: reader().take(), is_embedded=lambda: stream().embedded, let_go=let_go
    )


# --- The worker's own ---------------------------------------------------------------------------------------------


def consume_embedded(topic: str) -> None:
    """Empties an embedded queue or stream; a real one has a process of its own."""
    consumer = _consumers.get(topic)
    if consumer is not None and consumer.is_embedded():
        while consumer.take(0):
            pass


def embedded_topics() -> list[str]:
    """Those that our own worker consumes under the present settings."""
    return [topic for topic, consumer in sorted(_consumers.items()) if consumer.is_embedded()]


def prune() -> int:
    count, _ = InboxKey.objects.filter(at__lt=timezone.now() - timedelta(days=INBOX_KEPT_DAYS)).delete()
    return count
