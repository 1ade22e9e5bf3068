"""Agents, leads and a handed-over conversation, for tests."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.models import Group, User

from chat.models import Conversation
from escalation.actors import Actor, actor_of
from escalation.handoffs import SaidLine, open_handoff
from escalation.models import Handoff, HandoffLine
from escalation.presence import set_presence
from mangaassist.dbthreads import in_database


def agent(name: str = "aiko", *, group: str = "agent") -> Actor:
    user, created = User.objects.get_or_create(
        username=name, defaults={"first_name": name.title(), "is_staff": True, "email": f"{name}@shop.example"}
    )
    if created:
        user.groups.add(Group.objects.get_or_create(name=group)[0])
    return actor_of(user)


async def who(name: str = "aiko") -> Actor:
    """:func:`agent`, asked for on an event loop."""
    return await in_database(agent, name)


def at_desk(name: str) -> Actor:
    """An agent whose desk is open."""
    actor = agent(name)
    set_presence(actor, status="available")
    return actor


def lead(name: str = "leo") -> Actor:
    return agent(name, group="agent lead")


async def the_lead() -> Actor:
    """:func:`lead`, asked for on an event loop."""
    return await in_database(lead)


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


async def in_line(**fields: Any) -> str:
    """:func:`waiting`, asked for on an event loop."""
    return await in_database(lambda: waiting(**fields))


async def texts(id: str, role: str) -> list[str]:
    """What ``role`` has said in a handoff, in order."""
    return [line.text async for line in HandoffLine.objects.filter(handoff=uuid.UUID(id), role=role)]


def of_customer(customer_id: str) -> Handoff:
    """A customer's handoff that waits."""
    return Handoff.objects.create(conversation_id=conversation(), customer_id=customer_id)
