"""Events that are kept here, and questions that only one shopper asked. Tallies name nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from mangaassist.analytics.buffer import TOPIC, buffer
from mangaassist.analytics.forgetting import asked_by, forget_questions, forget_words, questions_of
from mangaassist.analytics.models import AnalyticsEvent
from mangaassist.analytics.unanswered import unanswered
from mangaassist.outbox.privacy import without_records
from mangaassist.privacy.registry import (
    Countable,
    Counts,
    Holder,
    Retention,
    Rows,
    TopicData,
    register_holder,
    register_retention,
)
from mangaassist.privacy.subject import Subject


def _complete(subject: Subject) -> Subject:
    return subject.with_more(questions=questions_of(subject.turns))


def _events(subject: Subject) -> QuerySet[AnalyticsEvent]:
    return AnalyticsEvent.objects.filter(session_id__in=subject.conversations)


def _export(subject: Subject) -> Iterator[tuple[str, Rows]]:
    # What has gathered in this process is stored first: there it is found.
    buffer.flush()
    unanswered.flush()
    yield "events", (each.body for each in _events(subject).order_by("at").iterator(chunk_size=200))
    yield "unanswered", _questions(subject)


def _questions(subject: Subject) -> Iterator[dict[str, Any]]:
    """In the words of the no-hit report, which counts them together with everybody else's."""
    rows = asked_by(subject.questions, until=subject.until).order_by("first_asked_at")
    for row in rows.iterator(chunk_size=200):
        yield {"kind": row.kind, "language": row.language, "question": row.question}


def _count(subject: Subject) -> Iterator[tuple[str, Countable]]:
    yield "events", _events(subject)


def _erase(subject: Subject) -> Counts:
    buffer.flush()
    return {
        "events": _events(subject).delete()[0],
        "unanswered questions": forget_questions(subject.questions, until=subject.until),
    }


def register() -> None:
    register_holder(
        Holder(
            app="analytics",
            personal=("AnalyticsEvent", "UnansweredQuestion", "UnansweredCount"),
            impersonal=("Tally", "TallyMark", "TalliedRow", "ShownList"),
            topics={TOPIC: TopicData(without_records)},
            complete=_complete,
            export=_export,
            count=_count,
            erase=_erase,
            redact=forget_words,
        )
    )
    register_retention(
        Retention(
            key="analytics",
            name=_("Analytics"),
            about=_("Events in our own table, and questions without an answer."),
            setting="ANALYTICS_KEPT_DAYS",
        )
    )
