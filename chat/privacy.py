"""Conversations: what is told of them to their shopper, how all of one shopper's are erased, how long they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from chat.forgetting import remove, take_out
from chat.memory import forget_outside
from chat.models import Conversation, Message, Turn
from escalation.models import Handoff
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
from mangaassist.privacy.subject import Subject


def _ids(names: frozenset[str]) -> list[UUID]:
    """Of what came from outside, those that can be a conversation's."""
    found = []
    for name in names:
        try:
            found.append(UUID(name))
        except ValueError:
            continue
    return found


def _find(subject: Subject) -> Subject:
    """A conversation's owner, the owner's other conversations, and their turns.

    What a guest did before they signed in is the customer's, as on the shop's own pages.
    """
    mine = Q(pk__in=_ids(subject.conversations))
    if subject.customer_id:
        mine |= Q(customer_id=subject.customer_id)
    if subject.sessions:
        mine |= Q(customer_id="", session_id__in=subject.sessions)
    rows = list(
        Conversation.objects.filter(mine, created_at__lte=subject.until).values("pk", "customer_id", "session_id")
    )
    customer = subject.customer_id or next((row["customer_id"] for row in rows if row["customer_id"]), "")
    found = subject.with_more(
        conversations=[str(row["pk"]) for row in rows], sessions=[row["session_id"] for row in rows]
    )
    turns = Turn.objects.filter(conversation__in=[row["pk"] for row in rows]).values_list("pk", flat=True)
    found = found.with_more(turns=map(str, turns))
    return found if customer == subject.customer_id else _named(found, customer)


def _named(subject: Subject, customer_id: str) -> Subject:
    told = {"sessions": subject.sessions, "conversations": subject.conversations, "turns": subject.turns}
    return Subject(until=subject.until, customer_id=customer_id, handoffs=subject.handoffs, **told)


def _export(subject: Subject) -> Iterator[tuple[str, Rows]]:
    yield "conversations", _conversations(subject)


def _conversations(subject: Subject) -> Iterator[dict[str, Any]]:
    rows = Conversation.objects.filter(pk__in=_ids(subject.conversations)).order_by("created_at")
    for row in rows.iterator(chunk_size=50):
        yield {
            "id": str(row.pk),
            "customer_id": row.customer_id or None,
            "session_id": row.session_id,
            "partner": row.tenant or None,
            "locale": row.locale,
            "channel": row.channel,
            "page": row.context,
            "began_at": row.created_at.isoformat(),
            "messages": [_message(each) for each in row.messages.iterator(chunk_size=200)],
            "turns": [_turn(each) for each in _turns(row).iterator(chunk_size=200)],
            "opinions": [
                {
                    "message_id": str(each.message.public_id),
                    "rating": each.rating,
                    "reason": each.reason,
                    "comment": each.comment,
                    "at": each.updated_at.isoformat(),
                    "notes": [
                        {"by": note.by, "text": note.text, "at": note.at.isoformat()} for note in each.notes.all()
                    ],
                }
                for each in row.feedback.select_related("message").prefetch_related("notes")
            ],
        }


def _turns(conversation: Conversation) -> QuerySet[Turn]:
    """Traces are the bulk of a turn's row, and little of them is told."""
    return conversation.turns.defer("trace").annotate(asked=F("trace__asked"))


def _message(message: Message) -> dict[str, Any]:
    return {
        "id": str(message.public_id),
        "role": message.role,
        "author": message.author or None,
        "text": message.content,
        "cards": message.cards,
        "at": message.created_at.isoformat(),
    }


def _turn(turn: Any) -> dict[str, Any]:
    return {
        "id": str(turn.pk),
        "intent": turn.intent,
        "language": turn.language,
        "asked": turn.asked or {},
        "remembered": turn.dialogue,
        "at": turn.started_at.isoformat(),
    }


def _count(subject: Subject) -> Iterator[tuple[str, Countable]]:
    yield "conversations", Conversation.objects.filter(pk__in=_ids(subject.conversations))


def _erase(subject: Subject) -> Counts:
    return {"conversations": remove(_ids(subject.conversations), subject.turns)}


def _without_turns(payload: dict[str, Any], subject: Subject) -> dict[str, Any] | None:
    """What tells a store outside to forget stays until it has; what would write there again goes."""
    return payload if "forget" in payload else unless_named(payload, subject)


# --- Retention ------------------------------------------------------------------------------------------------


def remove_old(before: datetime, most: int) -> int:
    """Conversations in which nothing happened since, with all that hangs on them and their closed handoffs; never one
    that is with people, or whose turn runs."""
    with transaction.atomic():
        # One that is being written to is not waited for.
        skip = connection.features.has_select_for_update_skip_locked
        old = list(_old(before).select_for_update(skip_locked=skip)[:most])
        ids = [row.pk for row in old]
        Handoff.objects.filter(conversation_id__in=map(str, ids)).exclude(status__in=Handoff.OPEN).delete()
        for id in ids:
            forget_outside(str(id), [])
        Conversation.objects.filter(pk__in=ids).delete()
    return len(ids)


def _old(before: datetime) -> QuerySet[Conversation]:
    running = Turn.objects.running().filter(conversation=OuterRef("pk"))
    return (
        Conversation.objects.filter(updated_at__lt=before, state=Conversation.State.BOT)
        .exclude(Exists(running))
        .order_by("updated_at")
    )


def register() -> None:
    register_holder(
        Holder(
            app="chat",
            personal=(
                "Conversation",
                "Turn",
                "Message",
                "Feedback",
                "FeedbackNote",
                "SharedConversation",
                "ActionReceipt",
            ),
            impersonal=("AssistantSettings", "ModelSpend", "FeedbackCount"),
            topics={
                "memory": TopicData(_without_turns),
                "feedback": TopicData(unless_named),
                "handoff-summary": TopicData(unless_named),
            },
            find=_find,
            export=_export,
            count=_count,
            erase=_erase,
            redact=take_out,
            stage=0,
        )
    )
    register_retention(
        Retention(
            key="conversations",
            name=_("Conversations"),
            about=_("Messages, turns with their traces, memory, opinions and closed handoffs, since the last word."),
            setting="CONVERSATIONS_KEPT_DAYS",
            remove=remove_old,
        )
    )
