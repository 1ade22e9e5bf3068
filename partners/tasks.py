"""Celery entrances."""

from celery import shared_task
from django.utils import timezone

from partners.idempotency import purge
from partners.webhooks import messages


@shared_task
def purge_idempotent_requests() -> None:
    purge(timezone.now())


@shared_task
def purge_webhook_log() -> None:
    messages.purge(timezone.now())
