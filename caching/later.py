"""What can wait a moment and be done once for many calls: sent to Redis by a timer, off the caller's path."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

DELAY_S = 2.0


class Later:
    """``soon()`` has ``function`` called once, ``DELAY_S`` later, in a thread. Survives a fork."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function
        self._timer: threading.Timer | None = None
        self._start_over()
        os.register_at_fork(after_in_child=self._start_over)

    def soon(self) -> None:
        # Read without the lock: the usual call finds the timer running.
        if self._timer is None:
            with self._lock:
                if self._timer is None:
                    self._timer = timer = threading.Timer(DELAY_S, self._run)
                    timer.daemon = True
                    timer.start()

    def _run(self) -> None:
        self._timer = None
        self._function()

    def _start_over(self) -> None:
        self._lock = threading.Lock()
        self._timer = None
