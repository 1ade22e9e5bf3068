"""The catalogue feed: JSON Lines in any order, upserted in batches; a bad line never stops or undoes a good one.

Apps register what they can take (:func:`register_kind`); catalogue events of the partner API use the same kinds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

import orjson
from django.db import transaction

from shop.feed_fields import LineRefused

BATCH_LINES = 1000
LONGEST_LINE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Row:
    """A parsed line. ``id`` names it within its kind: of two with one id the later counts."""

    id: str
    values: dict[str, Any]
    number: int = 0
    raw: bytes = b""


@dataclass(slots=True)
class Upserted:
    """What became of a batch. ``dangling``: (row, reason) of those that refer to something unknown so far."""

    changed: int = 0
    unchanged: int = 0
    dangling: list[tuple[Row, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FeedKind:
    """``parse(line)`` → (id, values), raising LineRefused; ``upsert(rows)`` inside a transaction.

    ``rank``: lower ones are written first within a batch, so that references mostly resolve at once.
    """

    name: str
    rank: int
    parse: Callable[[dict[str, Any]], tuple[str, dict[str, Any]]]
    upsert: Callable[[Sequence[Row]], Upserted]


@dataclass(slots=True)
class ImportReport:
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)

    @property
    def taken(self) -> int:
        return self.changed + self.unchanged


Reject = Callable[[int, str, bytes], None]
_kinds: dict[str, FeedKind] = {}


def register_kind(kind: FeedKind) -> None:
    if kind.name in _kinds:
        raise ValueError(f"Feed kind {kind.name!r} is registered twice.")
    _kinds[kind.name] = kind


def read_line(raw: bytes) -> tuple[FeedKind, str, dict[str, Any]]:
    """(kind, id, values) of one line. Raises :class:`LineRefused`."""
    if len(raw) > LONGEST_LINE_BYTES:
        raise LineRefused(f"the line is longer than {LONGEST_LINE_BYTES} bytes")
    try:
        line = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise LineRefused(f"not JSON: {error}") from error
    return read_object(line)


def read_object(line: Any) -> tuple[FeedKind, str, dict[str, Any]]:
    if not isinstance(line, dict):
        raise LineRefused("not a JSON object")
    kind = _kinds.get(line["kind"]) if isinstance(line.get("kind"), str) else None
    if kind is None:
        raise LineRefused(f"kind must be one of {', '.join(sorted(_kinds))}")
    id, values = kind.parse(line)
    return kind, id, values


def import_feed(
    lines: Iterable[bytes], *, reject: Reject, progress: Callable[[int], None] = lambda done: None
) -> ImportReport:
    """Takes a feed. ``reject(number, reason, raw line)`` hears of each bad line; ``progress(lines done)``.

    Each batch is one transaction: an interruption leaves what is done, and importing again goes on from there.
    """
    report = ImportReport()
    batch: dict[str, dict[str, Row]] = {}
    held = 0
    with tempfile.TemporaryFile() as pending:
        for number, raw in enumerate(lines, start=1):
            raw = raw.strip()  # noqa: PLW2901
            if not raw:
                continue
            try:
                kind, id, values = read_line(raw)
            except LineRefused as refusal:
                report.rejected += 1
                reject(number, str(refusal), raw)
                continue
            batch.setdefault(kind.name, {})[id] = Row(id, values, number, raw)
            held += 1
            if held >= BATCH_LINES:
                _write(batch, report, lambda row, reason: _keep(pending, row))
                batch, held = {}, 0
                progress(number)
        _write(batch, report, lambda row, reason: _keep(pending, row))
        _resolve(pending, report, reject)
    return report


def _write(batch: dict[str, dict[str, Row]], report: ImportReport, dangling: Callable[[Row, str], None]) -> None:
    with transaction.atomic():
        for kind in sorted((_kinds[name] for name in batch), key=lambda kind: kind.rank):
            done = kind.upsert(list(batch[kind.name].values()))
            report.changed += done.changed
            report.unchanged += done.unchanged
            report.by_kind[kind.name] = report.by_kind.get(kind.name, 0) + done.changed + done.unchanged
            for row, reason in done.dangling:
                dangling(row, reason)


def _keep(pending: IO[bytes], row: Row) -> None:
    """On disk, not in memory: a feed may begin with all its offers."""
    pending.write(b"%d\t%s\n" % (row.number, row.raw))


def _resolve(pending: IO[bytes], report: ImportReport, reject: Reject) -> None:
    """At the end everything is known that ever will be: what still dangles is rejected.

    Kind after kind, since what waits may wait for what waits.
    """
    for kind in sorted(_kinds.values(), key=lambda kind: kind.rank):
        pending.seek(0)
        rows: dict[str, Row] = {}

        def flush(kind: FeedKind = kind, rows: dict[str, Row] = rows) -> None:
            def refuse(row: Row, reason: str) -> None:
                report.rejected += 1
                reject(row.number, reason, row.raw)

            if rows:
                _write({kind.name: dict(rows)}, report, refuse)
                rows.clear()

        for line in pending:
            number, raw = line.split(b"\t", 1)
            found, id, values = read_line(raw.strip())
            if found is kind:
                rows[id] = Row(id, values, int(number), raw.strip())
                if len(rows) >= BATCH_LINES:
                    flush()
        flush()
