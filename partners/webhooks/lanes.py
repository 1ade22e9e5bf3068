"""Threads that wait for receivers: a few for each, so that one that hangs keeps nobody else's."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from django.db import connections

log = structlog.get_logger(__name__)


@dataclass
class _Lane:
    threads: int = 0
    waiting: deque[Callable[[], None]] = field(default_factory=deque)


class ReceiverLanes:
    """Of one process. ``each``: threads of a receiver; ``queue``: what may wait for them; ``most``: threads in all.

    A lane exists while it has something to do. Thread-safe.
    """

    def __init__(self, *, each: int, queue: int, most: int) -> None:
        self._each = each
        self._queue = queue
        self._most = most
        self._lanes: dict[UUID, _Lane] = {}
        self._threads = 0
        self._changed = threading.Condition()

    def submit(self, receiver: UUID, work: Callable[[], None]) -> bool:
        """False when there is no place for it: then it is not done."""
        with self._changed:
            lane = self._lanes.get(receiver) or _Lane()
            if len(lane.waiting) >= self._queue or (lane.threads == 0 and self._threads >= self._most):
                return False
            self._lanes[receiver] = lane
            lane.waiting.append(work)
            if lane.threads < self._each and self._threads < self._most:
                lane.threads += 1
                self._threads += 1
                threading.Thread(target=self._run, args=(receiver, lane), name="webhook", daemon=True).start()
            return True

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Whether nothing is under way any more."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._threads, timeout_s)

    def _run(self, receiver: UUID, lane: _Lane) -> None:
        try:
            while (work := self._next(receiver, lane)) is not None:
                try:
                    work()
                except Exception as error:  # The row's lease runs out, and it is tried again.
                    log.error("webhook_attempt_failed", exc_info=error)
        finally:
            connections.close_all()
            with self._changed:
                self._threads -= 1
                self._changed.notify_all()

    def _next(self, receiver: UUID, lane: _Lane) -> Callable[[], None] | None:
        """None ends the thread, in the same moment in which nothing waits."""
        with self._changed:
            if lane.waiting:
                return lane.waiting.popleft()
            lane.threads -= 1
            if lane.threads == 0 and self._lanes.get(receiver) is lane:
                del self._lanes[receiver]
            return None
