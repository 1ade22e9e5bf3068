"""One conversation in two real web processes: every frame exactly once, whichever of them it comes from."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from tests.journeys.web_processes import Frame, Shop, Tab, Web, assert_whole, shop, tab, token_of

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    generator = "tests.journeys.unhurried_generator.UnhurriedGenerator"
    with shop(tmp_path_factory.mktemp("shop"), 2, GENERATOR=generator) as both:
        yield both


@pytest.fixture
def one(running: Shop) -> Web:
    return running.webs[0]


@pytest.fixture
def two(running: Shop) -> Web:
    return running.webs[1]


def session_at(web: Web, socket: Tab) -> str:
    """A token that knows the conversation."""
    return str(socket.next("token")["token"])


def test_a_second_tab_in_another_process_sees_the_question_and_the_same_frames_live(one: Web, two: Web) -> None:
    with tab(one, token_of(one)) as here, tab(two, session_at(one, here)) as there:
        turn_id = here.ask("hello")["turn_id"]
        asked = there.next("message")
        assert (asked["role"], asked["content"], asked["turn_id"]) == ("user", "hello", turn_id)
        there.next("delta")
        # It is live: the end is far.
        assert len(there.frames[turn_id]) < 6
        here.next("response")
        there.next("response")
        assert_whole(here.frames[turn_id])
        assert there.frames[turn_id] == here.frames[turn_id]


@pytest.mark.parametrize("dropped_after", [1, 3, 6])
def test_a_resume_in_another_process_gets_exactly_the_missed_frames(one: Web, two: Web, dropped_after: int) -> None:
    with tab(one, token_of(one)) as here:
        token = session_at(one, here)
        turn_id = here.ask("hello")["turn_id"]
        while len(here.frames.get(turn_id, [])) < dropped_after:
            here.receive()
        before = here.frames[turn_id]
    with tab(two, token, resume={"turn_id": turn_id, "after_seq": len(before)}) as there:
        assert there.ready["active_turn"]["turn_id"] == turn_id
        there.next("response")
        assert_whole(before + there.frames[turn_id])
    # And once more when it is over, from either.
    for web in (one, two):
        with tab(web, token, resume={"turn_id": turn_id, "after_seq": 2}) as late:
            late.next("response")
            assert late.frames[turn_id] == (before + there.frames[turn_id])[2:]
            said = [message["role"] for message in late.ready["messages"]]
            assert said == ["user"]


def test_stop_from_another_process(one: Web, two: Web) -> None:
    with tab(one, token_of(one)) as here, tab(two, session_at(one, here)) as there:
        turn_id = here.ask("hello")["turn_id"]
        there.next("delta")
        there.send(type="stop", turn_id=turn_id)
        assert there.next("response")["status"] == "stopped"
        assert here.next("response")["status"] == "stopped"
        assert here.frames == there.frames
        there.send(type="stop", turn_id=turn_id)
        assert there.next("error")["code"] == "no_such_turn"


def test_a_message_that_is_sent_again_to_another_process_is_the_same_message(one: Web, two: Web) -> None:
    client_msg_id = str(uuid.uuid4())
    with tab(one, token_of(one)) as here:
        token = session_at(one, here)
        accepted = here.ask("hello", client_msg_id=client_msg_id)
    with tab(two, token) as there:
        assert there.ask("hello", client_msg_id=client_msg_id) == accepted | {"duplicate": True}
        there.next("response")
        assert_whole(there.frames[accepted["turn_id"]])


def test_a_newer_question_in_another_process_waits_for_the_older_ones_answer(one: Web, two: Web) -> None:
    with tab(one, token_of(one)) as here, tab(two, session_at(one, here)) as there:
        first = here.ask("hello")["turn_id"]
        second = there.ask("and again")["turn_id"]
        order: list[Frame] = []
        while [frame["type"] for frame in order].count("response") < 2:
            frame = there.receive()
            if frame["type"] in {"delta", "response"}:
                order.append(frame)
        turns = [frame["turn_id"] for frame in order]
        assert turns == sorted(turns, key=[first, second].index)
        assert_whole(there.frames[first])
        assert_whole(there.frames[second])


def test_a_foreign_turns_id_tells_nothing(one: Web, two: Web) -> None:
    with tab(one, token_of(one)) as here:
        turn_id = here.ask("hello")["turn_id"]
        for web in (one, two):
            with tab(web, token_of(web), resume={"turn_id": turn_id, "after_seq": 0}) as mallory:
                assert mallory.ready["active_turn"] is None
                mallory.send(type="stop", turn_id=turn_id)
                assert mallory.next("error")["code"] == "no_such_turn"
                mallory.send(type="ping", t=1)
                mallory.next("pong")
                assert mallory.frames == {}
        assert here.next("response")["status"] == "complete"


KEY = """
import django
django.setup()
from partners.models import SCOPES, create_api_key
print(create_api_key("A shop", list(SCOPES))[1])
"""


def test_a_partners_stream_goes_on_in_another_process(running: Shop, one: Web, two: Web) -> None:
    headers = {"Authorization": f"Bearer {running.run(KEY).strip()}"}
    base = f"http://127.0.0.1:{one.port}/api/v1/conversations"
    path = f"{httpx.post(base, json={}, headers=headers).json()['conversation_id']}/messages"
    question = {"text": "hello", "client_msg_id": str(uuid.uuid4())}
    stream = headers | {"Accept": "text/event-stream"}
    seen: list[dict[str, Any]] = []
    with httpx.stream("POST", f"{base}/{path}", json=question, headers=stream, timeout=40) as response:
        for line in response.iter_lines():
            if line.startswith("data: "):
                seen.append(orjson.loads(line.removeprefix("data: ")))
                if len(seen) == 3:
                    break
    there = f"http://127.0.0.1:{two.port}/api/v1/conversations/{path}"
    with httpx.stream("POST", there, json=question, headers=stream | {"Last-Event-ID": "3"}, timeout=40) as response:
        ids = []
        for line in response.iter_lines():
            if line.startswith("id: "):
                ids.append(int(line.removeprefix("id: ")))
            if line.startswith("data: "):
                seen.append(orjson.loads(line.removeprefix("data: ")))
    assert ids == list(range(4, 4 + len(ids)))
    assert_whole(seen)
    whole = httpx.post(there, json=question, headers=headers, timeout=40).json()
    assert whole["content"] == seen[-1]["content"]


def test_with_redis_frozen_in_the_middle_the_open_socket_misses_nothing_and_then_nobody_else(
    running: Shop, one: Web, two: Web
) -> None:
    redis = running.redis.process
    assert redis is not None
    with tab(one, token_of(one)) as here:
        token = session_at(one, here)
        turn_id = here.ask("hello")["turn_id"]
        here.next("delta")
        os.kill(redis.pid, signal.SIGSTOP)
        try:
            # It hangs for longer than a call may take.
            for _ in range(3):
                here.next("delta", within_s=5)
        finally:
            os.kill(redis.pid, signal.SIGCONT)
        here.next("response")
        assert_whole(here.frames[turn_id])
    with tab(two, token, resume={"turn_id": turn_id, "after_seq": 2}) as there:
        there.next("response")
        assert there.frames[turn_id] in ([here.frames[turn_id][-1] | {"seq": 3}], here.frames[turn_id][2:])


def test_without_redis_another_process_still_answers(running: Shop, one: Web, two: Web) -> None:
    redis = running.redis.process
    assert redis is not None
    with tab(one, token_of(one)) as here, tab(two, session_at(one, here)) as there:
        os.kill(redis.pid, signal.SIGSTOP)
        try:
            turn_id = here.ask("hello")["turn_id"]
            assert there.next("message")["content"] == "hello"
            here.next("response")
            answered = there.next("response")
        finally:
            os.kill(redis.pid, signal.SIGCONT)
        assert_whole(here.frames[turn_id])
        assert_whole(there.frames[turn_id])
        assert answered["content"] == here.frames[turn_id][-1]["content"]
