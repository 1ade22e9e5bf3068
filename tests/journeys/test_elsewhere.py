"""What another process did and this one's open sockets must hear of."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from chat.actions import ask_for_more, take_action
from chat.audience import audience
from chat.frames import CardAction
from chat.models import Message, Turn
from chat.sessions import open_session
from chat.signals import BELL
from chat.tokens import read_token
from mangaassist.dbthreads import in_database
from mangaassist.doorbell import aring
from tests.journeys.shopper import Frame, Socket, token

pytestmark = pytest.mark.usefixtures("shop")


def click_on(response: Frame, action: str) -> CardAction:
    return CardAction(
        client_msg_id=str(uuid.uuid4()),
        message_id=response["message_id"],
        card_id=response["cards"][0]["card_id"],
        action=action,
    )


async def test_what_a_click_in_another_process_came_to_is_told_in_the_open_tabs() -> None:
    async with Socket() as socket:
        ready = await socket.hello(token())
        response = await socket.answer("how much is Berserk volume 1?")
        claims = read_token(token(conversation_id=ready["conversation_id"]))
        session = await in_database(open_session, claims)
        outcome = await in_database(take_action, session, click_on(response, "add_to_cart"), str(uuid.uuid4()))
        assert outcome is not None
        await aring(BELL, ready["conversation_id"], turn="")
        told = await socket.next("message")
        assert (told["role"], told["message_id"]) == ("system", outcome["message_id"])
        assert told["content"] == outcome["content"]


async def test_what_this_process_is_about_to_tell_is_not_told_before_with_less() -> None:
    async with Socket() as socket:
        ready = await socket.hello(token())
        conversation_id = ready["conversation_id"]

        async def notice(content: str) -> str:
            stored = await Message.objects.acreate(
                conversation_id=conversation_id, role=Message.Role.SYSTEM, content=content
            )
            return str(stored.public_id)

        first = await notice("first")
        with audience.telling(first):
            second = await notice("second")
            await aring(BELL, conversation_id, turn="")
            assert (await socket.next("message"))["message_id"] == second
            audience.tell(conversation_id, {"type": "message", "message_id": first, "cart_count": 1})
            assert (await socket.next("message"))["cart_count"] == 1


async def test_show_more_sent_again_after_its_process_died_is_answered() -> None:
    async with Socket() as socket:
        ready = await socket.hello(token())
        response = await socket.answer("recommend me something dark")
        claims = read_token(token(conversation_id=ready["conversation_id"]))
        click = click_on(response, "show_more")
        accepted, _ = await in_database(ask_for_more, await in_database(open_session, claims), click)
        long_ago = timezone.now() - timedelta(minutes=1)
        await Turn.objects.filter(pk=accepted.turn_id).aupdate(started_at=long_ago, alive_at=long_ago)
        await socket.send(
            type="action",
            client_msg_id=click.client_msg_id,
            message_id=click.message_id,
            card_id=click.card_id,
            action="show_more",
        )
        assert (await socket.next("response"))["turn_id"] == accepted.turn_id
