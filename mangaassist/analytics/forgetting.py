"""Analytics forget what is taken back: records that wait, our own table, what was asked and not found.

A question of the no-hit report is found again by its key, which is told by the turn's row: as long as there is one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from chat.models import Message, Turn
from mangaassist.analytics.buffer import buffer
from mangaassist.analytics.events import left_unanswered
from mangaassist.analytics.models import AnalyticsEvent, UnansweredQuestion
from mangaassist.analytics.unanswered import asked_for, key_of, unanswered
from mangaassist.outbox.forgetting import rewrite
from mangaassist.outbox.privacy import batched
from mangaassist.privacy.words import REDACTED, Words

# Turns of one question to the database.
TOGETHER = 500


def forget_words(words: Words) -> None:
    def reworded(record: dict[str, Any]) -> dict[str, Any]:
        if not words.turn or record.get("turn_id") != words.turn:
            return record
        return record | {name: REDACTED for name in ("message", "response") if name in record}

    # What has gathered in this process is stored first: there it is found.
    buffer.flush()
    if words.turn:
        rewrite(
            "analytics",
            words.turn,
            lambda payload: payload | {"records": [reworded(each) for each in payload["records"]]},
        )
        for event in AnalyticsEvent.objects.filter(session_id=words.conversation):
            body = reworded(event.body)
            if body != event.body:
                AnalyticsEvent.objects.filter(pk=event.pk).update(body=body)
    forget_questions(words.questions, until=words.until)


def questions_of(turn_ids: Iterable[str]) -> Iterator[str]:
    """ "key:how often" of what these turns asked in vain (:attr:`mangaassist.privacy.subject.Subject.questions`)."""
    asked: Counter[str] = Counter()
    for some in batched(sorted(turn_ids), TOGETHER):
        told = Message.objects.filter(turn=OuterRef("pk"), role=Message.Role.ASSISTANT)
        turns = Turn.objects.filter(pk__in=some, status=Turn.Status.COMPLETE).annotate(
            has_cards=Exists(told.exclude(cards=[]))
        )
        open_turns = {
            row["pk"]: row
            for row in turns.values("pk", "status", "intent", "language", "has_cards", "trace__notes")
            if left_unanswered(
                row["status"], row["intent"], row["trace__notes"] or (), has_cards=bool(row["has_cards"])
            )
        }
        questions = Message.objects.filter(turn__in=list(open_turns), role=Message.Role.USER, redacted_at=None)
        for turn_id, content in questions.values_list("turn_id", "content"):
            row = open_turns[turn_id]
            question = asked_for(row["intent"], row["language"], row["trace__notes"] or (), content)
            if question is not None:
                asked[key_of(question)] += 1
    return (f"{key}:{times}" for key, times in asked.items())


def forget_questions(questions: Iterable[str], *, until: datetime) -> int:
    """Those that nobody else has asked: what many ask is nobody's own. How many."""
    unanswered.flush()
    own = _counted(questions)
    removed = 0
    for row in asked_by(own, until=until):
        if row.asked <= own[row.key]:
            # Somebody else may ask it just now.
            removed += bool(UnansweredQuestion.objects.filter(pk=row.pk, asked=row.asked).delete()[0])
    return removed


def asked_by(questions: Iterable[str], *, until: datetime) -> QuerySet[UnansweredQuestion]:
    """Rows of the no-hit report with these keys ("key" or "key:how often"); none that was asked for later alone."""
    keys = [each.partition(":")[0] for each in questions]
    return UnansweredQuestion.objects.filter(key__in=keys, first_asked_at__lte=until)


def _counted(questions: Iterable[str]) -> dict[str, int]:
    own: dict[str, int] = {}
    for each in questions:
        key, _, times = each.partition(":")
        own[key] = max(own.get(key, 0), int(times))
    return own
