"""Server-sent events out of bytes (WHATWG HTML, 9.2.6 "Interpreting an event stream"): only their data."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

# Characters that one event may hold.
LONGEST_EVENT = 1_000_000


class EventTooLong(Exception):
    """An event that does not end."""


class SseReader:
    """Lines end with LF, CR LF or CR, wherever a piece is cut; comments and other fields are passed over; several
    ``data`` lines of an event are joined by LF."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
        self._held = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, piece: bytes) -> Iterator[str]:
        """The data of the events that are complete. Raises :class:`EventTooLong`."""
        self._held += self._decoder.decode(piece)
        while (line := self._line()) is not None:
            if line:
                self._take(line)
            elif self._data:
                yield "\n".join(self._data)
                self._data, self._size = [], 0
        if len(self._held) + self._size > LONGEST_EVENT:
            raise EventTooLong

    def _line(self) -> str | None:
        ends = [at for at in (self._held.find("\n"), self._held.find("\r")) if at >= 0]
        if not ends:
            return None
        end = min(ends)
        # A CR at the very edge may be followed by its LF.
        if self._held[end] == "\r" and end + 1 == len(self._held):
            return None
        line = self._held[:end]
        self._held = self._held[end + (2 if self._held.startswith("\r\n", end) else 1) :]
        return line

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        if name == "data":
            self._data.append(value.removeprefix(" "))
            self._size += len(value)
