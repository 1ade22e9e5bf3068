"""The catalogue feed: JSON Lines in any order, upserted in batches; a bad line never stops or undoes a good one.

Apps register what they can take (:func:`register_kind`); catalogue events of the partner API use the same kinds.
"""

from __future__ import annotations

import codecs
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from django.db import DataError, IntegrityError, transaction

from shop.feed_fields import LineRefused
from shop.feed_records import ObjectVersion, one_writer
from shop.signals import feed_imported

BATCH_LINES = 1000
BATCH_BYTES = 8 * 1024 * 1024
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
    """What became of a batch. ``dangling``: (row, reason) of those that refer to something unknown so far;
    ``incomplete``: of those that are in but for what they refer to."""

    changed: int = 0
    unchanged: int = 0
    dangling: list[tuple[Row, str]] = field(default_factory=list)
    incomplete: list[tuple[Row, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FeedKind:
    """``parse(line)`` → (id, values), raising LineRefused; ``upsert(rows)`` inside a transaction.

    ``rank``: lower ones are written first within a batch, so that references mostly resolve at once.
    ``identify(line)`` → id and ``delete(ids)``, also inside a transaction: of a kind that can be deleted by an event.
    ``is_state``: an object that changes, of which the newest line counts; else each line is something that happened.
    """

    name: str
    rank: int
    parse: Callable[[dict[str, Any]], tuple[str, dict[str, Any]]]
    upsert: Callable[[Sequence[Row]], Upserted]
    identify: Callable[[dict[str, Any]], str] | None = None
    delete: Callable[[Sequence[str]], object] | None = None
    is_state: bool = True
    # What is stored, as lines that import to the same; None: it is not the catalogue's.
    lines: Callable[[], Iterator[dict[str, Any]]] | None = None


@dataclass(slots=True)
class ImportReport:
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    # Lines that could be parsed, whatever became of them.
    readable: int = 0
    as_of: datetime | None = None
    by_kind: dict[str, int] = field(default_factory=dict)
    changed_by_kind: dict[str, int] = field(default_factory=dict)

    @property
    def taken(self) -> int:
        return self.changed + self.unchanged


Reject = Callable[[int, str, bytes], None]
Dangling = Callable[[FeedKind, Row, str], None]
_kinds: dict[str, FeedKind] = {}


def register_kind(kind: FeedKind) -> None:
    if kind.name in _kinds:
        raise ValueError(f"Feed kind {kind.name!r} is registered twice.")
    _kinds[kind.name] = kind


def find_kind(name: str) -> FeedKind:
    return _kinds[name]


def exported_kinds() -> list[str]:
    """In the order in which they refer to each other."""
    return [kind.name for kind in sorted(_kinds.values(), key=lambda kind: kind.rank) if kind.lines is not None]


def export_feed(kinds: Sequence[str] = ()) -> Iterator[bytes]:
    """The catalogue as JSON Lines, a line at a time; imported again it changes nothing. ``kinds``: those alone."""
    for name in exported_kinds():
        lines = _kinds[name].lines
        if lines is None or (kinds and name not in kinds):
            continue
        for line in lines():
            yield orjson.dumps({"kind": name} | line, option=orjson.OPT_APPEND_NEWLINE)


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
    lines: Iterable[bytes],
    *,
    reject: Reject,
    progress: Callable[[int, ImportReport], None] = lambda done, report: None,
    as_of: datetime | None = None,
) -> ImportReport:
    """Takes a feed. ``reject(number, reason, raw line)`` hears of each bad line; ``progress(lines done, report)``.

    ``as_of``: when the feed was so; of what an event told later the feed changes nothing (shop.catalog_events).
    Without it the feed counts, whatever it is of.

    Each batch is one transaction: an interruption leaves what is done, and importing again goes on from there.
    """
    report = ImportReport(as_of=as_of)
    batch: dict[str, dict[str, Row]] = {}
    held = size = number = 0
    with closing(_Pending()) as pending:
        for number, raw in enumerate(lines, start=1):
            raw = raw.removeprefix(codecs.BOM_UTF8).strip()  # noqa: PLW2901
            if not raw:
                continue
            try:
                kind, id, values = read_line(raw)
            except LineRefused as refusal:
                report.rejected += 1
                reject(number, str(refusal), raw)
                continue
            report.readable += 1
            rows = batch.setdefault(kind.name, {})
            if id in rows or pending.drop(kind.name, id):
                # What a later line replaces changes nothing.
                report.unchanged += 1
            rows[id] = Row(id, values, number, raw)
            held += 1
            size += len(raw)
            if held >= BATCH_LINES or size >= BATCH_BYTES:
                write_rows(batch, report, pending.keep, reject)
                batch, held, size = {}, 0, 0
                progress(number, report)
        write_rows(batch, report, pending.keep, reject)
        _resolve(pending, report, reject, lambda: progress(number, report))
    feed_imported.send_robust(sender=None, changed=report.changed_by_kind)
    return report


def write_rows(
    batch: dict[str, dict[str, Row]],
    report: ImportReport,
    dangling: Dangling,
    reject: Reject,
    incomplete: Dangling | None = None,
) -> None:
    """``batch``: {kind: {id: row}}. One transaction; when the database refuses a value in it, each row in one of its
    own. ``incomplete``: hears of rows that are in but for what they refer to; by default ``dangling`` does."""
    kinds = sorted((_kinds[name] for name in batch), key=lambda kind: kind.rank)
    try:
        with transaction.atomic():
            done = [(kind, _upsert(kind, list(batch[kind.name].values()), report.as_of)) for kind in kinds]
    except (DataError, IntegrityError) as error:
        rows = [(kind, row) for kind in kinds for row in batch[kind.name].values()]
        if len(rows) == 1:
            report.rejected += 1
            reject(rows[0][1].number, f"the database refuses it: {error}", rows[0][1].raw)
        else:
            for kind, row in rows:
                write_rows({kind.name: {row.id: row}}, report, dangling, reject, incomplete)
        return
    for kind, upserted in done:
        report.changed += upserted.changed
        report.changed_by_kind[kind.name] = report.changed_by_kind.get(kind.name, 0) + upserted.changed
        report.unchanged += upserted.unchanged
        report.by_kind[kind.name] = report.by_kind.get(kind.name, 0) + upserted.changed + upserted.unchanged
        for row, reason in upserted.dangling:
            dangling(kind, row, reason)
        for row, reason in upserted.incomplete:
            (incomplete or dangling)(kind, row, reason)


def _upsert(kind: FeedKind, rows: list[Row], as_of: datetime | None) -> Upserted:
    """Without those of which something newer is known than ``as_of``: they count as unchanged."""
    if as_of is None or not kind.is_state:
        return kind.upsert(rows)
    one_writer()
    times = ObjectVersion.objects.times(kind.name, [row.id for row in rows])
    current = [row for row in rows if row.id not in times or times[row.id] <= as_of]
    upserted = kind.upsert(current) if current else Upserted()
    missing = {row.id for row, _ in upserted.dangling}
    ObjectVersion.objects.note(kind.name, [(row.id, as_of) for row in current if row.id not in missing])
    upserted.unchanged += len(rows) - len(current)
    return upserted


class _Pending:
    """Lines that wait for the end of the feed, on disk: a feed may begin with all its offers."""

    def __init__(self) -> None:
        # A database without a name is a temporary file that goes with its connection.
        self._rows = sqlite3.connect("", isolation_level=None)
        self._rows.execute("CREATE TABLE pending (number INTEGER PRIMARY KEY, kind, id, raw, UNIQUE (kind, id))")
        self._rows.execute("BEGIN")
        self._empty = True

    def keep(self, kind: FeedKind, row: Row, reason: str) -> None:
        values = (row.number, kind.name, row.id, row.raw)
        self._rows.execute("INSERT OR REPLACE INTO pending VALUES (?, ?, ?, ?)", values)
        self._empty = False

    def drop(self, kind: str, id: str) -> bool:
        """Whether a line waited that a later one replaces."""
        if self._empty:
            return False
        return self._rows.execute("DELETE FROM pending WHERE kind = ? AND id = ?", (kind, id)).rowcount > 0

    def batches(self, kind: FeedKind) -> Iterator[list[Row]]:
        last, size = 0, 100
        while rows := self._rows.execute(
            "SELECT number, raw FROM pending WHERE kind = ? AND number > ? ORDER BY number LIMIT ?",
            (kind.name, last, size),
        ).fetchall():
            last = rows[-1][0]
            yield [Row(*read_line(raw)[1:], number, raw) for number, raw in rows]

    def close(self) -> None:
        self._rows.close()


def _resolve(pending: _Pending, report: ImportReport, reject: Reject, progress: Callable[[], None]) -> None:
    """At the end everything is known that ever will be: what still dangles is rejected.

    Kind after kind, since what waits may wait for what waits.
    """

    def refuse(kind: FeedKind, row: Row, reason: str) -> None:
        report.rejected += 1
        reject(row.number, reason, row.raw)

    for kind in sorted(_kinds.values(), key=lambda kind: kind.rank):
        for rows in pending.batches(kind):
            write_rows({kind.name: {row.id: row for row in rows}}, report, refuse, reject)
            progress()
