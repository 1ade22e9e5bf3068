"""Taking messages off a queue and applying each exactly once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from mangaassist.outbox.backends import feedback_queues
from mangaassist.outbox.backends.base import Outgoing, Queue, Received
from mangaassist.outbox.models import InboxKey
from mangaassist.outbox.topics import Delivery, Topic, register_topic

log = structlog.get_logger(__name__)
Apply = Callable[[dict[str, Any]], None]
_consumers: dict[str, Apply] = {}
INBOX_KEPT_DAYS = 14


class MessageRefused(Exception):
    """This message can never be applied: it is logged and taken off the queue."""


def register_consumer(topic: str, apply: Apply) -> None:
    """``apply(body)`` is called inside a transaction, once per message id. Raises MessageRefused for nonsense."""
    _consumers[topic] = apply


def queue_of(topic: str) -> Queue:
    """Raises ``KeyError`` for a topic without a queue."""
    return {"feedback": feedback_queues}[topic]["default"]


def send_to_queue(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
    """The relay's handler of topics that go to a queue."""
    queue = queue_of(deliveries[0].topic)
    return queue.send([Outgoing(delivery.id, delivery.payload) for delivery in deliveries])


def register_queue_topics() -> None:
    register_topic(Topic(name="feedback", handler=send_to_queue))


def consume(topic: str, *, wait_s: int = 0) -> int:
    """One round: receive, apply, delete. The number of messages handled."""
    queue = queue_of(topic)
    received = queue.receive(wait_s=wait_s)
    handled = [message for message in received if _apply_once(topic, message)]
    queue.delete(handled)
    return len(handled)


def _apply_once(topic: str, message: Received) -> bool:
    """Whether the message may be deleted. The inbox key and the effect are one transaction."""
    try:
        with transaction.atomic():
            InboxKey.objects.create(consumer=topic, key=message.id)
            _consumers[topic](message.body)
    except IntegrityError:
        if InboxKey.objects.filter(consumer=topic, key=message.id).exists():
            return True
        log.exception("message_not_applied", topic=topic, id=message.id)
        return False
    except MessageRefused as refusal:
        log.error("message_refused", topic=topic, id=message.id, reason=str(refusal))
        return True
    except Exception:  # It becomes visible again, and a dead letter if it never succeeds.
        log.exception("message_not_applied", topic=topic, id=message.id, count=message.count)
        return False
    return True


def consume_embedded(topic: str) -> None:
    """Empties an embedded queue; a real one has a process of its own."""
    if topic in _consumers and queue_of(topic).embedded:
        while consume(topic):
            pass


def consume_all_embedded() -> None:
    for topic in _consumers:
        consume_embedded(topic)


def prune() -> int:
    count, _ = InboxKey.objects.filter(at__lt=timezone.now() - timedelta(days=INBOX_KEPT_DAYS)).delete()
    return count
