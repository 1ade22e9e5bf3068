"""Celery's entrances."""

from __future__ import annotations

from celery import shared_task

from escalation import presence


@shared_task(name="escalation.tasks.return_silent")
def return_silent() -> None:
    """Shoppers whose agent has vanished wait in the queue again."""
    presence.return_silent()
