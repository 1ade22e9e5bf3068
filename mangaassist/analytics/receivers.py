"""Listens to the conversation and only appends to the buffer: no turn ever waits for analytics."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from chat.records import TurnRecord
from chat.signals import card_clicked, conversation_started, feedback_received, turn_finished
from escalation.signals import handoff_changed
from mangaassist.analytics import events, unanswered
from mangaassist.analytics.buffer import buffer


def _tell(event: events.Event) -> None:
    buffer.append(event.as_record())


@receiver(conversation_started)
def on_conversation(sender: Any, conversation_id: str, locale: str, at: datetime, **kwargs: Any) -> None:
    _tell(events.ConversationStarted(session_id=conversation_id, at=at, locale=locale))


@receiver(turn_finished)
def on_turn(sender: Any, record: TurnRecord, **kwargs: Any) -> None:
    _tell(events.TurnFinished.of(record))
    if events.found_nothing(record):
        _tell(events.NothingFound.of(record))
    unanswered.hear(record)


@receiver(feedback_received)
def on_feedback(
    sender: Any, conversation_id: str, turn_id: str, rating: int | None, reason: str, at: datetime, **kwargs: Any
) -> None:
    known = events.known_reason(reason)
    _tell(events.FeedbackReceived(session_id=conversation_id, at=at, turn_id=turn_id, rating=rating, reason=known))


@receiver(card_clicked)
def on_click(sender: Any, conversation_id: str, asin: str, action: str, at: datetime, **kwargs: Any) -> None:
    _tell(events.CardClicked(session_id=conversation_id, at=at, asin=asin, action=action))


@receiver(handoff_changed)
def on_handoff(sender: Any, conversation_id: str, status: str, before: str, at: datetime, **kwargs: Any) -> None:
    # Another holder, or a word on how it stands, is no other state.
    if status != before:
        _tell(events.HandoffChanged(session_id=conversation_id, at=at, status=status))
