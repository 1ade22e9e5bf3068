"""What was not found, counted behind the answer: a turn only appends to a buffer, a thread writes the rows."""

from __future__ import annotations

import atexit
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.timezone import localdate

from chat.records import TurnRecord
from mangaassist.analytics.buffer import EventBuffer, flush_at_exit
from mangaassist.analytics.events import left_unanswered
from mangaassist.analytics.models import UnansweredCount, UnansweredQuestion
from mangaassist.redaction import redact
from shop.models import Series
from shop.text import fold
from shop.titles import nearest_name

Kind = UnansweredQuestion.Kind
LONGEST_QUESTION = 300
# A shop's order numbers: letters, a hyphen, digits.
_ORDER = re.compile(r"\b[A-Za-z]{2,4}-\d{4,}\b")
# New wordings of one batch for which the nearest title is looked up: that takes milliseconds each.
LOOKED_UP = 50
_LANGUAGES = dict(UnansweredQuestion._meta.get_field("language").choices or ())


@dataclass(slots=True)
class _Counted:
    record: dict[str, Any]
    asked: int = 0
    times: list[datetime] = field(default_factory=list)


def hear(record: TurnRecord) -> None:
    """Appends what this turn did not find, if anything."""
    if record.is_redacted or not left_unanswered(
        record.status, record.intent, record.notes, has_cards=bool(record.cards)
    ):
        return
    asked = asked_for(record.intent, record.language, record.notes, record.message)
    if asked is not None:
        unanswered.append(asked | {"at": record.at, "nearest": _not_found(record.notes).get("nearest")})


def asked_for(intent: str, language: str, notes: Iterable[Mapping[str, Any]], message: str) -> dict[str, Any] | None:
    """``kind``, ``language`` and ``question`` of a turn that left its question unanswered; None for no words."""
    note = _not_found(notes)
    kind = note.get("kind") or (Kind.OTHER if intent == "other" else Kind.TITLE)
    text = normalised(note.get("about") or message)
    if not fold(text) or language not in _LANGUAGES:
        return None
    return {"kind": str(kind), "language": language, "question": text}


def _not_found(notes: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    return next((note for note in notes if note.get("note") == "not_found"), {})


def normalised(text: str) -> str:
    """NFKC, lower case, words by single spaces, without personal data and order numbers, 300 characters at most."""
    return " ".join(_ORDER.sub("[order]", redact(text[:4_000])).casefold().split())[:LONGEST_QUESTION]


def key_of(record: dict[str, Any]) -> str:
    told = f"{record['kind']}\n{record['language']}\n{fold(record['question'])}"
    return sha256(told.encode()).hexdigest()[:32]


def count(records: Iterable[dict[str, Any]]) -> None:
    """Adds to the rows, in one transaction; new wordings only while there is room."""
    counted: dict[str, _Counted] = {}
    for record in records:
        each = counted.setdefault(key_of(record), _Counted(record))
        each.record, each.asked = record, each.asked + 1
        each.times.append(record["at"])
    rows = UnansweredQuestion.objects
    known = set(rows.filter(key__in=counted).values_list("key", flat=True))
    new = [key for key in counted if key not in known]
    made = [_row(key, counted[key], looks=place < LOOKED_UP) for place, key in enumerate(new)]
    with transaction.atomic():
        if made:
            room = max(0, UnansweredQuestion.MOST - rows.count())
            # Another process may have made the same row just now.
            rows.bulk_create(made[:room], ignore_conflicts=True)
        # In one order everywhere, so that two processes do not wait for one another.
        for key in sorted(counted):
            each = counted[key]
            rows.filter(key=key).update(
                asked=F("asked") + each.asked,
                last_asked_at=max(each.times),
                handled_at=None,
                handled_by="",
                **_of_help(each.record),
            )
        _count_days(counted)


def _count_days(counted: dict[str, _Counted]) -> None:
    """Called when the rows were written: their locks make two processes wait for one another."""
    questions = dict(UnansweredQuestion.objects.filter(key__in=counted).values_list("key", "pk"))
    days = Counter((questions[key], localdate(at)) for key in questions for at in counted[key].times)
    UnansweredCount.objects.bulk_create(
        [UnansweredCount(question_id=question, day=day) for question, day in days], ignore_conflicts=True
    )
    for (question, day), asked in sorted(days.items()):
        UnansweredCount.objects.filter(question=question, day=day).update(asked=F("asked") + asked)


def _row(key: str, counted: _Counted, *, looks: bool) -> UnansweredQuestion:
    record = counted.record
    row = UnansweredQuestion(
        key=key,
        kind=record["kind"],
        language=record["language"],
        question=record["question"],
        first_asked_at=min(counted.times),
        last_asked_at=max(counted.times),
        **_of_help(record),
    )
    if looks and row.kind == Kind.TITLE and (near := nearest_name(row.question)):
        series_id, name, likeness = near
        title = Series.objects.filter(pk=series_id).values_list("title", flat=True).first()
        row.nearest, row.nearest_ref = (title or name)[:300], series_id
        row.nearest_score, row.nearest_by = round(likeness, 3), "spelling"
    return row


def _of_help(record: dict[str, Any]) -> dict[str, Any]:
    """The passage that came nearest the last time."""
    near = record["nearest"]
    if not near:
        return {}
    return {
        "nearest": near["title"][:300],
        "nearest_ref": f"{near['kind']} {near['ref']}",
        "nearest_score": near["score"],
        "nearest_by": near["by"],
    }


unanswered = EventBuffer(capacity=5_000, store=count)
atexit.register(flush_at_exit, unanswered)
