"""Writing an effect down. It is delivered when, and only when, the transaction it stands in commits."""

from __future__ import annotations

import contextvars
import threading
import uuid
from functools import partial
from typing import Any

import orjson
import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from mangaassist import correlation, tracing
from mangaassist.breaker import Breaker, BreakerOpen
from mangaassist.celery import app
from mangaassist.outbox.models import OutboxMessage, shared_now
from mangaassist.outbox.topics import queue_of

log = structlog.get_logger(__name__)
_breaker = Breaker("broker", failures=2, pause_s=5.0)
_lock = threading.Lock()
_pending: set[str] = set()


def enqueue(topic: str, payload: dict[str, Any], *, key: str = "", id: uuid.UUID | None = None) -> None:
    """Stores a delivery with the caller's own rows. ``key`` names what it is about, for people. ``id``: a new one
    of the caller's own, by which the outside knows it."""
    # By the clock that all hosts share (models.shared_now), without another question to the database.
    now = Now() if connection.vendor == "postgresql" else timezone.now()
    OutboxMessage.objects.create(
        id=id or uuid.uuid4(), topic=topic, payload=payload, key=key, created_at=now, due_at=now,
        correlation=correlation.current(), traceparent=tracing.traceparent(),
    )  # fmt: skip
    transaction.on_commit(lambda: wake(topic))


def enqueue_again(topic: str, id: uuid.UUID, payload: dict[str, Any], *, key: str = "") -> None:
    """The same delivery under its old id, whatever became of it; one that waits is due now, one under way is left."""
    row = OutboxMessage.objects.select_for_update().filter(pk=id).first()
    if row is None:
        enqueue(topic, payload, key=key, id=id)
        return
    if row.status == OutboxMessage.Status.CLAIMED:
        return
    row.status, row.attempts, row.due_at, row.done_at = OutboxMessage.Status.WAITING, 0, shared_now(), None
    row.save(update_fields=["status", "attempts", "due_at", "done_at"])
    transaction.on_commit(lambda: wake(topic))


def park(topic: str, id: str, payload: dict[str, Any], reason: str, *, key: str = "") -> None:
    """Keeps what can't be delivered or applied where a person sees it and can have it tried again.

    ``id``: the message's own; the same message is kept once, and comes up again when it was thought to be settled.
    ``key`` names what it is about, else its id does.
    """
    log.error("message_parked", topic=topic, id=id, reason=reason[:300])
    body = orjson.dumps(_storable(payload), option=orjson.OPT_SORT_KEYS).decode()
    parked = {"status": OutboxMessage.Status.PARKED, "error": _storable(reason[:2000])}
    row, is_new = OutboxMessage.objects.get_or_create(
        id=uuid.uuid5(uuid.NAMESPACE_OID, f"{topic}:{id}:{body}"),
        defaults=parked | {"topic": topic, "payload": _storable(payload), "key": _storable((key or id)[:200])},
    )
    if not is_new:
        settled = (OutboxMessage.Status.DONE, OutboxMessage.Status.DISCARDED)
        OutboxMessage.objects.filter(pk=row.pk, status__in=settled).update(**parked)


def _storable(value: Any) -> Any:
    """What comes from elsewhere may hold the one character that Postgres stores nowhere."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {_storable(name): _storable(each) for name, each in value.items()}
    return [_storable(each) for each in value] if isinstance(value, list) else value


def wake(topic: str) -> None:
    """Tells the worker that there is something to do. Only a hint: beat sweeps every two seconds anyway.

    Sent from a thread of its own, one per topic at a time, so that a hung broker costs nobody anything.
    """
    if not settings.OUTBOX_WAKE:
        return
    with _lock:
        if topic in _pending:
            return
        _pending.add(topic)
    # In this context: the task says what it was sent for.
    send = partial(contextvars.copy_context().run, _send, topic)
    threading.Thread(target=send, name=f"wake-{topic}", daemon=True).start()


def _send(topic: str) -> None:
    try:
        _breaker.call(
            lambda: app.send_task(
                "mangaassist.outbox.tasks.drain", args=[topic], queue=queue_of(topic), retry=False, expires=30
            ),
            failures=(Exception,),
        )
    except BreakerOpen:
        pass
    except Exception as error:  # The row is stored; the sweep will find it.
        log.info("wake_up_failed", topic=topic, error=type(error).__name__)
    finally:
        with _lock:
            _pending.discard(topic)
