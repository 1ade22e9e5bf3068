"""Takes a catalogue feed (contract: catalogue feed)."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from shop.feed import ImportReport, import_feed
from shop.feed_lines import FeedLines, unpacked

REPORTED_REJECTS = 20


class Command(BaseCommand):
    help = "Imports a feed of JSON Lines (.gz accepted, - for standard input). Importing twice changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the feed, or - for standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        name: str = options["file"]
        rejects = _rejects_path(name)
        with ExitStack() as stack:
            try:
                source = _open(name, stack)
            except OSError as error:
                self.stderr.write(f"Cannot read {name}: {error.strerror or error}")
                sys.exit(2)
            size = Path(name).stat().st_size if name != "-" else 0
            bar = _Bar(self.stderr, size, source)
            book = _Rejects(rejects, self.stderr)
            stack.callback(book.close)
            began = time.monotonic()
            lines = FeedLines(source)
            try:
                report = import_feed(lines, reject=book.add, progress=bar.show)
            except KeyboardInterrupt:
                self.stderr.write("\nInterrupted. What was done stays; import again to go on.")
                sys.exit(130)
            bar.clear()
        seconds = max(time.monotonic() - began, 1e-6)
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(report.by_kind.items()) if count)
        self.stdout.write(
            f"{report.taken} taken ({report.changed} new or changed: {kinds or 'none'}), {report.rejected} rejected, "
            f"{seconds:.1f} s, {(report.taken + report.rejected) / seconds:,.0f} lines/s"
        )
        if report.rejected:
            self.stderr.write(f"The rejected lines are in {rejects}")
        if lines.broken:
            self.stderr.write(f"{name} breaks off: {lines.broken}")
        if report.readable == 0:
            sys.exit(2)
        if report.rejected or lines.broken:
            sys.exit(1)


def _rejects_path(name: str) -> Path:
    if name == "-":
        return Path(settings.DATA_DIR) / "stdin.rejects.jsonl"
    return Path(f"{name}.rejects.jsonl")


def _open(name: str, stack: ExitStack) -> IO[bytes]:
    if name == "-":
        return sys.stdin.buffer
    return stack.enter_context(unpacked(stack.enter_context(open(name, "rb"))))


class _Rejects:
    """Writes bad lines beside the feed, each with its number and reason; no bad line, no file."""

    def __init__(self, path: Path, stderr: Any) -> None:
        self._path = path
        self._stderr = stderr
        self._file: IO[bytes] | None = None
        self._count = 0
        path.unlink(missing_ok=True)

    def add(self, number: int, reason: str, raw: bytes) -> None:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self._path, "wb")
        entry = {"line": number, "reason": reason, "text": raw[:10_000].decode("utf-8", "replace")}
        self._file.write(orjson.dumps(entry) + b"\n")
        self._count += 1
        if self._count <= REPORTED_REJECTS:
            self._stderr.write(f"line {number}: {reason}")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class _Bar:
    """A progress line on a terminal; nothing elsewhere."""

    def __init__(self, stderr: Any, size: int, source: IO[bytes]) -> None:
        self._stderr = stderr
        self._size = size
        # Of a .gz the position in the compressed file tells how far it is.
        self._raw: IO[bytes] | None = getattr(source, "fileobj", source)
        self._on = stderr.isatty()

    def show(self, lines: int, report: ImportReport) -> None:
        if not self._on:
            return
        share = ""
        if self._size and self._raw is not None:
            done = min(self._raw.tell() / self._size, 1.0)
            share = f"[{'█' * int(done * 24):<24}] {done:4.0%} "
        self._stderr.write(f"\r{share}{lines:,} lines", ending="")
        self._stderr.flush()

    def clear(self) -> None:
        if self._on:
            self._stderr.write("\r\033[K", ending="")
