"""Celery's entrances."""

from celery import shared_task
from django.utils import timezone

from shop import catalog_events, feed_jobs


@shared_task(ignore_result=True)
def take_feed() -> None:
    """A task for each feed, so that each has the whole time limit."""
    if feed_jobs.take_next():
        feed_jobs.wake()


@shared_task(ignore_result=True)
def purge() -> None:
    now = timezone.now()
    catalog_events.purge(now)
    feed_jobs.purge(now)
