"""Celery entrances."""

from celery import shared_task
from django.utils import timezone

from partners.idempotency import purge


@shared_task
def purge_idempotent_requests() -> None:
    purge(timezone.now())
