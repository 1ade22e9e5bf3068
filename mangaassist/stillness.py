"""Processes that stand still, seen from outside, and who holds SQLite's place for a writer. Imports no Django.

A process that was stopped, or whose threads wait for one another, dies not and keeps what it holds. Linux tells whether
it has run at all (/proc), and whose a lock on a file is.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from collections.abc import Collection
from pathlib import Path

LOOK_EVERY_S = 0.5
# Who has not run at so many looks stands still. A writer that does leaves nobody else a chance to store anything, and a
# shopper's question waits 5 s for that; of the others none is idle for so long (the longest poll takes 20 s).
STILL_WRITER_LOOKS = 5
STILL_LOOKS = 60
# Of a thread's state in /proc: it could run, or waits for a disk, or a debugger holds it. Nothing of that is stillness.
_NOT_STILL = {"R", "D", "t"}
# In the write-ahead log's index (https://www.sqlite.org/walformat.html#wal_locks): WAL_WRITE_LOCK.
_WRITERS_BYTE = 120
# struct flock of Linux with 64-bit offsets: type, whence, start, length, process.
_FLOCK = struct.Struct("hhqqi4x")


class Watch:
    """Looks at processes, and at whoever of their groups writes to ``database`` (None: it is not SQLite).

    Counts looks, not seconds: on a machine where nobody gets to run, neither does the one who looks.
    """

    def __init__(self, database: Path | None) -> None:
        self._database = database
        # {process: (nanoseconds that it has run, looks at which that was the same)}
        self._seen: dict[int, tuple[int, int]] = {}

    def look(self, leaders: Collection[int]) -> dict[int, str]:
        """The leaders of process groups that are to be killed, and what is wrong with each."""
        writer = writer_of(self._database) if self._database else None
        # Who is none of ours is left alone.
        writes_for = _group_of(writer) if writer else None
        watched = {*leaders, *([writer] if writer and writes_for in leaders else [])}
        looks = {pid: self._look_at(pid) for pid in watched}
        self._seen = {pid: seen for pid, seen in self._seen.items() if pid in watched}
        found = {pid: "stands still" for pid in leaders if looks[pid] >= STILL_LOOKS}
        if writer in looks and writes_for is not None and looks[writer] >= STILL_WRITER_LOOKS:
            found[writes_for] = "holds the database's lock and stands still"
        return found

    def _look_at(self, pid: int) -> int:
        """At how many looks in a row it had not run since the look before; 0 when it could have, or is gone."""
        ran = _has_run_ns(pid)
        if ran is None:
            self._seen.pop(pid, None)
            return 0
        before, looks = self._seen.get(pid, (-1, 0))
        looks = looks + 1 if ran == before else 0
        self._seen[pid] = (ran, looks)
        return looks


def _has_run_ns(pid: int) -> int | None:
    """Of all threads together; None when one of them is no example of stillness, or the process is gone."""
    ran = 0
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            if (thread / "stat").read_text().rpartition(")")[2].split()[0] in _NOT_STILL:
                return None
            ran += int((thread / "schedstat").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return ran


def writer_of(database: Path) -> int | None:
    """The process that writes to a SQLite database in WAL mode, or has begun to; None when that cannot be known."""
    if sys.platform != "linux":
        return None
    try:
        index = os.open(f"{database}-shm", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, _WRITERS_BYTE, 1, 0)
        kind, *_, pid = _FLOCK.unpack(fcntl.fcntl(index, fcntl.F_GETLK, asked))
    except OSError:
        return None
    finally:
        os.close(index)
    return pid if kind != fcntl.F_UNLCK and pid > 0 else None


def _group_of(pid: int) -> int | None:
    """None when it is gone."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None
