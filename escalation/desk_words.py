"""What the desk's page says, in the reader's language. The page gets it as JSON; {braces} are filled there."""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from escalation.desk_frames import CLOSE_REASONS
from escalation.models import AgentPresence, Handoff, Priority, Trigger
from escalation.package import SENTIMENTS
from mangaassist.names import INTENTS, OUTCOMES

Words = dict[str, Any]


def desk_words() -> Words:
    return {
        **_lists(),
        **_conversation(),
        **_package(),
        **_find(),
        "status": {value: _(label) for value, label in AgentPresence.Status.choices},
        "triggers": {value: _(label) for value, label in Trigger.choices},
        "priorities": {value: _(label) for value, label in Priority.choices},
        "closeReasons": {value: _(Handoff.CloseReason(value).label) for value in Handoff.CloseReason.values if value},
        "closeChoices": list(CLOSE_REASONS),
        "refused": _refusals(),
    }


def _lists() -> Words:
    return {
        "title": _("Desk"),
        "guest": _("Guest"),
        "nobodyWaits": _("Nobody is waiting. Enjoy your tea."),
        "noneMine": _("You are talking with nobody."),
        "waits": _("waits {age}"),
        "talks": _("for {age}"),
        "unread": _("New message"),
        "with": _("with {name}"),
        "connecting": _("Connecting…"),
        "lost": _("The connection is lost. Trying again…"),
        "connected": _("Connected"),
        "newInQueue": _("A shopper is waiting: {who}"),
        "saysNow": _("{who} says: {text}"),
        "takenBy": _("{name} has taken this conversation."),
        "isOver": _("This conversation is over."),
        "waitsAgain": _("This conversation waits in the queue."),
        "languages": {"en": _("English"), "ja": _("Japanese")},
        "load": _("{load} of {capacity}"),
    }


def _conversation() -> Words:
    return {
        "roles": {
            "shopper": _("Shopper"),
            "assistant": _("Assistant"),
            "agent": _("Agent"),
            "notice": _("Notice to the shopper"),
            "note": _("Note, for agents only"),
        },
        "typing": _("The shopper is typing…"),
        "sending": _("Sending…"),
        "notSent": _("Not sent."),
        "retry": _("Try again"),
        "send": _("Send"),
        "saveNote": _("Save note"),
        "sendMail": _("Send e-mail and close"),
        "replyTo": _("Your reply"),
        "noteFor": _("Your note, for agents only"),
        "replyHint": _("Write a reply; / for ready answers"),
        "noteHint": _("Only agents read this"),
        "mailTo": _("Your e-mail to {email}"),
        "mailHint": _("Goes to {email}; with it the conversation is closed"),
        "takeFirst": _("Take the conversation to answer."),
        "notYours": _("{name} answers here."),
        "tooLong": _("{over} characters too many"),
        "remove": _("Remove {title}"),
        "ready": _("Ready answers: {count}"),
        "closedWith": _("Closed: {reason}"),
        "rated": _("The shopper gave {csat} of 5."),
        "notRated": _("The shopper has not rated the help."),
        "chooseAgent": _("Choose a colleague."),
        "nobodyElse": _("No colleague is at work."),
    }


def _package() -> Words:
    return {
        "package": {
            "summary": _("Summary"),
            "written": _("Summary by a model"),
            "reason": _("Reason"),
            "trigger": _("Why a person"),
            "sentiment": _("Mood"),
            "language": _("Language"),
            "asked": _("Asked"),
            "tried": _("Tried"),
            "shown": _("Products shown"),
            "orders": _("Orders"),
            "customer": _("Customer"),
            "email": _("E-mail"),
        },
        "moods": SENTIMENTS["ja" if (get_language() or "").startswith("ja") else "en"],
        "intents": {intent: str(name) for intent, name in INTENTS.items()},
        "outcomes": {outcome: str(name) for outcome, name in OUTCOMES.items()},
        "writtenBy": _("Written by a model ({by}). It may be wrong: the facts below come from the record."),
        "writtenByRules": _("Put together by the assistant's own rules."),
        "nothingKnown": _("Nothing more is known."),
        "yes": _("yes"),
        "no": _("no"),
    }


def _find() -> Words:
    return {
        "findProducts": _("Title, author, volume …"),
        "findOrders": _("Order number or title"),
        "nothingFound": _("Nothing found."),
        "guestOrders": _("A guest: there are no orders to look up."),
        "foundCount": _("Found: {count}"),
        "readAt": _("Price and stock read at {time}"),
        "noPrice": _("Price not available right now"),
        "add": _("Add"),
        "attach": _("Add to reply"),
        "attached": _("Added to the reply."),
        "order": _("Order {id}"),
        "placed": _("placed {date}"),
        "eta": _("expected {date}"),
        "availability": {
            "in_stock": _("In stock"),
            "low_stock": _("Only a few left"),
            "out_of_stock": _("Out of stock"),
            "pre_order": pgettext("stock", "Pre-order"),
            "unknown": _("Stock not known right now"),
        },
        "orderStatus": {
            "processing": _("Processing"),
            "shipped": _("Shipped"),
            "delivered": _("Delivered"),
            "cancelled": _("Cancelled"),
            "returned": _("Returned"),
        },
    }


def _refusals() -> dict[str, str]:
    """By the code of a ``refused`` frame; other codes are faults of the page and shown as they come."""
    return {
        "over": _("This conversation is over."),
        "taken": _("Somebody was faster: the conversation is taken."),
        "not_yours": _("Somebody else has this conversation."),
        "not_taken": _("Nobody has taken this conversation yet."),
        "full": _("You have as many conversations as you said you can take."),
        "no_email": _("The shopper has left no address."),
        "elsewhere": _("The contact centre answers this shopper."),
        "not_allowed": _("Only a lead assigns conversations to others."),
        "not_there": _("This colleague does not have the desk open and would not see the shopper."),
        "not_an_agent": _("This person does not answer shoppers."),
        "not_found": _("There is no such conversation."),
        "no_such_card": _("This product or order cannot be shown here."),
        "unavailable": _("That cannot be done at the moment; please try again."),
        "rate": _("That was a lot at once; please wait a moment."),
        "internal": _("Something went wrong on our side."),
        "forbidden": _("You may not open the desk."),
    }
