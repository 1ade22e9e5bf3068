"""Agents, leads and a handed-over conversation, for tests."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import Group, User

from chat.models import Conversation
from escalation.actors import Actor, actor_of
from escalation.handoffs import SaidLine, open_handoff
from escalation.presence import set_presence


def agent(name: str = "aiko", *, group: str = "agent") -> Actor:
    user, created = User.objects.get_or_create(
        username=name, defaults={"first_name": name.title(), "is_staff": True, "email": f"{name}@shop.example"}
    )
    if created:
        user.groups.add(Group.objects.get_or_create(name=group)[0])
    return actor_of(user)


def at_desk(name: str) -> Actor:
    """An agent whose desk is open."""
    actor = agent(name)
    set_presence(actor, status="available")
    return actor


def lead(name: str = "leo") -> Actor:
    return agent(name, group="agent lead")


def conversation(**fields: str) -> str:
    return str(Conversation.objects.create(session_id="guest-1", **fields).pk)


def waiting(conversation_id: str = "", *, language: str = "en", **fields: object) -> str:
    """The id of a handoff that waits in the queue."""
    opened = open_handoff(
        conversation_id=conversation_id or conversation(),
        customer_id="",
        reason="please",
        language=language,
        summary="",
        lines=[SaidLine(role="shopper", text="a person, please")],
        **fields,  # type: ignore[arg-type]
    )
    return opened.handoff_id


def word_id() -> uuid.UUID:
    return uuid.uuid4()
