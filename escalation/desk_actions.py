"""What an agent asks of the desk, done: one domain call for each frame. Synchronous, for a database thread."""

from __future__ import annotations

import uuid
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.core.exceptions import ValidationError
from django.db import DatabaseError
from django.utils.crypto import constant_time_compare

from escalation.actors import Actor, NotAnAgent, actor_of
from escalation.contacts import answered_elsewhere
from escalation.desk_cards import CardRefused, find_orders, find_products, references
from escalation.desk_floor import may_see, read_conversation
from escalation.desk_frames import (
    Assign,
    Close,
    DeskFrame,
    DeskFrameRefused,
    Email,
    Find,
    GiveBack,
    Look,
    Note,
    Presence,
    Say,
    Take,
    Transfer,
    Types,
)
from escalation.follow_up import answer_by_email
from escalation.handoffs import (
    HandoffConflict,
    assign_handoff,
    close_handoff,
    must_hold,
    return_handoff,
    take_handoff,
    transfer_handoff,
)
from escalation.lines import LineRefused, agent_types, note, say
from escalation.models import AgentPresence, Handoff
from escalation.presence import set_presence
from mangaassist.access.sessions import is_over
from shop.orders import OrdersUnavailable


def agent_at_desk(user_id: int) -> Actor:
    """As they are now: groups may have changed since the page was opened. Raises :class:`NotAnAgent`."""
    user = get_user_model().objects.filter(pk=user_id).first()
    if user is None:
        raise NotAnAgent("This user is gone.")
    return actor_of(user)


def session_holds(session_key: str | None, user_id: int) -> bool:
    """Whether it is still a session of this user: not signed out nor over, and begun with the password of today."""
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user_model().objects.filter(pk=user_id).first()
    if user is None or session.get(SESSION_KEY) != str(user_id) or is_over(session):
        return False
    good = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return any(constant_time_compare(session.get(HASH_SESSION_KEY, ""), each) for each in good)


def arrive(by: Actor) -> None:
    """A page is open: a sign of life. Who opens the desk for the first time takes conversations."""
    assert by.user_id is not None
    new = not AgentPresence.objects.filter(user_id=by.user_id).exists()
    set_presence(by, status=AgentPresence.Status.AVAILABLE if new else None)


def perform(frame: DeskFrame, user_id: int) -> dict[str, Any]:
    """What the answer carries besides ``done``. Raises :class:`DeskFrameRefused` and :class:`NotAnAgent`."""
    by = agent_at_desk(user_id)
    try:
        return _perform(frame, by)
    except HandoffConflict as refusal:
        raise _refused(frame, refusal.code, str(refusal)) from refusal
    except LineRefused as refusal:
        raise _refused(frame, "bad_text", str(refusal)) from refusal
    except CardRefused as refusal:
        raise _refused(frame, "no_such_card", str(refusal)) from refusal
    except ValidationError as refusal:
        raise _refused(frame, "bad_presence", "; ".join(refusal.messages)) from refusal
    except Handoff.DoesNotExist as refusal:
        raise _refused(frame, "not_found", "There is no such conversation.") from refusal
    except (OrdersUnavailable, DatabaseError) as refusal:
        raise _refused(frame, "unavailable", "That cannot be done at the moment; please try again.") from refusal


def _refused(frame: DeskFrame, code: str, message: str) -> DeskFrameRefused:
    return DeskFrameRefused(code, message, client_id=frame.client_id)


def _perform(frame: DeskFrame, by: Actor) -> dict[str, Any]:
    match frame:
        case Look(handoff_id=""):
            return {}
        case Look():
            return {"conversation": read_conversation(_seen(frame.handoff_id, by), by)}
        case Take():
            _must_be_ours(frame.handoff_id)
            take_handoff(frame.handoff_id, by=by)
        case Assign():
            _must_be_ours(frame.handoff_id)
            assign_handoff(frame.handoff_id, to=_colleague(frame, frame.to), by=by)
        case Transfer():
            _must_be_ours(frame.handoff_id)
            transfer_handoff(frame.handoff_id, to=_colleague(frame, frame.to), by=by, detail=frame.detail)
        case GiveBack():
            return_handoff(frame.handoff_id, by=by, detail=frame.detail)
        case Close():
            close_handoff(frame.handoff_id, by=by, reason=frame.reason, detail=frame.detail)
        case Say():
            cards = _cards(frame, by) if frame.cards else []
            say(frame.handoff_id, frame.text, by=by, client_id=uuid.UUID(frame.client_id), cards=cards)
        case Note():
            _seen(frame.handoff_id, by)
            note(frame.handoff_id, frame.text, by=by, client_id=uuid.UUID(frame.client_id))
        case Email():
            answer_by_email(frame.handoff_id, frame.text, by=by, client_id=uuid.UUID(frame.client_id))
        case Types():
            agent_types(frame.handoff_id, by=by, active=frame.active)
        case Presence():
            set_presence(by, status=frame.status or None, capacity=frame.capacity)
        case Find(what="products"):
            return {"found": find_products(frame.query, _seen(frame.handoff_id, by).language)}
        case Find():
            return {"found": find_orders(_seen(frame.handoff_id, by).customer_id, frame.query)}
    return {}


def _seen(handoff_id: str, by: Actor) -> Handoff:
    handoff = Handoff.objects.get(pk=handoff_id)
    if not may_see(handoff, by):
        raise HandoffConflict("not_yours", f"{handoff.agent_name or 'Somebody else'} has it.")
    return handoff


def _must_be_ours(handoff_id: str) -> None:
    """It may have come back from the contact centre meanwhile, but never goes there."""
    if answered_elsewhere(Handoff.objects.get(pk=handoff_id)):
        raise HandoffConflict("elsewhere", "The contact centre answers this shopper.")


def _cards(frame: Say, by: Actor) -> list[dict[str, str]]:
    """Read for who has the handoff alone: nobody else learns whether an order is this customer's."""
    handoff = Handoff.objects.get(pk=frame.handoff_id)
    resent = handoff.lines.filter(client_id=frame.client_id).first()
    if resent is not None:  # Perhaps after the end.
        return list(resent.cards)
    must_hold(handoff, by)
    return references(handoff, frame.cards)


def _colleague(frame: DeskFrame, user_id: int) -> Actor:
    try:
        return agent_at_desk(user_id)
    except NotAnAgent as refusal:
        raise _refused(frame, "not_an_agent", str(refusal)) from refusal
