"""The heartbeats: sent by beat every 5 s through each queue, and once as soon as a worker is there."""

from __future__ import annotations

from typing import Any

import structlog
from celery import shared_task
from celery.signals import worker_ready
from redis import RedisError

from mangaassist.health.heartbeat import QUEUES, show_sign_of_life

log = structlog.get_logger(__name__)


@shared_task
def heartbeat(queue: str) -> None:
    """Beat, broker and a worker of this queue all work, or this is not run."""
    try:
        show_sign_of_life(queue)
    except RedisError as error:
        log.warning("heartbeat_not_stored", queue=queue, error=str(error))


@worker_ready.connect
def first_heartbeat(sender: Any, **kwargs: Any) -> None:
    """Of the queues that this worker takes from (``sender``: its consumer)."""
    for queue in QUEUES:
        if queue in sender.app.amqp.queues.consume_from:
            heartbeat(queue)
