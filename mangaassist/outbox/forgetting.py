"""Takes words out of what waits in the outbox, and out of what it keeps of deliveries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import TextField
from django.db.models.functions import Cast

from mangaassist.outbox.models import OutboxMessage, QueuedMessage

Payload = dict[str, Any]


def rewrite(topic: str, naming: str, change: Callable[[Payload], Payload | None]) -> int:
    """Puts ``change(payload)`` in the place of each payload of a topic that names ``naming`` (an id), or removes the
    row where that is None; the number of rows that are not as before. A delivery under way is not stopped: it may
    still say what it has read.
    """
    rows = OutboxMessage.objects.filter(topic=topic).annotate(text=Cast("payload", TextField()))
    changed = 0
    for pk, payload in rows.filter(text__contains=naming).values_list("pk", "payload").iterator(chunk_size=200):
        now = change(payload)
        if now is None:
            changed += OutboxMessage.objects.filter(pk=pk).delete()[0]
        elif now != payload:
            changed += OutboxMessage.objects.filter(pk=pk).update(payload=now)
    return changed


def unqueue(queue: str, naming: str) -> int:
    """Removes messages of an embedded queue that name an id; how many."""
    bodies = QueuedMessage.objects.filter(queue=queue).annotate(text=Cast("body", TextField()))
    return bodies.filter(text__contains=naming).delete()[0]
