"""A conversation as it is shown again: words as they were said, cards with what is true now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from chat.cards import order_card, product_card, promotion_card, series_card
from chat.feedback import Opinion
from chat.models import Conversation, Feedback, Message
from chat.understanding.types import Language
from shop.facts import load_product_facts, load_series_facts
from shop.offers import OffersUnavailable, read_offers
from shop.orders import find_order
from shop.promotions import active_promotions

# What a returning shopper is shown at once.
RECENT = 50


def messages_after(conversation_id: str, after_message_id: str = "", limit: int = RECENT) -> list[Message]:
    """Oldest first: those after a message, or the newest ``limit``. An unknown message counts as none."""
    messages = Message.objects.filter(conversation_id=conversation_id).select_related("turn")
    if after_message_id:
        known = messages.filter(public_id=after_message_id).values_list("id", flat=True).first()
        if known is not None:
            return list(messages.filter(id__gt=known).order_by("id")[:limit])
    return list(reversed(messages.order_by("-id")[:limit]))


def messages_page(conversation: Conversation, after_message_id: str, limit: int = RECENT) -> tuple[list[Message], bool]:
    """(oldest first from the beginning or from behind a message, whether these are all that follow).

    Raises ``Message.DoesNotExist``, and ``ValidationError`` for what is no id.
    """
    messages = conversation.messages.select_related("turn").order_by("id")
    if after_message_id:
        messages = messages.filter(id__gt=conversation.messages.get(public_id=after_message_id).pk)
    found = list(messages[: limit + 1])
    return found[:limit], len(found) <= limit


def frames_of(conversation: Conversation, messages: Sequence[Message]) -> list[dict[str, Any]]:
    """``message`` frames; every card is read live again, in one batch."""
    cards = _live_cards(conversation, [card for message in messages for card in message.cards])
    opinions = _opinions_on(messages)
    return [_frame(message, cards) | opinions.get(message.pk, {}) for message in messages]


def feedback_frame(message_id: str, opinion: Opinion) -> dict[str, Any]:
    return {"type": "feedback", "message_id": message_id, **opinion_fields(opinion)}


def opinion_fields(opinion: Opinion) -> dict[str, Any]:
    """``rating`` up, down, or None for a withdrawn one; ``reason`` if one was given."""
    rating, reason = opinion.as_told()
    return {"rating": rating, "reason": reason} if reason else {"rating": rating}


def stored_opinion(row: Feedback) -> Opinion:
    return Opinion(rating=row.rating, reason=row.reason)


def _opinions_on(messages: Sequence[Message]) -> dict[int, dict[str, Any]]:
    """By message; what was withdrawn is not told again."""
    answers = [each.pk for each in messages if each.role in {Message.Role.ASSISTANT, Message.Role.AGENT}]
    if not answers:
        return {}
    given = Feedback.objects.filter(message__in=answers, rating__isnull=False).order_by()
    return {row.message_id: opinion_fields(stored_opinion(row)) for row in given}


def _frame(message: Message, cards: dict[str, dict[str, Any]]) -> dict[str, Any]:
    frame: dict[str, Any] = {
        "type": "message",
        "message_id": str(message.public_id),
        "role": message.role,
        "content": message.content,
        "turn_id": str(message.turn_id) if message.turn_id else None,
        "at": message.created_at.isoformat(),
    }
    if message.client_msg_id:
        frame["client_msg_id"] = str(message.client_msg_id)
    if message.author:
        frame["name"] = message.author
    if message.role == Message.Role.SYSTEM and message.quick_replies:
        frame["quick_replies"] = message.quick_replies
    if message.role == Message.Role.AGENT and message.cards:
        frame["cards"] = [cards[card["card_id"]] for card in message.cards if card["card_id"] in cards]
    if message.role == Message.Role.ASSISTANT:
        frame["cards"] = [cards[card["card_id"]] for card in message.cards if card["card_id"] in cards]
        frame["quick_replies"] = message.quick_replies
        frame["citations"] = message.citations
        if message.turn is not None:
            frame["status"] = message.turn.status
    return frame


def response_frame(conversation: Conversation, message: Message, seq: int) -> dict[str, Any]:
    """The ``response`` of a turn that has ended, from its row."""
    shown = frames_of(conversation, [message])[0]
    status = message.turn.status if message.turn else "complete"
    frame = {
        "type": "response",
        "content": message.content,
        "turn_id": str(message.turn_id),
        "seq": seq,
        "message_id": str(message.public_id),
        "cards": shown["cards"],
        "quick_replies": message.quick_replies,
        "citations": message.citations,
        "status": status,
    }
    if status == "failed":
        frame["retryable"] = True
    return frame | {name: shown[name] for name in ("rating", "reason") if name in shown}


def _live_cards(conversation: Conversation, references: Iterable[dict[str, str]]) -> dict[str, dict[str, Any]]:
    language: Language = "ja" if conversation.locale == "ja" else "en"
    by_kind: dict[str, dict[str, dict[str, str]]] = {}
    for reference in references:
        by_kind.setdefault(reference["kind"], {})[reference["id"]] = reference
    products = load_product_facts(by_kind.get("product", {}))
    try:
        offers = read_offers(list(products)) if products else {}
    except OffersUnavailable:
        offers = {}
    series = load_series_facts(by_kind.get("series", {}))
    rules = {rule.id: rule for rule in active_promotions()} if "promotion" in by_kind else {}
    cards: dict[str, dict[str, Any]] = {}
    for kind, wanted in by_kind.items():
        for id, reference in wanted.items():
            data: dict[str, Any] | None = None
            if kind == "product" and id in products:
                data = product_card(products[id], offers.get(id), reason=reference.get("reason", ""))
            elif kind == "series" and id in series:
                data = series_card(series[id], language)
            elif kind == "promotion" and id in rules:
                data = promotion_card(rules[id], language)
            elif kind == "order" and conversation.customer_id:
                order = find_order(id, customer_id=conversation.customer_id)
                data = order_card(order, language) if order else None
            if data is not None:
                cards[reference["card_id"]] = {"card_id": reference["card_id"], "kind": kind, "data": data}
    return cards
