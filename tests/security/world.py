"""Two of everybody: shoppers, partners, agents. What belongs to the first of each holds :data:`MARK`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client

from chat.models import Conversation, Message
from escalation.actors import Actor
from mangaassist.groups import make_groups
from partners.models import SCOPES, ApiKey, create_api_key
from partners.webhooks.models import Webhook
from shop.feed_records import FeedJob, FeedReject
from tests.escalation.people import agent, waiting
from tests.mangaassist.rows import fill
from tests.security.entrances import Entrance
from tests.shop.catalogue import import_lines, lay_small_catalogue

MARK = "only-for-the-first"
ORDER = "MA-77001"
# In nobody's words but the first's.
MARKS = (MARK, ORDER, "TRACK-77001")


@dataclass(frozen=True, slots=True)
class Shop:
    """``first`` and ``second``: keys of two partners with all scopes; ``theirs``: ids of the first's, by their kind."""

    first: tuple[ApiKey, str]
    second: tuple[ApiKey, str]
    theirs: dict[str, str]

    def browser(self, customer_id: str = "") -> Client:
        """Of a shopper who is signed in to the demo shop, or of nobody."""
        client = Client()
        if customer_id:
            session = client.session
            session["customer_id"] = customer_id
            session.save()
            client.cookies[settings.SESSION_COOKIE_NAME] = str(session.session_key)
        return client


def furnish() -> Shop:
    lay_small_catalogue()
    line = {"asin": "BERSERK-EN-1", "quantity": 1}
    order = {"kind": "order", "id": ORDER, "customer_id": "first", "status": "shipped", "carrier": MARK,
             "tracking": "TRACK-77001", "placed_at": "2026-01-01T00:00:00Z", "lines": [line]}  # fmt: skip
    _, rejected = import_lines([order])
    assert not rejected, rejected
    make_groups()
    first, second = (create_api_key(name, list(SCOPES)) for name in ("First", "Second"))
    talk = Conversation.objects.create(session_id="first", customer_id="first", tenant=first[0].tenant)
    said = Message.objects.create(conversation=talk, role=Message.Role.ASSISTANT, content=MARK)
    hook = Webhook.objects.create(key=first[0], url=f"https://partner.example/{MARK}", events=["feedback.received"])
    hook.add_secret()
    job = FeedJob.objects.create(source=first[0].tenant, bytes=1)
    FeedReject.objects.create(job=job, line=1, reason="x", text=MARK)
    theirs = {"conversation": talk.pk, "message": said.public_id, "webhook": hook.pk, "job": job.pk}
    return Shop(first, second, {kind: str(pk) for kind, pk in theirs.items()} | {"order": ORDER})


def staff(group: str) -> Client:
    """A colleague of that group; of ``""`` staff without any."""
    user, new = User.objects.get_or_create(username=f"a-{group or 'newcomer'}", defaults={"is_staff": True})
    if new and group:
        user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


def row_of(entrance: Entrance) -> Any:
    """What the page of a model in the operator's room is about."""
    _, app, name, *_ = entrance.address.split("/")
    model = apps.get_model(app, name)
    # Of some settings there is one row.
    return (model._base_manager.first() or fill(model, 1)[0]).pk


def unknown_like(pk: Any) -> Any:
    """An id of the same kind that nothing has."""
    if isinstance(pk, uuid.UUID):
        return uuid.uuid4()
    return pk + 1_000_000 if isinstance(pk, int) else f"{pk}-unknown"


def held_by(actor: Actor) -> str:
    """The id of a handoff that this agent has, full of marks."""
    from escalation.handoffs import take_handoff
    from escalation.models import Handoff

    id = waiting()
    Handoff.objects.filter(pk=id).update(
        customer_id="first", summary=MARK, reason=MARK, email=f"{MARK}@shop.example", package={"mood": MARK}
    )
    take_handoff(id, by=actor)
    return id


def agents() -> Iterator[Actor]:
    for name in ("aiko", "bea"):
        yield agent(name)
