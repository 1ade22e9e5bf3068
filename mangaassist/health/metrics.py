"""What Prometheus reads beside what was counted (mangaassist/instruments.py): how things stand at this moment.

The process's own memory, CPU and descriptors come from prometheus_client, its breakers' states from their module.
Every process has its own numbers; those of the outbox, of people and of parts are the whole shop's, and each web
process tells the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError
from django.db.models import Count, Max, Min
from django.utils import timezone
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from caching.counters import counters
from chat.admission import admission
from chat.runner import runner
from escalation.models import AgentPresence, Handoff
from mangaassist.dbthreads import in_database
from mangaassist.health.probes import Part, probe_parts
from mangaassist.outbox.models import OutboxMessage, QueuedMessage

DATABASE_LIMIT_S = 1.0


class Conversations:
    """A collector: what is open in this process."""

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("mangaassist_sockets_open", "Shoppers' sockets.", value=float(admission.open()))
        yield GaugeMetricFamily("mangaassist_turns_running", "Turns that run here.", value=float(runner.count()))


class CacheEvents:
    """A collector: hits, misses and what else happened to entries, by the kinds that have a policy."""

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily("mangaassist_cache_events", "What the cache did.", labels=["kind", "event"])
        for (kind, event), number in sorted(counters.of_this_process().items()):
            # Times are counted as events too, in buckets of their own.
            if "." not in event:
                family.add_metric([kind, event], float(number))
        yield family


@dataclass(frozen=True, slots=True)
class Backlog:
    """Undelivered rows of one topic in one status."""

    topic: str
    status: str
    count: int
    oldest: datetime
    attempts: int  # of the row that was tried most often


class OutboxBacklog:
    """A collector: what the outbox has still to deliver, as last read by :func:`exposition`."""

    def __init__(self) -> None:
        self.rows: list[Backlog] = []
        # queue → messages
        self.dead_letters: dict[str, int] = {}

    def collect(self) -> Iterator[Metric]:
        labels = ["topic", "status"]
        depth = GaugeMetricFamily("mangaassist_outbox_messages", "Rows that are not delivered yet.", labels=labels)
        age = GaugeMetricFamily("mangaassist_outbox_oldest_seconds", "Age of the oldest of them.", labels=labels)
        attempts = GaugeMetricFamily("mangaassist_outbox_attempts", "Most attempts among them.", labels=labels)
        now = timezone.now()
        for row in self.rows:
            names = [row.topic, row.status]
            depth.add_metric(names, row.count)
            age.add_metric(names, (now - row.oldest).total_seconds())
            attempts.add_metric(names, row.attempts)
        dead = GaugeMetricFamily(
            "mangaassist_queue_dead_letters", "Messages of our own queues that failed too often.", labels=["queue"]
        )
        for queue, count in self.dead_letters.items():
            dead.add_metric([queue], count)
        yield from (depth, age, attempts, dead)


@dataclass(frozen=True, slots=True)
class Queue:
    """Shoppers that wait for a person in the chat. ``oldest``: since when the first of them waits."""

    waiting: int
    oldest: datetime | None
    agents: int


class People:
    """A collector: the desk's queue, as last read by :func:`exposition`."""

    def __init__(self) -> None:
        self.queue: Queue | None = None

    def collect(self) -> Iterator[Metric]:
        if self.queue is None:
            return
        oldest = self.queue.oldest
        waited = (timezone.now() - oldest).total_seconds() if oldest else 0.0
        for name, said, value in (
            ("handoffs_waiting", "Shoppers that wait for a person.", self.queue.waiting),
            ("handoffs_oldest_wait_seconds", "How long the first of them waits.", waited),
            ("agents_available", "Agents at the desk that take conversations.", self.queue.agents),
        ):
            yield GaugeMetricFamily(f"mangaassist_{name}", said, value=float(value))


class Parts:
    """A collector: /readyz, as last asked by :func:`exposition`."""

    def __init__(self) -> None:
        self.parts: list[Part] = []

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily("mangaassist_part_ready", "1 for a part of /readyz that is well.", labels=["part"])
        for part in self.parts:
            family.add_metric([part.name], float(part.ok))
        yield family


def read_backlog() -> list[Backlog]:
    """One grouped query over the rows that are neither done nor discarded."""
    undelivered = OutboxMessage.Status.WAITING, OutboxMessage.Status.CLAIMED, OutboxMessage.Status.PARKED
    rows = (
        OutboxMessage.objects.filter(status__in=undelivered)
        .order_by("topic", "status")
        .values_list("topic", "status")
        .annotate(Count("pk"), Min("created_at"), Max("attempts"))
    )
    return [Backlog(*row) for row in rows]


def read_dead_letters() -> dict[str, int]:
    """Of the queues in our own database; those of Amazon SQS are its own affair."""
    dead = QueuedMessage.objects.filter(dead=True).order_by("queue")
    return dict(dead.values_list("queue").annotate(Count("pk")))


def read_queue() -> Queue:
    # One that left an address does not wait in the chat.
    waiting = Handoff.objects.queued().filter(email="").order_by().aggregate(Count("pk"), Min("opened_at"))
    return Queue(waiting["pk__count"], waiting["opened_at__min"], AgentPresence.objects.at_work().count())


_outbox_backlog = OutboxBacklog()
_people = People()
_parts = Parts()
for collector in (Conversations(), CacheEvents(), _outbox_backlog, _people, _parts):
    REGISTRY.register(collector)


async def exposition() -> bytes:
    """All of it in Prometheus' text format; without the outbox and the desk when the database is late."""
    _parts.parts, _ = await asyncio.gather(probe_parts(), _read_database())
    return await asyncio.to_thread(generate_latest, REGISTRY)


async def _read_database() -> None:
    def read() -> tuple[list[Backlog], dict[str, int], Queue]:
        return read_backlog(), read_dead_letters(), read_queue()

    try:
        backlog, dead_letters, queue = await asyncio.wait_for(in_database(read), DATABASE_LIMIT_S)
    except (TimeoutError, DatabaseError):
        _outbox_backlog.rows, _outbox_backlog.dead_letters, _people.queue = [], {}, None
    else:
        _outbox_backlog.rows, _outbox_backlog.dead_letters, _people.queue = backlog, dead_letters, queue
