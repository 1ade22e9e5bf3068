"""Django's SQLite with a queue for writers: the threads of a process take turns instead of trying again and again.

SQLite lets one transaction write at a time. Who comes second sleeps a little, tries again, sleeps longer (up to a tenth
of a second, see ``sqliteDefaultBusyCallback`` in its main.c), and may find a third one in its place each time: with
fifty shoppers on one process a question in a hundred waited for a second. Here the one that came first is next, and is
woken at once; a single statement that writes outside a transaction queues as well. Other processes are met as before,
at ``BEGIN IMMEDIATE``.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict, deque
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base

# What a statement begins with that takes SQLite's place for writers.
_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE", "DROP", "ALTER")


class Line:
    """A lock that is given away in the order in which it was asked for. ``threading.Lock`` knows none: whoever lets it
    go and asks again at once mostly has it again.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        # One closed lock for each that waits; opened, it is their turn.
        self._waiting: deque[threading.Lock] = deque()

    def acquire(self, timeout: float) -> bool:
        """False after ``timeout`` seconds in the line."""
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=timeout):
            return True
        with self._guard:
            if turn not in self._waiting:  # It was given this very moment.
                return True
            self._waiting.remove(turn)
        return False

    def release(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False

    def waiting(self) -> int:
        return len(self._waiting)


# One a database file.
_lines: defaultdict[str, Line] = defaultdict(Line)
# A child of a fork has none of the threads that may have held them.
os.register_at_fork(after_in_child=_lines.clear)


class DatabaseWrapper(base.DatabaseWrapper):
    """``OPTIONS["timeout"]`` (seconds) is what a transaction waits for its turn, too."""

    _turn: Line | None = None

    def create_cursor(self, name: Any = None) -> Any:
        return self.connection.cursor(factory=lambda connection: _Cursor(connection, self))

    def take_turn(self) -> bool:
        """False when this connection has it already."""
        if self._turn is not None:
            return False
        line = self.line()
        if not line.acquire(self.settings_dict["OPTIONS"].get("timeout", 5)):
            raise OperationalError("database is locked: another transaction of this process has not ended")
        self._turn = line
        return True

    def leave(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.release()

    def line(self) -> Line:
        return _lines[str(self.settings_dict["NAME"])]

    def _start_transaction_under_autocommit(self) -> None:
        self.take_turn()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self.leave()
            raise

    def _commit(self) -> Any:
        try:
            return super()._commit()  # type: ignore[misc]
        finally:
            # One that could not be committed is rolled back next.
            if self.connection is None or not self.connection.in_transaction:
                self.leave()

    def _rollback(self) -> Any:
        try:
            return super()._rollback()  # type: ignore[misc]
        finally:
            self.leave()

    def _close(self) -> Any:
        try:
            return super()._close()  # type: ignore[misc]
        finally:
            self.leave()


class _Cursor(base.SQLiteCursorWrapper):
    """One statement that writes takes its turn, unless its transaction has it.

    With ``RETURNING`` SQLite lets others write only when all rows are read or the cursor is closed, as Django does.
    """

    _has_turn = False

    def __init__(self, connection: Any, wrapper: DatabaseWrapper) -> None:
        super().__init__(connection)
        self._wrapper = wrapper

    def execute(self, query: str, params: Any = None) -> Any:
        self._take_turn(query)
        try:
            return super().execute(query, params)
        finally:
            if self.description is None:
                self._leave()

    def executemany(self, query: str, param_list: Any) -> Any:
        self._take_turn(query)
        try:
            return super().executemany(query, param_list)
        finally:
            self._leave()

    def close(self) -> None:
        super().close()
        self._leave()

    def __del__(self) -> None:
        self._leave()

    def _take_turn(self, query: str) -> None:
        if query.lstrip()[:7].upper().startswith(_WRITES):
            self._has_turn = self._wrapper.take_turn() or self._has_turn

    def _leave(self) -> None:
        if self._has_turn:
            self._has_turn = False
            self._wrapper.leave()
