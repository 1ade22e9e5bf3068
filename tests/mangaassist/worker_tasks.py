"""Tasks of tests' own, for real workers."""

from __future__ import annotations

import signal

from celery import shared_task

from mangaassist.redis import sync_client


@shared_task(name="tests.hang")
def hang() -> None:
    """Deaf to everything but SIGKILL."""
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    tell("hanging")
    while True:
        signal.pause()


@shared_task(name="tests.tell")
def tell(word: str) -> None:
    sync_client("streams").rpush("told", word)
