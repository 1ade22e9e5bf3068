"""The stream of a turn: whatever is lost, sent again or sent too late, it has no hole and no frame twice."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import orjson
import pytest

from chat.turn_stream import EXPIRES_S, PAGE, StreamUnavailable, Superseded, append, bell_of, read, read_whole
from mangaassist.doorbell import Ring, hearing
from mangaassist.redis import sync_client


def frames(first: int, last: int) -> list[bytes]:
    return [orjson.dumps({"type": "delta", "seq": seq}) for seq in range(first, last + 1)]


async def seqs(turn_id: str, after: int = 0) -> list[int]:
    return [frame["seq"] for frame in await read(turn_id, after)]


@pytest.fixture
def turn_id() -> str:
    return str(uuid.uuid4())


# What is appended, one call after the other: (attempt, first, last) → the stream's last seq, -1 for a refusal.
CALLS: list[list[tuple[tuple[int, int, int], int]]] = [
    [((1, 1, 1), 1), ((1, 2, 4), 4)],
    # A call whose answer was lost is made again, with what has come since.
    [((1, 1, 3), 3), ((1, 1, 5), 5), ((1, 2, 4), 5)],
    # Redis lost everything: it says where to begin.
    [((1, 4, 5), 0), ((1, 1, 5), 5)],
    # Taken over: the other's late words are refused.
    [((1, 1, 2), 2), ((2, 3, 2), 2), ((1, 3, 4), -1), ((2, 3, 3), 3), ((1, 4, 4), -1)],
]


@pytest.mark.parametrize("calls", CALLS)
async def test_no_hole_and_nothing_twice(turn_id: str, calls: list[tuple[tuple[int, int, int], int]]) -> None:
    for (attempt, first, last), expected in calls:
        if expected < 0:
            with pytest.raises(Superseded):
                await append(turn_id, attempt, first, frames(first, last))
        else:
            assert await append(turn_id, attempt, first, frames(first, last)) == expected
    end = max(expected for _, expected in calls)
    assert await seqs(turn_id) == list(range(1, end + 1))
    assert await seqs(turn_id, after=end - 1) == [end]
    assert await seqs(turn_id, after=end + 7) == []


async def test_a_long_turn_is_read_whole(turn_id: str) -> None:
    for first in range(1, 2 * PAGE, 100):
        await append(turn_id, 1, first, frames(first, first + 99))
    assert await seqs(turn_id, after=3) == list(range(4, 2 * PAGE + 1))


async def test_only_a_turn_that_has_ended_is_whole(turn_id: str) -> None:
    await append(turn_id, 1, 1, frames(1, 2))
    assert await read_whole(turn_id) == []
    await append(turn_id, 1, 3, [orjson.dumps({"type": "response", "seq": 3})])
    assert [frame["seq"] for frame in await read_whole(turn_id)] == [1, 2, 3]


async def test_it_expires_and_lies_apart_from_the_cache(turn_id: str) -> None:
    await append(turn_id, 1, 1, frames(1, 1))
    keys = sync_client("streams").keys("*")
    assert len(keys) == 2
    assert all(0 < sync_client("streams").ttl(key) <= EXPIRES_S <= 600 for key in keys)
    # Both on one node of a cluster.
    assert all(f"{{{turn_id}}}".encode() in key for key in keys)
    assert sync_client("cache").dbsize() == 0


async def test_each_append_rings_for_who_follows_the_turn_and_for_nobody_else(turn_id: str) -> None:
    heard: list[Ring] = []
    bell = bell_of(turn_id)
    hearing("streams").listen(bell, heard.append)
    try:
        await _until(lambda: heard == [Ring(bell)])
        await append(str(uuid.uuid4()), 1, 1, frames(1, 1))
        await append(turn_id, 1, 1, frames(1, 1))
        await _until(lambda: len(heard) == 2)
        assert heard[1] == Ring(bell, turn_id)
    finally:
        hearing("streams").leave(bell, heard.append)


async def test_who_comes_to_a_subscription_that_is_open_is_heard_as_well(turn_id: str) -> None:
    early: list[Ring] = []
    late: list[Ring] = []
    hearing("streams").listen("turn:early", early.append)
    await _until(lambda: early == [Ring("turn:early")])
    hearing("streams").listen(bell_of(turn_id), late.append)
    try:
        await _until(lambda: late == [Ring(bell_of(turn_id))])
        sync_client("streams").client_kill_filter(_type="pubsub")
        await append(turn_id, 1, 1, frames(1, 1))
        # The ring is lost, or comes: but when it is heard again, everybody is told to look.
        await _until(lambda: len(late) >= 2 and len(early) >= 2)
    finally:
        hearing("streams").leave("turn:early", early.append)
        hearing("streams").leave(bell_of(turn_id), late.append)


async def test_without_redis_it_says_so(turn_id: str, settings: Any) -> None:
    settings.REDIS_URLS = settings.REDIS_URLS | {"streams": "redis://127.0.0.1:1/0"}
    with pytest.raises(StreamUnavailable):
        await append(turn_id, 1, 1, frames(1, 1))
    with pytest.raises(StreamUnavailable):
        await read(turn_id, 0)
    assert await read_whole(turn_id) == []


async def _until(found: Any) -> None:
    for _ in range(1000):
        if found():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("not within 20 s")
