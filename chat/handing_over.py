"""What of a conversation is handed over, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chat.models import Conversation, Message, Turn
from chat.understanding.moods import Felt, mood_of
from chat.understanding.types import Language
from escalation.handoffs import SaidLine
from escalation.package import Involved, Tried
from mangaassist.redaction import redact

HANDED_OVER_LINES = 10
HANDED_OVER_TURNS = 20
# Message's roles as escalation calls them.
_ROLES = {"user": "shopper", "assistant": "assistant", "agent": "agent", "system": "notice"}
_MISSED = frozenset({"unclear", "other"})


def said_lines(conversation: Conversation) -> list[SaidLine]:
    """The last ten messages, oldest first, without personal data: they were not meant for a person."""
    recent = conversation.messages.order_by("-id")[:HANDED_OVER_LINES]
    return [
        SaidLine(
            role=_ROLES[message.role],
            text=redact(message.content),
            cards=message.cards,
            author=message.author,
            at=message.created_at,
        )
        for message in reversed(recent)
    ]


def tried_turns(conversation: Conversation) -> list[Tried]:
    """The last questions with what became of them, oldest first; of one under way: ``running``."""
    language: Language = "ja" if conversation.locale == "ja" else "en"
    turns = conversation.turns.order_by("-started_at").prefetch_related("messages")[:HANDED_OVER_TURNS]
    return [
        _tried(message, turn, mood_of(message.content, language))
        for turn in reversed(turns)
        for message in turn.messages.all()
        if message.role == Message.Role.USER
    ]


def _tried(message: Message, turn: Turn, felt: Felt) -> Tried:
    return Tried(
        text=message.content,
        intent=turn.intent,
        outcome=_outcome(turn),
        frustrated=felt.frustration,
        complains=felt.complaint,
    )


def _outcome(turn: Turn) -> str:
    return "not_understood" if turn.status == Turn.Status.COMPLETE and turn.intent in _MISSED else turn.status


def involved_items(conversation: Conversation) -> Involved:
    """From the cards that were shown and the order that was spoken of, newest first."""
    shown = conversation.messages.exclude(cards=[]).order_by("-id").values_list("cards", flat=True)[:HANDED_OVER_TURNS]
    cards = [card for cards in shown for card in cards]
    spoken = conversation.turns.order_by("-started_at").values_list("dialogue", flat=True)[:HANDED_OVER_TURNS]
    orders = [str(state["order"]) for state in spoken if state.get("order")]
    return Involved(
        products=_once(card["id"] for card in cards if card["kind"] == "product"),
        orders=_once([*orders, *(card["id"] for card in cards if card["kind"] == "order")]),
    )


def _once(ids: Iterable[str] | Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ids))
