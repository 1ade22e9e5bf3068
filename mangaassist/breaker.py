"""Circuit breakers and bounded executors, one of each per dependency: one slow thing stays one slow thing."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from mangaassist.instruments import executor_refusals, executor_wait_seconds

T = TypeVar("T")
_STATES = ("closed", "half_open", "open")


class BreakerOpen(Exception):
    """The dependency failed lately; it is not asked again until its pause is over."""


class Breaker:
    """Closed → open after ``failures`` in a row, or half of at least ten calls within ``window_s`` failed.

    Open for ``pause_s``; then one probe at a time is let through (half-open) and its outcome decides.
    Thread-safe. Callers: ``check()``, then ``succeeded()`` or ``failed()``; or use :meth:`call`.
    """

    def __init__(
        self,
        name: str,
        *,
        failures: int = 5,
        window_s: float = 10.0,
        pause_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._failures = failures
        self._window_s = window_s
        self._pause_s = pause_s
        self._clock = clock
        self._lock = threading.Lock()
        self._outcomes: deque[tuple[float, bool]] = deque()
        self._in_a_row = 0
        self._opened_at: float | None = None
        self._probing_since: float | None = None
        registry[name] = self

    @property
    def state(self) -> str:
        """``closed``, ``open`` or ``half_open``, for metrics and /readyz."""
        with self._lock:
            if self._opened_at is None:
                return "closed"
            return "half_open" if self._clock() - self._opened_at >= self._pause_s else "open"

    def check(self) -> None:
        """Raises :class:`BreakerOpen` when the call must not be made."""
        with self._lock:
            if self._opened_at is None:
                return
            now = self._clock()
            if now - self._opened_at < self._pause_s:
                raise BreakerOpen(self.name)
            # A probe that never reports (its task was cancelled) is given up after one more pause.
            if self._probing_since is not None and now - self._probing_since < self._pause_s:
                raise BreakerOpen(self.name)
            self._probing_since = now

    def succeeded(self) -> None:
        with self._lock:
            self._in_a_row = 0
            if self._opened_at is not None:
                self._opened_at = self._probing_since = None
                self._outcomes.clear()
            self._remember(True)

    def failed(self) -> None:
        with self._lock:
            self._in_a_row += 1
            self._remember(False)
            bad = sum(1 for _, ok in self._outcomes if not ok)
            if (
                self._opened_at is not None
                or self._in_a_row >= self._failures
                or (len(self._outcomes) >= 10 and bad * 2 >= len(self._outcomes))
            ):
                self._opened_at = self._clock()
                self._probing_since = None

    def call(
        self,
        function: Callable[[], T],
        *,
        failures: tuple[type[BaseException], ...],
        counts: Callable[[BaseException], bool] = lambda error: True,
    ) -> T:
        """``function()`` behind the breaker; only ``failures`` that ``counts`` agrees to count against it.

        The others are the caller's own fault: the dependency has answered.
        """
        self.check()
        try:
            result = function()
        except failures as error:
            if counts(error):
                self.failed()
            else:
                self.succeeded()
            raise
        self.succeeded()
        return result

    def reset(self) -> None:
        with self._lock:
            self._outcomes.clear()
            self._in_a_row = 0
            self._opened_at = self._probing_since = None

    def _remember(self, ok: bool) -> None:
        now = self._clock()
        self._outcomes.append((now, ok))
        while self._outcomes and now - self._outcomes[0][0] > self._window_s:
            self._outcomes.popleft()


registry: dict[str, Breaker] = {}


class BreakerStates:
    """For Prometheus: the state of every breaker of this process, a worker's as well."""

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "mangaassist_breaker_state", "1 for the state that the breaker is in.", labels=["breaker", "state"]
        )
        for name, each in sorted(registry.items()):
            current = each.state
            for state in _STATES:
                family.add_metric([name, state], float(state == current))
        yield family


REGISTRY.register(BreakerStates())


class ExecutorFull(Exception):
    """Every thread of this dependency is busy and its queue is full."""


class BoundedExecutor:
    """A small thread pool of one dependency: a hang there takes these threads and no others."""

    def __init__(self, name: str, *, threads: int, queue: int) -> None:
        self.name = name
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)
        self._places = threading.BoundedSemaphore(threads + queue)
        self._waited = executor_wait_seconds.labels(executor=name)

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """Starts ``function()`` in this pool. Raises :class:`ExecutorFull` at once when there is no place."""
        if not self._places.acquire(blocking=False):
            executor_refusals.labels(executor=self.name).inc()
            raise ExecutorFull(self.name)
        asked = time.perf_counter()

        def work() -> T:
            self._waited.observe(time.perf_counter() - asked)
            return function()

        future = self._pool.submit(work)
        # Released when the thread is done, not when the waiter gives up: a hung call keeps its place.
        future.add_done_callback(lambda _: self._places.release())
        return future

    async def run(self, function: Callable[[], T]) -> T:
        """``function()`` in this pool, awaited. Raises :class:`ExecutorFull` at once when there is no place."""
        return await asyncio.wrap_future(self.submit(function))
