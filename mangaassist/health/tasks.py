"""The heartbeat: sent by beat every 5 s, and once as soon as a worker is there."""

from __future__ import annotations

from typing import Any

import structlog
from celery import shared_task
from celery.signals import worker_ready
from redis import RedisError

from mangaassist.health.heartbeat import show_sign_of_life

log = structlog.get_logger(__name__)


@shared_task
def heartbeat() -> None:
    """Beat, broker and worker all work, or this is not run."""
    try:
        show_sign_of_life()
    except RedisError as error:
        log.warning("heartbeat_not_stored", error=str(error))


@worker_ready.connect
def first_heartbeat(**kwargs: Any) -> None:
    heartbeat()
