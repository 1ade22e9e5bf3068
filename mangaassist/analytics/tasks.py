"""Celery's entrances: to what is forgotten, and to the tallies."""

from celery import shared_task

from mangaassist.analytics import rollup
from mangaassist.analytics.models import AnalyticsEvent, UnansweredQuestion


@shared_task(ignore_result=True)
def prune() -> None:
    AnalyticsEvent.objects.prune()
    UnansweredQuestion.objects.prune()
    rollup.prune()


@shared_task(ignore_result=True)
def roll_up() -> None:
    rollup.roll_up()
