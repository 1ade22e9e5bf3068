"""Celery's entrance to the event log and to what was not found."""

from celery import shared_task

from mangaassist.analytics.models import AnalyticsEvent, UnansweredQuestion


@shared_task(ignore_result=True)
def prune() -> None:
    AnalyticsEvent.objects.prune()
    UnansweredQuestion.objects.prune()
