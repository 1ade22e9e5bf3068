"""What Prometheus reads of this process: turns, the event loop's lag, breakers, and the outbox's depth.

The process's own memory, CPU and descriptors come from prometheus_client. Every web process has its own numbers;
the outbox's are the database's and the same everywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from prometheus_client import REGISTRY, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from mangaassist import breaker

_STATES = ("closed", "half_open", "open")

turn_seconds = Histogram(
    "mangaassist_turn_seconds",
    "Time from a question to its whole answer.",
    ["status"],
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
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


REGISTRY.register(BreakerStates())


async def exposition() -> bytes:
    """All of it in Prometheus' text format."""
    return await asyncio.to_thread(generate_latest, REGISTRY)
