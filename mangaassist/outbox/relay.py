"""Delivers what is due: claim with a lease, effect, done. At least once; the row's id makes it once at the end."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import structlog
from django.db import models, transaction
from django.utils import timezone

from mangaassist import tracing
from mangaassist.correlation import correlated
from mangaassist.instruments import outbox_deliveries
from mangaassist.outbox.delivery import wake
from mangaassist.outbox.leases import kept
from mangaassist.outbox.models import OutboxMessage, claim, renew, settle, shared_now
from mangaassist.outbox.topics import (
    Delivery,
    Hopeless,
    NotYet,
    Outage,
    Refused,
    Taken,
    Topic,
    Untried,
    find_topic,
    topic_names,
)

log = structlog.get_logger(__name__)
LONGEST_ERROR = 2000
LONGEST_OUTAGE_RETRY_S = 60.0
# More are over any longest pause, and at last over what a float can hold.
MOST_DOUBLINGS = 30
# A handler that takes longer hangs: its rows are due again, for another thread or process.
LONGEST_ATTEMPT_S = 600.0


def drain(topic_name: str, *, most_batches: int = 50) -> int:
    """Delivers the due rows of one topic; the number done. Stops when nothing is due, or all of a batch failed."""
    topic = find_topic(topic_name)
    if topic is None:
        log.warning("outbox_topic_unknown", topic=topic_name)
        return 0
    done = 0
    for _ in range(most_batches):
        rows = claim(
            topic.name, topic.batch_size, topic.lease_s, in_order=topic.in_order, concurrency=topic.concurrency
        )
        if not rows:
            break
        delivered, goes_on = _deliver(topic, rows)
        done += delivered
        if not goes_on:
            break
    return done


def due_topics() -> list[str]:
    """Those with something to deliver now."""
    due = OutboxMessage.objects.due(shared_now()).order_by().values_list("topic", flat=True).distinct()
    known = set(topic_names())
    return sorted(topic for topic in due if topic in known)


def _deliver(topic: Topic, rows: Sequence[OutboxMessage]) -> tuple[int, bool]:
    """(how many are done, whether others may do better)"""
    with kept(
        # Rows whose lease ends meanwhile may be delivered twice: their ids tell.
        partial(renew, rows, topic.lease_s),
        lease_s=topic.lease_s,
        longest_s=LONGEST_ATTEMPT_S,
        hangs="outbox_handler_hangs",
        topic=topic.name,
        rows=len(rows),
    ):
        failed = _attempt(topic, rows)
        if len(failed) == len(rows) > 1 and _may_be_poisoned(failed):
            # Perhaps one of them poisons the batch: each alone shows which.
            failed = {id: error for row in rows for id, error in _attempt(topic, [row]).items()}
    good = [row for row in rows if str(row.pk) not in failed]
    settle(good, status=OutboxMessage.Status.DONE, done_at=timezone.now(), leased_until=None, error="")
    _tell(topic, good, "done")
    untried: dict[float, list[OutboxMessage]] = {}
    for row in rows:
        error = failed.get(str(row.pk))
        if isinstance(error, Untried):
            untried.setdefault(error.after_s, []).append(row)
        elif error is not None and not isinstance(error, Taken):
            _postpone(topic, row, error)
    for after_s, given_back in untried.items():
        _give_back(given_back, after_s)
    return len(good), bool(good) or any(isinstance(error, (Taken, Untried)) for error in failed.values())


def _may_be_poisoned(failed: Mapping[str, str]) -> bool:
    """Not by an outage; and a handler that gives rows back, or goes on with them, looks at each alone already."""
    errors = failed.values()
    is_outage = all(isinstance(error, NotYet) for error in errors)
    return not is_outage and not any(isinstance(error, (Taken, Untried)) for error in errors)


def _attempt(topic: Topic, rows: Sequence[OutboxMessage]) -> Mapping[str, str]:
    """Ids that failed, with their errors."""
    deliveries = [delivery_of(row) for row in rows]
    try:
        with in_its_context(topic, rows):
            return topic.handler(deliveries)
    except Outage as error:
        log.warning("outbox_outside_is_away", topic=topic.name, rows=len(rows), error=str(error)[:300])
        return {delivery.id: NotYet(repr(error)) for delivery in deliveries}
    except Refused as refusal:
        # One of them: alone it is known to be this one.
        reason = Hopeless(f"Refused: {refusal}") if len(rows) == 1 else repr(refusal)
        return {delivery.id: reason for delivery in deliveries}
    except Exception as error:  # Whatever a handler raises: the rows are kept and tried again.
        log.warning("outbox_delivery_failed", topic=topic.name, rows=len(rows), error=repr(error)[:300])
        return {delivery.id: repr(error) for delivery in deliveries}


def delivery_of(row: OutboxMessage) -> Delivery:
    return Delivery(
        str(row.pk), row.topic, row.key, row.payload, row.attempts, row.lease, row.correlation, row.traceparent
    )


@contextmanager
def in_its_context(topic: Topic, rows: Sequence[OutboxMessage]) -> Iterator[None]:
    """What is done for one row is logged and traced as its request's; each row of a batch gets a span of the batch's
    time."""
    name = f"deliver {topic.name}"
    if len(rows) == 1:
        with correlated(rows[0].correlation), tracing.continued(name, rows[0].traceparent, attempt=rows[0].attempts):
            yield
        return
    began = time.time_ns()
    yield
    for row in rows:
        tracing.passed(name, row.traceparent, began)


def _tell(topic: Topic, rows: Sequence[OutboxMessage], outcome: str) -> None:
    """done, failed (tried again), away (an outage) or parked."""
    outbox_deliveries.labels(topic=topic.name, outcome=outcome).inc(len(rows))
    for row in rows:
        if row.correlation:
            log.info(
                "outbox_delivery",
                topic=topic.name, id=str(row.pk), outcome=outcome, attempt=row.attempts, correlation=row.correlation,
            )  # fmt: skip


def _postpone(topic: Topic, row: OutboxMessage, error: str) -> None:
    """Back-off with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"); parked at the end.

    An outage has no end that the row must not see, and is looked at again within a minute.
    """
    is_outage = isinstance(error, NotYet)
    if isinstance(error, Hopeless) or (row.attempts >= topic.max_attempts and not is_outage):
        log.error("outbox_row_parked", topic=topic.name, id=str(row.pk))
        _tell(topic, [row], "parked")
        settle([row], status=OutboxMessage.Status.PARKED, error=error[:LONGEST_ERROR], leased_until=None)
        return
    _tell(topic, [row], "away" if is_outage else "failed")
    longest = min(topic.longest_retry_s, LONGEST_OUTAGE_RETRY_S) if is_outage else topic.longest_retry_s
    ceiling = min(longest, topic.retry_s * 2 ** min(row.attempts - 1, MOST_DOUBLINGS))
    due_at = shared_now() + timedelta(seconds=random.uniform(0, ceiling))
    settle([row], status=OutboxMessage.Status.WAITING, error=error[:LONGEST_ERROR], due_at=due_at, leased_until=None)


def _give_back(rows: Sequence[OutboxMessage], after_s: float) -> None:
    """Together: a receiver that is down may have thousands of them."""
    due_at = shared_now() + timedelta(seconds=after_s)
    settle(
        rows, status=OutboxMessage.Status.WAITING, due_at=due_at, attempts=models.F("attempts") - 1, leased_until=None
    )


def keep(delivery: Delivery) -> bool:
    """Renews the lease of a row that its handler has :class:`Taken`; whether it is still the handler's."""
    topic = find_topic(delivery.topic)
    if topic is None:
        return False
    return bool(_held(delivery).update(leased_until=shared_now() + timedelta(seconds=topic.lease_s)))


