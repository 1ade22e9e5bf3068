"""Celery's entrances."""

from __future__ import annotations

from celery import shared_task

from chat.leases import fail_left


@shared_task(name="chat.tasks.fail_left_turns")
def fail_left_turns() -> None:
    """Turns whose process died while nobody waited are answered as failed."""
    fail_left()
