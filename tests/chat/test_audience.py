"""What a reader is told: every frame of a turn once and in order, and always the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chat.audience import LISTENER_FRAMES, Listener, ToldTurn, audience
from chat.events import Frame


def delta(seq: int, turn_id: str = "t") -> Frame:
    return {"type": "delta", "turn_id": turn_id, "seq": seq, "text": "x"}


def response(seq: int, turn_id: str = "t") -> Frame:
    return {"type": "response", "turn_id": turn_id, "seq": seq, "content": "x"}


def told(listener: Listener) -> list[Any]:
    found: list[Any] = []
    while not listener.queue.empty():
        frame = listener.queue.get_nowait()
        found.append(frame and (frame["type"], frame.get("seq")))
    return found


D, R = "delta", "response"
# What it had before, what comes, what it is told.
TURNS = [
    (0, [delta(1), delta(2), response(3)], [(D, 1), (D, 2), (R, 3)]),
    (2, [delta(1), delta(2), delta(3), response(4)], [(D, 3), (R, 4)]),
    (0, [delta(1), delta(1), response(2), response(2), delta(1)], [(D, 1), (R, 2)]),
    # Who took the turn over does not know what the dead one had told.
    (5, [delta(1), delta(2), response(3)], [(R, 6)]),
    (5, [delta(4), delta(5), delta(6), response(7)], [(D, 6), (R, 7)]),
]


@pytest.mark.parametrize(("had", "comes", "expected"), TURNS)
def test_a_turns_frames_are_told_once(had: int, comes: list[Frame], expected: list[tuple[str, int]]) -> None:
    listener = Listener()
    listener.cursors["t"] = had
    for frame in comes:
        listener.tell(frame)
    assert told(listener) == expected


def test_turns_are_counted_each_for_itself() -> None:
    listener = Listener()
    for frame in (delta(1, "a"), delta(1, "b"), response(2, "b"), response(2, "a")):
        listener.tell(frame)
    assert told(listener) == [(D, 1), (D, 1), (R, 2), (R, 2)]
    assert listener.cursors == {}


def test_a_message_is_told_once_and_not_to_who_just_asked_it() -> None:
    listener = Listener()
    listener.asked.add("mine")
    listener.tell({"type": "message", "message_id": "1", "client_msg_id": "mine"})
    for _ in range(2):
        listener.tell({"type": "message", "message_id": "2", "client_msg_id": "another"})
    assert told(listener) == [("message", None)]


def test_who_reads_too_slowly_is_let_go_and_costs_no_more() -> None:
    listener = Listener()
    for seq in range(1, LISTENER_FRAMES + 10):
        listener.tell(delta(seq))
    assert told(listener) == [None]


async def test_a_turn_is_read_from_anywhere_to_its_end_at_ones_own_pace() -> None:
    turn = ToldTurn("t", "c")
    listener = Listener()
    audience.listen("c", listener)
    turn.tell(delta(1))
    early = turn.read()
    assert (await anext(early))["seq"] == 1
    turn.tell(delta(2))
    turn.tell(response(3))
    assert [frame["seq"] async for frame in early] == [2, 3]
    assert [frame["seq"] async for frame in turn.read(after=2)] == [3]
    assert [frame["seq"] async for frame in turn.read(after=9)] == []
    assert told(listener) == [(D, 1), (D, 2), (R, 3)]
    audience.leave("c", listener)
    assert audience.of("c") == ()


async def test_a_reader_that_was_busy_does_not_wait_for_what_was_told_meanwhile() -> None:
    turn = ToldTurn("t", "c")
    assert not await turn.wait_for_more(0, 0.01)
    waiting = asyncio.create_task(turn.wait_for_more(0, 60))
    await asyncio.sleep(0)
    turn.tell(delta(1))
    assert await waiting
    assert not await turn.wait_for_more(1, 0.01)
    turn.tell(delta(2))
    turn.tell(response(3))
    async with asyncio.timeout(10):
        assert await turn.wait_for_more(1, 60)
        # The end, for one who was told more before than there is.
        assert await turn.wait_for_more(9, 60)
