"""A shopper who leaves something in every store, and where any of it is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone

from caching.behind import behind
from chat.feedback import Opinion, save_feedback
from chat.plain import answer
from chat.sessions import Session, open_session
from chat.tokens import Claims, Shopper
from mangaassist.analytics.buffer import buffer
from mangaassist.analytics.unanswered import unanswered
from mangaassist.dbthreads import in_database
from mangaassist.outbox.relay import drain
from mangaassist.redis import sync_client
from recommendations.interactions import NewInteraction, record_interactions
from shop.cart import CartOwner, add_to_cart
from shop.models import Cart, Order

# In no other text: where they stand, something was forgotten to be forgotten.
CUSTOMER = "zzcustomer-77"
SESSION = "zzsession-77"
SECRET = "my neighbour zzyzxqua keeps my parcels"


async def a_shopper(customer_id: str = CUSTOMER) -> Session:
    """Who has asked, rated, clicked, put into the cart, ordered, and waits for a person."""
    shopper = Shopper(session_id=SESSION, customer_id=customer_id)
    session = await in_database(open_session, Claims(shopper=shopper, context={}))
    await answer(session, "recommend me something")
    await answer(session, SECRET)
    frame = await answer(session, "let me talk to a person")
    assert frame is not None
    conversation = await in_database(session.conversation)
    await in_database(save_feedback, conversation, frame["message_id"], Opinion(rating=-1, comment=SECRET))
    await in_database(deeds_of, customer_id)
    await behind.afinish()
    await in_database(settle)
    return session


def deeds_of(customer_id: str) -> None:
    click = NewInteraction(asin="BERSERK-EN-1", type="click", customer_id=customer_id, session_id=SESSION)
    record_interactions([click])
    add_to_cart(CartOwner(customer_id=customer_id, session_id="" if customer_id else SESSION), "BERSERK-EN-1")
    if customer_id:
        Order.objects.create(id="ORDER-77", customer_id=customer_id, status="shipped", placed_at=timezone.now())
        staff = User.objects.create(username="operator")
        cart = Cart.objects.get()
        LogEntry.objects.create(
            user=staff, content_type=ContentType.objects.get_for_model(Cart), object_id=str(cart.pk),
            object_repr=str(cart), action_flag=CHANGE, change_message="",
        )  # fmt: skip


def settle() -> None:
    """What waits in buffers and in the outbox gets to where it is kept."""
    buffer.flush()
    unanswered.flush()
    deliver()


def deliver() -> None:
    for topic in ("analytics", "memory", "feedback"):
        drain(topic)


def where(*texts: str) -> set[str]:
    """Tables and Redis databases that hold one of these texts."""
    found = set()
    for model in apps.get_models():
        kinds = (models.TextField, models.CharField, models.JSONField)
        fields = [field.name for field in model._meta.concrete_fields if isinstance(field, kinds)]
        for row in model._base_manager.values_list(*fields) if fields else ():
            if any(text in str(row) for text in texts):
                found.add(model.__name__)
    for name in ("cache", "streams"):
        client: Any = sync_client(name)
        for key in client.scan_iter("*"):
            whole = key + _value(client, key)
            if any(text.encode() in whole for text in texts):
                found.add(name)
    return found


def _value(client: Any, key: bytes) -> bytes:
    read: Callable[[], bytes] | None = {
        b"stream": lambda: repr(client.xrange(key)).encode(),
        b"string": lambda: client.get(key) or b"",
        b"zset": lambda: repr(client.zrange(key, 0, -1)).encode(),
        b"hash": lambda: repr(client.hgetall(key)).encode(),
        b"set": lambda: repr(client.smembers(key)).encode(),
        b"list": lambda: repr(client.lrange(key, 0, -1)).encode(),
    }.get(client.type(key))
    return read() if read else b""
