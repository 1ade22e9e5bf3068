"""A queue in our own database, for one laptop: the same promises as SQS."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from mangaassist.outbox.backends.base import Outgoing, Queue, QueueUnavailable, Received
from mangaassist.outbox.models import QueuedMessage


class DatabaseQueue(Queue):
    """``visibility_s``: how long a taken message stays invisible; ``max_receives``: then it is a dead letter."""

    embedded = True

    def __init__(self, *, name: str = "feedback", visibility_s: float = 10.0, max_receives: int = 5) -> None:
        self.name = name
        self.visibility_s = visibility_s
        self.max_receives = max_receives

    def send(self, messages: Sequence[Outgoing]) -> Mapping[str, str]:
        try:
            QueuedMessage.objects.bulk_create(
                [QueuedMessage(queue=self.name, body=message.body, dedup_id=message.id) for message in messages],
                ignore_conflicts=True,
            )
        except (OperationalError, InterfaceError) as error:
            raise QueueUnavailable(str(error)) from error
        return {}

    def receive(self, *, limit: int = 10, wait_s: int = 0) -> list[Received]:
        now = timezone.now()
        receipt = uuid.uuid4()
        with transaction.atomic():
            mine = QueuedMessage.objects.filter(queue=self.name, dead=False, visible_at__lte=now)
            mine.filter(received__gte=self.max_receives).update(dead=True)
            chosen = list(mine.order_by("id").values_list("pk", flat=True)[:limit])
            # The condition again: another consumer may have been first.
            QueuedMessage.objects.filter(pk__in=chosen, visible_at__lte=now).update(
                receipt=receipt, received=F("received") + 1, visible_at=now + timedelta(seconds=self.visibility_s)
            )
        taken = QueuedMessage.objects.filter(queue=self.name, receipt=receipt).order_by("id")
        return [Received(row.dedup_id, row.body, f"{row.pk}:{receipt}", row.received) for row in taken]

    def delete(self, messages: Sequence[Received]) -> None:
        for message in messages:
            pk, _, receipt = message.receipt.partition(":")
            QueuedMessage.objects.filter(pk=pk, receipt=receipt).delete()


def receive_again(messages: QuerySet[QueuedMessage]) -> int:
    """Dead letters among these get a new set of attempts, at once; their number."""
    dead = messages.filter(dead=True)
    return dead.update(dead=False, received=0, receipt=None, visible_at=timezone.now())
