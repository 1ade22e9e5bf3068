"""Celery's entrance to the event log."""

from celery import shared_task

from mangaassist.analytics.models import AnalyticsEvent


@shared_task(ignore_result=True)
def prune() -> None:
    AnalyticsEvent.objects.prune()
