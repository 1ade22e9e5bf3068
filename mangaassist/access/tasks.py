"""Celery's entrance to what is kept for a while only."""

from celery import shared_task

from mangaassist.access import audit, sessions, throttle


@shared_task(ignore_result=True)
def forget_old() -> None:
    audit.forget_old()
    throttle.forget_old()
    sessions.forget_ended()
