"""Events that are kept here, and questions that only one shopper asked. Tallies name nobody."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from mangaassist.analytics.buffer import TOPIC, buffer
from mangaassist.analytics.models import AnalyticsEvent
from mangaassist.outbox.privacy import without_records
from mangaassist.privacy.registry import (
    Counts,
    Holder,
    Retention,
    Rows,
    TopicData,
    register_holder,
    register_retention,
)
from mangaassist.privacy.subject import Subject


def _export(subject: Subject) -> Iterator[tuple[str, Rows]]:
    # What has gathered in this process is stored first: there it is found.
    buffer.flush()
    events = AnalyticsEvent.objects.filter(session_id__in=subject.conversations).order_by("at")
    yield "events", (each.body for each in events.iterator(chunk_size=200))


def _erase(subject: Subject) -> Counts:
    """Most go with their conversation (mangaassist.analytics.forgetting); here those that were stored since."""
    buffer.flush()
    return {"events": AnalyticsEvent.objects.filter(session_id__in=subject.conversations).delete()[0]}


def register() -> None:
    register_holder(
        Holder(
            app="analytics",
            personal=("AnalyticsEvent", "UnansweredQuestion", "UnansweredCount"),
            impersonal=("Tally", "TallyMark", "TalliedRow", "ShownList"),
            topics={TOPIC: TopicData(without_records)},
            export=_export,
            erase=_erase,
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