def conclude(delivery: Delivery, error: str = "") -> None:
    """How a row ended that its handler has :class:`Taken`: done, or to be tried again. Not when its lease is lost."""
    topic, row = find_topic(delivery.topic), _held(delivery).first()
    if topic is None or row is None:
        return
    if error:
        _postpone(topic, row, error)
    else:
        settle([row], status=OutboxMessage.Status.DONE, done_at=timezone.now(), leased_until=None, error="")
        _tell(topic, [row], "done")
    if topic.in_order and row.key:
        # The next of its key has waited for this one.
        same = OutboxMessage.objects.filter(topic=topic.name, key=row.key, status=OutboxMessage.Status.WAITING)
        if same.filter(due_at__lte=shared_now()).exists():
            transaction.on_commit(lambda: wake(topic.name))


def _held(delivery: Delivery) -> models.QuerySet[OutboxMessage]:
    return OutboxMessage.objects.filter(pk=delivery.id, lease=delivery.lease, status=OutboxMessage.Status.CLAIMED)


# What a person may have tried again, and may give up. One that is being delivered may be gone already; its delivery
# is the last then.
RETRIABLE = (OutboxMessage.Status.PARKED, OutboxMessage.Status.WAITING)
DISCARDABLE = (*RETRIABLE, OutboxMessage.Status.CLAIMED)


def retry_now(rows: Sequence[OutboxMessage]) -> int:
    """Parked or waiting rows get a new set of attempts, at once."""
    return OutboxMessage.objects.filter(pk__in=[row.pk for row in rows], status__in=RETRIABLE).update(
        status=OutboxMessage.Status.WAITING, attempts=0, due_at=shared_now()
    )


def discard(rows: Sequence[OutboxMessage]) -> int:
    """Rows that a person has decided not to deliver."""
    return OutboxMessage.objects.filter(pk__in=[row.pk for row in rows], status__in=DISCARDABLE).update(
        status=OutboxMessage.Status.DISCARDED
    )


KEPT_DAYS = 7


def prune() -> int:
    """Removes what was done more than a week ago."""
    before = timezone.now() - timedelta(days=KEPT_DAYS)
    count, _ = OutboxMessage.objects.filter(
        status__in=(OutboxMessage.Status.DONE, OutboxMessage.Status.DISCARDED), created_at__lt=before
    ).delete()
    return count
