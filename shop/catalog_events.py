"""Catalogue events: single changes of the shop's data, sent as they happen, in whatever order they arrive.

Each has its effect once (by its sender's id), and of each object the newest counts (by ``at``, the time at its
source), whether an event or an uploaded feed told it. A product and its offer are two objects: a late description
does not undo a new price. What is stored is so, whatever order the events came in: a last-writer-wins register for
each object (Shapiro et al., "A comprehensive study of Convergent and Commutative Replicated Data Types", 3.2.1).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from shop.feed import FeedKind, ImportReport, Row, find_kind, write_rows
from shop.feed_fields import LineRefused
from shop.feed_records import ObjectVersion, TakenEvent, one_writer

MOST_EVENTS = 1_000
# Prices and stocks are stored so many at a time: on SQLite whoever else wants to write, a shopper's question too, comes
# between two slices. Other events may need each other, and are stored together.
SLICE = 100
# So many refused events of one object are stepped over in a call: each costs a look at the database.
MOST_ROUNDS = 10
# Sent again after that, an event counts as another one: of its object's time, it changes nothing.
IDS_KEPT = timedelta(days=30)
# A clock that is wrong by more would keep out every change until its time has come.
MOST_AHEAD = timedelta(days=1)

EventType = Literal[
    "product.updated",
    "product.deleted",
    "offer.updated",
    "offer.deleted",
    "promotion.updated",
    "promotion.deleted",
    "article.updated",
    "article.deleted",
    "order.updated",
]
# The kinds of feed line that may come as its data; the first one when the data names none.
_KINDS = {
    "product": ("edition", "series"),
    "offer": ("offer",),
    "promotion": ("promotion",),
    "article": ("article",),
    "order": ("order",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEvent:
    """``data``: a feed line; of a deletion what identifies one is enough."""

    id: str
    type: EventType
    at: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """``reason``: why it was rejected, or what of a taken one is left out."""

    status: Literal["taken", "duplicate", "stale", "rejected"]
    reason: str = ""


@dataclass(slots=True)
class _Change:
    """What an event says of one object. ``row`` None: it is deleted."""

    event: int
    at: datetime
    row: Row | None
    is_refused: bool = False


@dataclass(slots=True)
class _Object:
    """One object, and what the events of a call say of it, in the order they came."""

    kind: FeedKind
    ref: str
    changes: list[_Change] = field(default_factory=list)
    stored_at: datetime | None = None

    def newest(self) -> _Change | None:
        """Of those that are not refused; of two of one time the one that came later."""
        good = [each for each in self.changes if not each.is_refused and not _is_older(each.at, self.stored_at)]
        return max(good, key=lambda each: (each.at, each.event), default=None)

    def late(self) -> Iterator[_Change]:
        """Those that something newer had come before."""
        newest = self.stored_at
        for change in self.changes:
            if _is_older(change.at, newest):
                yield change
            elif not change.is_refused:
                newest = change.at


def _is_older(at: datetime, than: datetime | None) -> bool:
    return than is not None and at < than


def apply_events(source: str, events: Sequence[CatalogEvent]) -> list[Outcome]:
    """What became of each. ``source``: whose ids they are.

    One transaction, but for offers: those are stored slice by slice. An interruption leaves what is stored, and what is
    sent again is a duplicate.
    """
    alone = all(event.type.startswith("offer.") for event in events)
    size = SLICE if alone else max(1, len(events))
    outcomes: list[Outcome] = []
    ids: set[str] = set()
    for begin in range(0, len(events), size):
        slice = events[begin : begin + size]
        with transaction.atomic():
            one_writer()
            outcomes += _Call(source, slice, ids).apply()
        ids.update(event.id for event in slice)
    return outcomes


def purge(now: datetime) -> int:
    """Forgets ids that are older than :data:`IDS_KEPT`. → how many."""
    count, _ = TakenEvent.objects.filter(taken_at__lt=now - IDS_KEPT).delete()
    return count


class _Call:
    """The events of one call, or of a slice of it, from reading to their outcomes. ``ids``: of its earlier slices."""

    def __init__(self, source: str, events: Sequence[CatalogEvent], ids: Collection[str]) -> None:
        self._source = source
        self._events = events
        self._ids = ids
        self._objects: dict[tuple[str, str], _Object] = {}
        self._outcomes: dict[int, Outcome] = {}
        # {event: why it is not taken}, and {event: what of it is left out}.
        self._refused: dict[int, str] = {}
        self._lacking: dict[int, str] = {}

    def apply(self) -> list[Outcome]:
        self._read()
        for name in {name for name, _ in self._objects}:
            times = ObjectVersion.objects.times(name, [ref for kind, ref in self._objects if kind == name])
            for ref, at in times.items():
                self._objects[name, ref].stored_at = at
        objects = list(self._objects.values())
        for _ in range(MOST_ROUNDS):
            # Where the newest is refused, the one before it counts.
            objects = self._write(objects) if objects else []
        for each in objects:
            self._refuse_rest(each)
        self._judge()
        self._store()
        return [self._outcomes[number] for number in range(len(self._events))]

    def _read(self) -> None:
        ids = [event.id for event in self._events]
        known = set(TakenEvent.objects.filter(source=self._source, event_id__in=ids).values_list("event_id", flat=True))
        known.update(self._ids)
        latest = timezone.now() + MOST_AHEAD
        for number, event in enumerate(self._events):
            if event.id in known:
                self._outcomes[number] = Outcome("duplicate")
                continue
            known.add(event.id)
            try:
                if event.at > latest:
                    raise LineRefused("at is more than a day ahead")
                self._note(number, event)
            except LineRefused as refusal:
                self._outcomes[number] = Outcome("rejected", str(refusal))

    def _note(self, number: int, event: CatalogEvent) -> None:
        kind = _kind_of(event)
        if event.type.endswith(".updated"):
            ref, values = kind.parse(event.data)
            self._object(kind, ref).changes.append(_Change(number, event.at, Row(ref, values, number)))
            return
        if kind.identify is None:
            raise LineRefused(f"kind {kind.name} cannot be deleted")
        ref = kind.identify(event.data)
        # An edition that comes back has no offer until one is told.
        for gone in (kind, find_kind("offer")) if kind.name == "edition" else (kind,):
            self._object(gone, ref).changes.append(_Change(number, event.at, None))

    def _object(self, kind: FeedKind, ref: str) -> _Object:
        return self._objects.setdefault((kind.name, ref), _Object(kind, ref))

    def _write(self, objects: Sequence[_Object]) -> list[_Object]:
        """Writes the newest of each. → those of which it was refused."""
        newest = [(each, change) for each in objects if (change := each.newest())]
        rows: dict[str, dict[str, Row]] = {}
        gone: dict[str, list[tuple[_Object, _Change]]] = {}
        for each, change in newest:
            if change.row is None:
                gone.setdefault(each.kind.name, []).append((each, change))
            else:
                rows.setdefault(each.kind.name, {})[each.ref] = change.row
        write_rows(rows, ImportReport(), self._dangles, self._rejects, self._lacks)
        # After what is written, which may have left what is deleted.
        for kind in sorted(map(find_kind, gone), key=lambda kind: kind.rank):
            self._delete(kind, gone[kind.name])
        again = []
        for each, change in newest:
            change.is_refused = change.event in self._refused
            if change.is_refused:
                again.append(each)
        return again

    def _refuse_rest(self, each: _Object) -> None:
        while change := each.newest():
            change.is_refused = True
            self._refused.setdefault(change.event, f"{MOST_ROUNDS} newer events of it are refused: send it again")

    def _dangles(self, kind: FeedKind, row: Row, reason: str) -> None:
        self._refused[row.number] = reason

    def _rejects(self, number: int, reason: str, raw: bytes) -> None:
        self._refused[number] = reason

    def _lacks(self, kind: FeedKind, row: Row, reason: str) -> None:
        self._lacking[row.number] = reason

    def _delete(self, kind: FeedKind, gone: Sequence[tuple[_Object, _Change]]) -> None:
        """``gone`` may hold parts of an event whose other part was just refused: they stay."""
        left = [(each.ref, change.event) for each, change in gone if change.event not in self._refused]
        if not left or kind.delete is None:
            return
        try:
            with transaction.atomic():
                kind.delete([ref for ref, _ in left])
        except ProtectedError:
            for ref, event in left:
                try:
                    with transaction.atomic():
                        kind.delete([ref])
                except ProtectedError:
                    self._refused[event] = "orders name it: send in_print false, and the deletion of its offer"

    def _judge(self) -> None:
        """An event is stale when nothing of it was news."""
        news: dict[int, bool] = {}
        for each in self._objects.values():
            late = {change.event for change in each.late()}
            for change in each.changes:
                news[change.event] = news.get(change.event, False) or change.event not in late
        for event, is_news in news.items():
            if event in self._refused:
                self._outcomes[event] = Outcome("rejected", self._refused[event])
            else:
                self._outcomes[event] = Outcome("taken", self._lacking.get(event, "")) if is_news else Outcome("stale")

    def _store(self) -> None:
        done = [number for number, outcome in self._outcomes.items() if outcome.status in {"taken", "stale"}]
        TakenEvent.objects.bulk_create(
            TakenEvent(source=self._source, event_id=self._events[number].id) for number in sorted(done)
        )
        times: dict[str, list[tuple[str, datetime]]] = {}
        for each in self._objects.values():
            if newest := each.newest():
                times.setdefault(each.kind.name, []).append((each.ref, newest.at))
        for name, of_kind in times.items():
            ObjectVersion.objects.note(name, of_kind)


def _kind_of(event: CatalogEvent) -> FeedKind:
    allowed = _KINDS[event.type.partition(".")[0]]
    named = event.data.get("kind", allowed[0])
    if named not in allowed:
        raise LineRefused(f"kind must be {' or '.join(allowed)} in {event.type}")
    return find_kind(named)
