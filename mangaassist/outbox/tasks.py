"""Celery's entrances to the outbox."""

from celery import shared_task

from mangaassist.outbox import consumers, relay
from mangaassist.outbox.lanes import Lanes
from mangaassist.outbox.topics import queue_of

# A sweep that found no free worker is repeated by the next one.
SWEEP_EXPIRES_S = 5
lanes = Lanes(deliveries=3)


@shared_task(ignore_result=True)
def drain(topic: str) -> None:
    lanes.run(topic, queue_of(topic), lambda: _drain(topic))


def _drain(topic: str) -> None:
    relay.drain(topic)
    consumers.consume_embedded(topic)


@shared_task(ignore_result=True)
def sweep() -> None:
    """Each topic in a task of its own: one whose outside hangs does not hold up the others."""
    for topic in {*relay.due_topics(), *consumers.embedded_topics()}:
        drain.apply_async((topic,), queue=queue_of(topic), expires=SWEEP_EXPIRES_S, retry=False)


@shared_task(ignore_result=True)
def prune() -> None:
    relay.prune()
    consumers.prune()
