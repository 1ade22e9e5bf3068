"""Who asks for a person when nobody can answer at once: office hours, addresses to write to, and what is said of the wait."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from chat.models import Conversation
from escalation.models import Handoff, OfficeHours
from escalation.presence import set_presence
from mangaassist.dbthreads import in_database
from tests.escalation.people import who
from tests.journeys.shopper import Frame, Socket, token

pytestmark = pytest.mark.usefixtures("shop")


async def wait_in_line(socket: Socket) -> Frame:
    """Asks for a person in words; the answer, once the socket was told that it waits (before the answer or after)."""
    frames = await socket.ask("I want to talk to a human")
    if not any(frame["type"] == "handoff_state" for frame in frames):
        await socket.next("handoff_state")
    return frames[-1]


async def leave_address(socket: Socket, text: str) -> str:
    """Until the assistant is back; what the shopper was told. The state may come before the word is accepted."""
    await socket.send(type="user_message", client_msg_id=str(uuid.uuid4()), text=text)
    told, is_back = "", False
    while not (told and is_back):
        frame = await socket.receive()
        told = frame["content"] if frame["type"] == "message" else told
        is_back = is_back or (frame["type"] == "handoff_state" and frame["state"] == "bot")
    return told


async def test_outside_office_hours_an_address_is_enough(settings: Any) -> None:
    # Open for one minute a week, and not this one.
    now = datetime.now(UTC)
    day = (now.weekday() + 3) % 7
    await OfficeHours.objects.acreate(weekday=day, opens=time(9), closes=time(9, 1), zone="UTC")
    async with Socket() as socket:
        await socket.hello(token())
        response = await wait_in_line(socket)
        assert "Our team is away until" in response["content"]
        assert "09:00 UTC" in response["content"]
        told = await leave_address(socket, "my address is ada@shop.example.")
        assert "our team will write to ada@shop.example" in told
        assert "in stock" in (await socket.answer("is Berserk volume 3 in stock?"))["content"]
    assert (await Handoff.objects.aget()).status == "queued"


async def test_who_left_an_address_and_asks_again_waits_in_the_chat() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        await wait_in_line(socket)
        await leave_address(socket, "ada@shop.example")
        await socket.send(type="handoff", client_msg_id=str(uuid.uuid4()))
        state = await socket.next("handoff_state")
        assert (state["state"], "waits in line" in state["message"]) == ("queued", True)
    handoff = await Handoff.objects.aget()
    assert (handoff.status, handoff.email) == ("queued", "")
    assert [each.detail async for each in handoff.transitions.all()][2:] == ["waits in the chat again"]
    assert (await Conversation.objects.aget()).state == "queued"


async def test_when_all_agents_have_left_nobody_is_promised() -> None:
    await in_database(set_presence, await who(), status="offline")
    async with Socket() as socket:
        await socket.hello(token())
        assert "Nobody of our team is free" in (await socket.answer("I want to talk to a human"))["content"]


async def recent_ones(waited: timedelta) -> None:
    """Somebody is at work, and three were answered so soon."""
    await in_database(set_presence, await who(), status="available")
    now = datetime.now(UTC)
    for number in range(3):
        await Handoff.objects.acreate(
            conversation_id=f"earlier {number}",
            status="closed",
            opened_at=now - timedelta(minutes=60),
            taken_at=now - timedelta(minutes=60) + waited,
            closed_at=now - timedelta(minutes=50),
        )


async def test_the_wait_is_told_in_minutes_and_seconds() -> None:
    await recent_ones(timedelta(minutes=3))
    async with Socket() as socket:
        ready = await socket.hello(token())
        response = await socket.answer("I want to talk to a human")
        assert response["content"].endswith("Expect to wait about 3 minutes.")
    async with Socket() as socket:
        await socket.hello(token(conversation_id=ready["conversation_id"]))
        state = await socket.next("handoff_state")
        assert state["estimated_wait"] == 180


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("I want to talk to a human", "Expect to wait about a minute."),
        ("人と話したい", "長くはお待たせしない見込みです。"),
    ],
)
async def test_a_short_wait_is_about_a_minute(text: str, said: str) -> None:
    await recent_ones(timedelta(seconds=20))
    async with Socket() as socket:
        await socket.hello(token())
        assert (await socket.answer(text))["content"].endswith(said)


async def test_at_night_no_wait_is_promised_though_an_agent_is_still_there() -> None:
    await recent_ones(timedelta(minutes=3))
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    await OfficeHours.objects.acreate(weekday=tomorrow.weekday(), opens=time(9), closes=time(17))
    async with Socket() as socket:
        await socket.hello(token())
        assert "wait about" not in (await socket.answer("I want to talk to a human"))["content"]
        await socket.send(type="handoff", client_msg_id=str(uuid.uuid4()))
        await socket.next("saved")
        assert (await socket.next("handoff_state"))["estimated_wait"] is None
