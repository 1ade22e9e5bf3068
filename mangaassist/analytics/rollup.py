"""Keeps the tallies: reads what is new, a slice a transaction, and adds it to its hour and its day.

Turns and handoffs are read in the order of their time, from the mark on. What became visible late (a transaction that
took long, a host whose clock is behind) is found for ``OVERLAP`` behind the mark: there it is noted which rows have
been seen. A turn that still runs is noted as well, and counts when it ends, however late. Everything is written
together with the mark, whose lock only one run has: a run that dies or runs twice counts nothing twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from chat.models import Conversation, Message, Turn
from escalation.models import Handoff
from mangaassist.analytics import cache_tally, lists
from mangaassist.analytics.models import TalliedRow, Tally, TallyMark
from mangaassist.analytics.shop_time import day_of
from mangaassist.analytics.tallying import EndedTurn, tally_turn
from mangaassist.analytics.totals import Totals

log = structlog.get_logger(__name__)
# Counts a slice of rows, moves the mark, and tells whether there may be more.
CountSlice = Callable[[TallyMark, Totals], bool]

SLICE = 500
# Between slices, for others who wait for SQLite's only writer.
PAUSE_S = 0.02
OVERLAP = timedelta(minutes=15)
# Hours are needed for comparisons with a month ago.
HOURS_KEPT = timedelta(days=70)
DAYS_KEPT = timedelta(days=1100)
_TURN_FIELDS = (
    "pk", "conversation_id", "status", "intent", "language", "generator", "engine", "latency_ms", "first_delta_ms",
    "trace", "started_at",
)  # fmt: skip


def roll_up(limit_s: float = 10.0) -> bool:
    """Counts what is new. False: time ran out, and the next run goes on from here."""
    ends_at = time.monotonic() + limit_s
    TallyMark.objects.bulk_create([TallyMark(source=source) for source in _SOURCES], ignore_conflicts=True)
    # In this order: a click counts for a list that has been counted.
    done = all(_until_done(source, count, ends_at) for source, count in _SOURCES.items())
    _forget_seen()
    return done


def _until_done(source: str, count: CountSlice, ends_at: float) -> bool:
    while True:
        with transaction.atomic():
            mark = _locked_marks()[source]
            totals = Totals()
            has_more = count(mark, totals)
            totals.store()
            mark.ran_at = timezone.now()
            mark.save()
        if not has_more:
            return True
        if time.monotonic() > ends_at:
            return False
        time.sleep(PAUSE_S)


def _locked_marks() -> dict[str, TallyMark]:
    """All of them: sources share tallies."""
    return {mark.source: mark for mark in TallyMark.objects.select_for_update().order_by("source")}


# --- Turns --------------------------------------------------------------------------------------------------------


def _count_turns(mark: TallyMark, totals: Totals) -> bool:
    rows: list[dict[str, Any]] = list(_unseen(mark, Turn.objects.all(), "started_at").values(*_TURN_FIELDS)[:SLICE])
    waiting = list(
        TalliedRow.objects.filter(source=mark.source, is_over=False).order_by("at").values_list("row", flat=True)
    )
    ended_now = list(
        Turn.objects.filter(pk__in=waiting[:SLICE]).exclude(status=Turn.Status.RUNNING).values(*_TURN_FIELDS)
    )
    ended = [row for row in rows if row["status"] != Turn.Status.RUNNING] + ended_now
    _see(mark, ((row["pk"], row["started_at"], row["status"] != Turn.Status.RUNNING) for row in rows))
    TalliedRow.objects.filter(source=mark.source, row__in=[row["pk"] for row in ended_now]).update(is_over=True)
    turns = _as_ended(ended)
    for turn in turns:
        try:
            counted = tally_turn(turn)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # A trace of a version to come must not hold up all that follow.
            log.warning("turn_not_counted", at=turn.at.isoformat(), error=repr(error)[:200])
        else:
            totals.add(turn.at, counted)
    lists.remember(turns, totals)
    return len(rows) == SLICE


def _as_ended(rows: list[dict[str, Any]]) -> list[EndedTurn]:
    answers = Message.objects.filter(turn__in=[row["pk"] for row in rows], role=Message.Role.ASSISTANT)
    cards = dict(answers.values_list("turn_id", "cards"))
    earliest = Turn.objects.filter(conversation=OuterRef("pk")).order_by("started_at", "pk").values("pk")[:1]
    conversations = Conversation.objects.filter(pk__in={row["conversation_id"] for row in rows}).order_by()
    firsts = set(conversations.annotate(first=Subquery(earliest)).values_list("first", flat=True))
    return [
        EndedTurn(
            at=row["started_at"],
            status=row["status"],
            intent=row["intent"],
            language=row["language"],
            generator=row["generator"],
            engine=row["engine"],
            latency_ms=row["latency_ms"],
            first_delta_ms=row["first_delta_ms"],
            trace=row["trace"],
            cards=cards.get(row["pk"]) or (),
            is_first=row["pk"] in firsts,
        )
        for row in rows
    ]


# --- Handoffs -----------------------------------------------------------------------------------------------------


def _count_handoffs(mark: TallyMark, totals: Totals) -> bool:
    rows = list(_unseen(mark, Handoff.objects.all(), "opened_at").values_list("pk", "opened_at", "trigger")[:SLICE])
    for _, at, trigger in rows:
        totals.add(at, {("handoffs", trigger): {"opened": 1}})
    _see(mark, ((pk, at, True) for pk, at, _ in rows))
    return len(rows) == SLICE


# --- What has been seen -------------------------------------------------------------------------------------------


def _unseen(mark: TallyMark, rows: QuerySet[Any], field: str) -> QuerySet[Any]:
    seen = TalliedRow.objects.filter(source=mark.source, row=OuterRef("pk"))
    since = {f"{field}__gte": mark.upto - OVERLAP} if mark.upto else {}
    return rows.filter(~Exists(seen), **since).order_by(field)


def _see(mark: TallyMark, rows: Iterable[tuple[UUID, datetime, bool]]) -> None:
    seen = [TalliedRow(source=mark.source, row=row, at=at, is_over=is_over) for row, at, is_over in rows]
    TalliedRow.objects.bulk_create(seen, batch_size=SLICE)
    if seen:
        # A host whose clock runs ahead must not make the rows of the others late.
        newest = min(max(row.at for row in seen), timezone.now())
        mark.upto = max(mark.upto or newest, newest)


def _forget_seen() -> None:
    """What lies behind the overlap is not read again."""
    for mark in TallyMark.objects.exclude(upto=None):
        assert mark.upto is not None
        TalliedRow.objects.filter(source=mark.source, is_over=True, at__lt=mark.upto - 2 * OVERLAP).delete()
    gone = TalliedRow.objects.filter(source="turns", is_over=False)
    gone.exclude(Exists(Turn.objects.filter(pk=OuterRef("row")))).delete()


_SOURCES: dict[str, CountSlice] = {
    "turns": _count_turns,
    "handoffs": _count_handoffs,
    "lists": lists.count_slice,
    "cache": cache_tally.count_slice,
}


# --- Again, and no more -------------------------------------------------------------------------------------------


def count_again(since: datetime) -> None:
    """Forgets what was counted since that day of the shop's began; the next runs count it from the rows that are
    there. What was counted of the cache has no rows, and stays."""
    begins = day_of(since)
    with transaction.atomic():
        marks = _locked_marks()
        Tally.objects.filter(start__gte=begins).exclude(subject="cache").delete()
        lists.forget(begins)
        for mark in marks.values():
            if mark.source == "lists":
                mark.number = 0
            elif mark.source != "cache" and mark.upto and mark.upto > begins:
                _go_back(mark, begins)
            mark.save()


def _go_back(mark: TallyMark, begins: datetime) -> None:
    """To where that day began. What is from before it and in the overlap has been counted."""
    rows, field = (Turn.objects, "started_at") if mark.source == "turns" else (Handoff.objects, "opened_at")
    between = {f"{field}__gte": begins - OVERLAP, f"{field}__lt": begins}
    mark.upto = begins
    TalliedRow.objects.filter(source=mark.source, at__gte=begins).delete()
    TalliedRow.objects.bulk_create(
        [
            TalliedRow(source=mark.source, row=row, at=at, is_over=True)
            for row, at in rows.filter(**between).values_list("pk", field)
        ],
        ignore_conflicts=True,
    )


def prune() -> int:
    now = timezone.now()
    old = Q(grain=Tally.Grain.HOUR, start__lt=now - HOURS_KEPT) | Q(grain=Tally.Grain.DAY, start__lt=now - DAYS_KEPT)
    return Tally.objects.filter(old).delete()[0] + lists.prune()
