"""A feed's file as lines: plain or gzip, each line and the whole bounded."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedReader
from typing import IO, cast

from shop.feed import LONGEST_LINE_BYTES

GZIP_MAGIC = b"\x1f\x8b"


def unpacked(file: BufferedReader) -> IO[bytes]:
    """Reads what is in it: gzip is known by its first bytes (RFC 1952)."""
    if file.peek(2)[:2] == GZIP_MAGIC:
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    return file


class FeedLines:
    """The feed's lines, with an endless one cut so that it costs no memory: it is then refused as too long.

    A source that breaks off, or holds more than ``most_bytes``, ends the lines; ``broken`` says why. ``count``: lines
    so far, empty ones included.
    """

    def __init__(self, source: IO[bytes], *, most_bytes: int | None = None) -> None:
        self._source = source
        self._left = most_bytes
        self._most = most_bytes
        self.broken = ""
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        try:
            while line := self._read(LONGEST_LINE_BYTES + 2):
                if not line.endswith(b"\n") and len(line) > LONGEST_LINE_BYTES:
                    while (rest := self._read(LONGEST_LINE_BYTES)) and not rest.endswith(b"\n"):
                        pass
                self.count += 1
                yield line
        except (OSError, EOFError, zlib.error) as error:
            self.broken = str(error)

    def _read(self, most: int) -> bytes:
        piece = self._source.readline(most)
        if self._left is not None:
            self._left -= len(piece)
            if self._left < 0:
                raise OSError(f"it holds more than {self._most} bytes")
        return piece
