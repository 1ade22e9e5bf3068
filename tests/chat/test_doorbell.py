"""What an open conversation is told from elsewhere: at once what is news, now and then what is only another place."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chat.audience import Listener
from chat.doorbell import PLACE_EVERY_S, News, _tell, read_news
from chat.events import Frame
from chat.handoff import HandoffState
from escalation.presence import set_presence
from mangaassist.doorbell import Ring, aring, hearing
from tests.escalation.people import agent, conversation, waiting
from tests.journeys.shopper import Socket, token

WAITING = HandoffState(state="queued", message="m", position=3, handoff_id="h")
NEXT = HandoffState(state="queued", message="m", position=2, handoff_id="h")
AIKO = HandoffState(state="agent", message="m", agent_name="Aiko", handoff_id="h")
BEN = HandoffState(state="agent", message="m", agent_name="Ben", handoff_id="h")
UNREACHED = HandoffState(state="queued", message="sorry", handoff_id="h", notice=True)
OVER = HandoffState(state="bot", message="m", handoff_id="h", rate=True)
BOT = HandoffState()

# told before, seconds ago, read now: is it told?
STATES = [
    (BOT, 0, WAITING, True),
    (WAITING, 0, WAITING, False),
    (WAITING, 1, NEXT, False),
    (WAITING, PLACE_EVERY_S + 1, NEXT, True),
    (WAITING, PLACE_EVERY_S + 1, WAITING, False),
    (WAITING, 0, AIKO, True),
    (AIKO, 0, BEN, True),
    (WAITING, 0, UNREACHED, True),
    (AIKO, 0, OVER, True),
    (OVER, 0, OVER, False),
    # Of a handoff that was over before this socket came.
    (BOT, 0, OVER, False),
    (BOT, 0, BOT, False),
]


def told(listener: Listener) -> list[str]:
    frames = []
    while not listener.queue.empty():
        frame = listener.queue.get_nowait()
        assert frame is not None
        frames.append(str(frame.get("state") or frame.get("content")))
    return frames


@pytest.mark.parametrize(("before", "ago", "now", "expected"), STATES)
async def test_a_state_is_told_when_it_is_news(
    before: HandoffState, ago: float, now: HandoffState, expected: bool
) -> None:
    time = asyncio.get_running_loop().time()
    listener = Listener(seen=0, handoff=before, handoff_at=time - ago)
    _tell(listener, News("c", [], now), read_at=time)
    assert told(listener) == ([now.state] if expected else [])


def word(content: str) -> Frame:
    return {"type": "message", "message_id": content, "role": "agent", "content": content}


async def test_words_are_told_once_between_who_comes_and_who_goes() -> None:
    time = asyncio.get_running_loop().time()
    words = [(7, word("seven")), (8, word("eight"))]
    listener = Listener(seen=7, handoff=WAITING)
    _tell(listener, News("c", words, AIKO), read_at=time)
    _tell(listener, News("c", [*words, (9, word("nine"))], OVER), read_at=time + 1)
    assert told(listener) == ["agent", "eight", "nine", "bot"]


async def test_what_was_read_before_the_shoppers_own_wish_was_answered_is_not_told() -> None:
    time = asyncio.get_running_loop().time()
    listener = Listener(seen=0, handoff=WAITING, handoff_at=time + 1)
    _tell(listener, News("c", [], OVER), read_at=time)
    listener.handoff_at, listener.asking = time - 1, True
    _tell(listener, News("c", [], OVER), read_at=time)
    assert told(listener) == []


@pytest.mark.django_db
def test_a_look_at_many_costs_as_much_as_one_at_few(django_assert_max_num_queries: Any) -> None:
    set_presence(agent(), status="available")
    line = [conversation() for _ in range(40)]
    for each in line[:30]:
        waiting(each)
    with django_assert_max_num_queries(12):
        few = read_news(dict.fromkeys(line[:2], 0))
    with django_assert_max_num_queries(12):
        many = read_news(dict.fromkeys(line, 0))
    found = {each.conversation_id: each.handoff for each in many}
    assert [found[each].position for each in line] == [*range(1, 31), *[None] * 10]
    assert [each.handoff for each in few] == [found[each.conversation_id] for each in few]


@pytest.mark.usefixtures("transactional_db")
async def test_the_last_socket_takes_the_watch_with_it() -> None:
    def watching() -> set[str]:
        return {task.get_name() for task in asyncio.all_tasks()} & {"doorbell", "conversation-doorbell"}

    async with Socket() as one, Socket() as two:
        await one.hello(token())
        await two.hello(token(session_id="guest-2"))
        assert watching() == {"doorbell", "conversation-doorbell"}
    for _ in range(100):
        if not watching():
            break
        await asyncio.sleep(0.02)
    assert watching() == set()


async def test_a_ring_is_heard_by_those_of_its_bell_and_nonsense_by_nobody() -> None:
    from mangaassist.redis import async_client

    heard: list[Ring] = []
    hearing().listen("test", heard.append)
    try:
        for _ in range(200):
            if heard:
                break
            await asyncio.sleep(0.01)
        # Whoever begins to listen may have missed something.
        assert heard == [Ring("test")]
        for nonsense in (b"{", b"[]", b"[1, 2, 3, 4]", b"7", b'["test", "x"]'):
            await async_client("channels").publish("bells:test", nonsense)
        await aring("other", "x")
        await aring("test", "x", active=True)
        for _ in range(200):
            if len(heard) > 1:
                break
            await asyncio.sleep(0.01)
        assert heard[1:] == [Ring("test", "x", {"active": True})]
    finally:
        hearing().leave("test", heard.append)
