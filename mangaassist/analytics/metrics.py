"""What Prometheus reads of this process' events."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from mangaassist.analytics.buffer import buffer


class BufferMetrics:
    """A collector: events that this process holds, and those that it dropped."""

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("mangaassist_analytics_waiting", "Events in the buffer.", value=float(len(buffer)))
        dropped = CounterMetricFamily(
            "mangaassist_analytics_dropped", "Events that were dropped: a full buffer, or no value for a database."
        )
        dropped.add_metric([], float(buffer.dropped))
        yield dropped


def register() -> None:
    REGISTRY.register(BufferMetrics())
