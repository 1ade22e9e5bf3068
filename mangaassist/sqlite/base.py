"""Django's SQLite with a queue for writers: the threads of a process take turns instead of trying again and again.

SQLite lets one transaction write at a time. Who comes second sleeps a little, tries again, sleeps longer (up to a tenth
of a second, see ``sqliteDefaultBusyCallback`` in its main.c), and may find a third one in its place each time: with
fifty shoppers on one process a question in a hundred waited for a second. A lock of the process wakes the next one at
once. Other processes are met as before, at ``BEGIN IMMEDIATE``.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base

# One a database file.
_queues: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
# A child of a fork has none of the threads that may have held them.
os.register_at_fork(after_in_child=_queues.clear)


class DatabaseWrapper(base.DatabaseWrapper):
    """``OPTIONS["timeout"]`` (seconds) is what a transaction waits for its turn, too."""

    _turn: threading.Lock | None = None

    def _start_transaction_under_autocommit(self) -> None:
        queue = _queues[str(self.settings_dict["NAME"])]
        if not queue.acquire(timeout=self.settings_dict["OPTIONS"].get("timeout", 5)):
            raise OperationalError("database is locked: another transaction of this process has not ended")
        self._turn = queue
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._leave()
            raise

    def _commit(self) -> Any:
        try:
            return super()._commit()  # type: ignore[misc]
        finally:
            # One that could not be committed is rolled back next.
            if self.connection is None or not self.connection.in_transaction:
                self._leave()

    def _rollback(self) -> Any:
        try:
            return super()._rollback()  # type: ignore[misc]
        finally:
            self._leave()

    def _close(self) -> Any:
        try:
            return super()._close()  # type: ignore[misc]
        finally:
            self._leave()

    def _leave(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.release()
