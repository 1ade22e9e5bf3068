"""Clicks on cards. "Add to cart" reads the live price at the click and says so when it is not the quoted one."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from chat.frames import CardAction
from chat.live import format_money
from chat.models import ActionReceipt, Conversation, Message
from chat.phrases import say
from chat.records import Accepted, accept_message
from chat.sessions import NotFound, Session
from chat.signals import card_clicked
from chat.transcripts import frames_of
from recommendations.recommend import NewInteraction, record_interactions
from shop.cart import CartOwner, NotForSale, add_to_cart
from shop.offers import Money, OffersUnavailable, read_money


def take_action(session: Session, click: CardAction, message_id: str) -> dict[str, Any] | None:
    """Carries out a click once; the ``message`` frame that tells its outcome, or None when it was resent.

    ``message_id``: a new UUID, which that message gets.
    Raises :class:`NotFound` for a card that this conversation does not have.
    """
    card, beside = _card(session, click)
    try:
        with transaction.atomic():
            ActionReceipt.objects.create(
                conversation_id=session.conversation_id,
                client_msg_id=click.client_msg_id,
                action=click.action,
            )
            text, outcome = _into_cart(session, card["id"], click.quoted or _quoted(card))
            notice = Message.objects.create(
                conversation_id=session.conversation_id, role=Message.Role.SYSTEM, content=text, public_id=message_id
            )
    except IntegrityError:
        return None
    record_interactions(
        [
            NewInteraction(
                asin=card["id"],
                type="add_to_cart" if outcome["cart_count"] is not None else "click",
                customer_id=session.shopper.customer_id,
                session_id=session.shopper.session_id,
                recommendation_id=card.get("recommendation_id", ""),
                impression=beside if card.get("recommendation_id") else (),
                device=session.context.device,
            )
        ]
    )
    card_clicked.send_robust(
        sender=Conversation,
        conversation_id=session.conversation_id,
        asin=card["id"],
        action=click.action,
        at=timezone.now(),
    )
    return frames_of(session.conversation(), [notice])[0] | {"action": click.action, "asin": card["id"]} | outcome


def ask_for_more(session: Session, click: CardAction) -> tuple[Accepted, str]:
    """The question that "show more" of an answer stands for, stored once, and its words.

    Raises :class:`NotFound` for an answer that this conversation does not have.
    """
    answers = Message.objects.filter(conversation_id=session.conversation_id, role=Message.Role.ASSISTANT)
    if not answers.filter(public_id=click.message_id).exists():
        raise NotFound("There is no such answer in this conversation.")
    text = say(session.locale, "reply.more")
    return accept_message(session.conversation_id, click.client_msg_id, text), text


def _card(session: Session, click: CardAction) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The card, and the ASINs of all that stood in the same answer."""
    message = Message.objects.filter(conversation_id=session.conversation_id, public_id=click.message_id).first()
    cards = message.cards if message else []
    for card in cards:
        if card["card_id"] == click.card_id and card["kind"] == "product":
            return dict(card), tuple(each["id"] for each in cards if each["kind"] == "product")
    raise NotFound("There is no such card in this conversation.")


def _quoted(card: dict[str, Any]) -> Money | None:
    """The price that the card carried when it was first shown."""
    return read_money(card["quoted"]) if card.get("quoted") else None


def _into_cart(session: Session, asin: str, quoted: Money | None) -> tuple[str, dict[str, Any]]:
    owner = CartOwner(customer_id=session.shopper.customer_id, session_id=session.shopper.session_id)
    language = session.locale
    try:
        change = add_to_cart(owner, asin, quoted=quoted)
    except NotForSale:
        return say(language, "cart.refused"), {"cart_count": None}
    except OffersUnavailable:
        return say(language, "cart.failed"), {"cart_count": None}
    words = {"title": change.title, "price": format_money(change.price_now, language)}
    if change.price_changed and change.quoted is not None:
        text = say(language, "cart.changed", **words, quoted=format_money(change.quoted, language))
    else:
        text = say(language, "cart.added", **words)
    return text, {"cart_count": change.cart_count}
