"""What shoppers did, and their part in experiments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from mangaassist.privacy.registry import (
    Countable,
    Counts,
    Holder,
    Retention,
    Rows,
    TopicData,
    register_holder,
    register_retention,
    unless_named,
)
from mangaassist.privacy.subject import Subject, seal
from recommendations.dataset_updates import ITEM_TOPIC, USER_TOPIC
from recommendations.forgetting import TOPIC as FORGET_TOPIC
from recommendations.interactions import forget_history, mark_forgotten, owner_of
from recommendations.models import Exposure, ForgottenHistory, Interaction
from recommendations.streaming import TOPIC as EVENT_TOPIC


def _interactions(subject: Subject) -> QuerySet[Interaction]:
    mine = Q(customer_id="", session_id__in=subject.sessions)
    if subject.customer_id:
        mine |= Q(customer_id=subject.customer_id)
    return Interaction.objects.filter(mine, at__lte=subject.until)


def _find(subject: Subject) -> Subject:
    if not subject.customer_id:
        return subject
    sessions = Interaction.objects.of_customer(subject.customer_id).exclude(session_id="").order_by()
    return subject.with_more(sessions=sessions.values_list("session_id", flat=True).distinct())


def _export(subject: Subject) -> Iterator[tuple[str, Rows]]:
    yield "interactions", _told(subject)
    exposures = _parts(subject).select_related("experiment", "arm").iterator(chunk_size=500)
    yield (
        "experiments",
        (
            {"experiment": each.experiment.name, "arm": each.arm.name, "since": each.first_at.isoformat()}
            for each in exposures
        ),
    )


def _parts(subject: Subject) -> QuerySet[Exposure]:
    return Exposure.objects.filter(owner__in=subject.owners)


def _count(subject: Subject) -> Iterator[tuple[str, Countable]]:
    yield "interactions", _interactions(subject)
    yield "experiments", _parts(subject)


def _told(subject: Subject) -> Iterator[dict[str, Any]]:
    for row in _interactions(subject).order_by("at").iterator(chunk_size=500):
        yield {
            "type": row.type,
            "asin": row.asin,
            "series": row.series_id,
            "value": row.value,
            "session_id": row.session_id or None,
            "recommendation_id": row.recommendation_id or None,
            "at": row.at.isoformat(),
        }


def _erase(subject: Subject) -> Counts:
    """As who has their history forgotten; what is delivered late is still not taken in, by a sealed name."""
    removed = 0
    owners = [("", session) for session in sorted(subject.sessions)]
    if subject.customer_id:
        owners.append((subject.customer_id, ""))
    until = subject.until
    for customer_id, session_id in owners:
        owner = owner_of(customer_id, session_id)
        rows = Interaction.objects.of_customer(customer_id) if customer_id else Interaction.objects.of_guest(session_id)
        if not (
            rows.filter(at__lte=until).exists()
            or Exposure.objects.filter(owner=owner, first_at__lte=until).exists()
            or ForgottenHistory.objects.filter(owner=owner).exists()
        ):
            continue
        with transaction.atomic():
            removed += forget_history(customer_id=customer_id, session_id=session_id, until=until)
            mark_forgotten(seal(owner), ForgottenHistory.objects.get(owner=owner).at)
            ForgottenHistory.objects.filter(owner=owner).delete()
    return {"interactions": removed}


def _without_user(payload: dict[str, Any], subject: Subject) -> dict[str, Any] | None:
    left = [each for each in payload["user_ids"] if each not in subject.names]
    return payload | {"user_ids": left} if left else None


def remove_old(before: datetime, most: int) -> int:
    """Interactions, what was forgotten before, and who took part in experiments that ended then."""
    ids = list(Interaction.objects.filter(at__lt=before).order_by("at").values_list("pk", flat=True)[:most])
    if ids:
        Interaction.objects.filter(pk__in=ids).delete()
        return len(ids)
    ForgottenHistory.objects.filter(at__lt=before).delete()
    parts = list(Exposure.objects.filter(experiment__ended_at__lt=before).values_list("pk", flat=True)[:most])
    Exposure.objects.filter(pk__in=parts).delete()
    return len(parts)


def register() -> None:
    register_holder(
        Holder(
            app="recommendations",
            personal=("Interaction", "ForgottenHistory", "Exposure", "Outcome"),
            impersonal=("Experiment", "Arm"),
            topics={
                EVENT_TOPIC: TopicData(unless_named),
                USER_TOPIC: TopicData(unless_named),
                FORGET_TOPIC: TopicData(_without_user, stays_until_done=True),
                ITEM_TOPIC: None,
            },
            find=_find,
            export=_export,
            count=_count,
            erase=_erase,
        )
    )
    register_retention(
        Retention(
            key="interactions",
            name=_("Interactions"),
            about=_("Views, clicks, purchases, ratings; who took part in experiments that ended."),
            setting="INTERACTIONS_KEPT_DAYS",
            remove=remove_old,
        )
    )
