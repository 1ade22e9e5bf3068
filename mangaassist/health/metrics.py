"""What Prometheus reads of this process: turns, the event loop's lag, breakers, and the outbox's depth.

The process's own memory, CPU and descriptors come from prometheus_client. Every web process has its own numbers;
the outbox's are the database's and the same everywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError
from django.db.models import Count, Max, Min
from django.utils import timezone
from prometheus_client import REGISTRY, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from mangaassist import breaker
from mangaassist.dbthreads import in_database
from mangaassist.outbox.models import OutboxMessage, QueuedMessage

DATABASE_LIMIT_S = 1.0
_STATES = ("closed", "half_open", "open")

turn_seconds = Histogram(
    "mangaassist_turn_seconds",
    "Time from a question to its whole answer.",
    ["status"],
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
generator_tokens = Counter(
    "mangaassist_generator_tokens",
    "Tokens of models: read and written, and of those read what came out of (cached) or went into (stored) a cache.",
    ["generator", "kind"],
)
generator_cost = Counter(
    "mangaassist_generator_cost_dollars", "What models cost, by the prices that are set.", ["generator"]
)
generator_fallbacks = Counter(
    "mangaassist_generator_fallbacks", "Answers that the composer gave in a model's place.", ["generator"]
)
sentences_refused = Counter(
    "mangaassist_sentences_refused", "Sentences that did not leave, by the guard that refused them.", ["guard"]
)
loop_lag_seconds = Histogram(
    "mangaassist_event_loop_lag_seconds",
    "How late the web server's event loop comes back to a timer.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)


class BreakerStates:
    """A collector: the state of every breaker of this process."""

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "mangaassist_breaker_state", "1 for the state that the breaker is in.", labels=["breaker", "state"]
        )
        for name, each in sorted(breaker.registry.items()):
            current = each.state
            for state in _STATES:
                family.add_metric([name, state], float(state == current))
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


_outbox_backlog = OutboxBacklog()
REGISTRY.register(BreakerStates())
REGISTRY.register(_outbox_backlog)


async def exposition() -> bytes:
    """All of it in Prometheus' text format; without the outbox when the database does not answer in time."""
    try:
        read = await asyncio.wait_for(in_database(lambda: (read_backlog(), read_dead_letters())), DATABASE_LIMIT_S)
        _outbox_backlog.rows, _outbox_backlog.dead_letters = read
    except (TimeoutError, DatabaseError):
        _outbox_backlog.rows, _outbox_backlog.dead_letters = [], {}
    return await asyncio.to_thread(generate_latest, REGISTRY)
