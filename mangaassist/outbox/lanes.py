"""How many threads of a worker deliver what: one a topic, and deliveries never all of them.

A worker's threads cannot be interrupted. An outside that hangs keeps the thread that asks it, and must keep no other:
what a shopper waits for goes on beside it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Lanes:
    """Of one process. ``deliveries``: so many topics of the queue ``delivery`` at a time. Thread-safe."""

    def __init__(self, *, deliveries: int) -> None:
        self._lock = threading.Lock()
        self._asked_again: dict[str, bool] = {}
        self._deliveries = threading.BoundedSemaphore(deliveries)

    def run(self, topic: str, queue: str, work: Callable[[], None]) -> None:
        """``work()``, unless the topic is being delivered here already: then that thread does it once more.

        When there is no place for one more delivery it is left out: the next sweep asks again.
        """
        with self._lock:
            if topic in self._asked_again:
                self._asked_again[topic] = True
                return
            if queue == "delivery" and not self._deliveries.acquire(blocking=False):
                return
            self._asked_again[topic] = True
        try:
            while self._is_asked(topic):
                work()
        except BaseException:
            with self._lock:
                del self._asked_again[topic]
            raise
        finally:
            if queue == "delivery":
                self._deliveries.release()

    def _is_asked(self, topic: str) -> bool:
        """Takes the request; without one the lane is free, in the same moment."""
        with self._lock:
            if self._asked_again[topic]:
                self._asked_again[topic] = False
                return True
            del self._asked_again[topic]
            return False
