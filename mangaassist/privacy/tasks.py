"""Celery's entrances."""

from celery import shared_task

from mangaassist.privacy import erasing, retention


@shared_task(ignore_result=True)
def enforce_retention() -> None:
    retention.enforce()


@shared_task(ignore_result=True)
def finish_erasures() -> None:
    erasing.finish_due()
