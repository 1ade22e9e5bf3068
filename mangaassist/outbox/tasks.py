"""Celery's entrances to the outbox."""

from celery import shared_task

from mangaassist.outbox import consumers, relay


@shared_task(ignore_result=True)
def drain(topic: str) -> None:
    relay.drain(topic)
    consumers.consume_embedded(topic)


@shared_task(ignore_result=True)
def sweep() -> None:
    relay.sweep()
    consumers.consume_all_embedded()


@shared_task(ignore_result=True)
def prune() -> None:
    relay.prune()
    consumers.prune()
