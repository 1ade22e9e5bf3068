"""A web process dies or is told to go in the middle of a turn: no shopper waits for ever, and no frame comes twice."""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed

from tests.journeys.unhurried_webs import PROMISED_S, begin, status_of, unhurried
from tests.journeys.web_processes import Shop, Web, assert_whole, tab, token_of

pytestmark = pytest.mark.process

# Looks for left turns, as the worker does, until this one has failed.
SWEEP = """
import sys, time, django
django.setup()
from chat.models import Turn
from chat.tasks import fail_left_turns
give_up_at = time.monotonic() + 60
while Turn.objects.get(pk=sys.argv[1]).status != "failed" and time.monotonic() < give_up_at:
    time.sleep(0.2)
    fail_left_turns()
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """With one web process more than a test needs: the last one's that went starts meanwhile."""
    with unhurried(tmp_path_factory.mktemp("shop"), 3) as all_three:
        yield all_three


@pytest.fixture
def one(running: Shop) -> Iterator[Web]:
    """The one that goes."""
    web = running.webs[0]
    web.wait_ready()
    yield web
    web.process.wait(40)
    web.start()
    running.webs.append(running.webs.pop(0))


@pytest.fixture
def two(running: Shop, one: Web) -> Web:
    """One that stays, and that the next test may end: it has been there for longest."""
    running.webs[1].wait_ready()
    return running.webs[1]


def test_who_waits_in_another_process_is_answered_when_the_turns_own_is_killed(
    running: Shop, one: Web, two: Web
) -> None:
    with tab(one, token_of(one)) as here, tab(two, here.next("token")["token"]) as there:
        turn_id = begin(here, deltas=2)
        there.next("delta")
        one.kill()
        killed_at = time.monotonic()
        # The last words of the dead process may still be under way.
        while (told := there.next("typing_indicator", within_s=PROMISED_S))["seq"] == 1:
            pass
        assert time.monotonic() - killed_at < PROMISED_S
        assert told["turn_id"] == turn_id
        assert there.next("response")["status"] == "complete"
        assert_whole(there.frames[turn_id])
    with tab(two, token_of(two)) as another:
        another.ask("hello")
        assert another.next("response")["status"] == "complete"
    assert status_of(running, turn_id) == ["complete", "2", "1"]


def test_who_comes_back_to_another_process_gets_the_rest_once(running: Shop, one: Web, two: Web) -> None:
    with tab(one, token_of(one)) as here:
        token = here.next("token")["token"]
        turn_id = begin(here, deltas=2)
        one.kill()
        with pytest.raises(ConnectionClosed):
            here.next("response")
    seen = here.frames[turn_id]
    with tab(two, token, resume={"turn_id": turn_id, "after_seq": len(seen)}) as there:
        assert there.ready["active_turn"]["turn_id"] == turn_id
        there.next("response", within_s=60)
        assert_whole(seen + there.frames[turn_id])
    assert status_of(running, turn_id) == ["complete", "2", "1"]


def test_a_dead_turn_is_taken_over_though_redis_has_forgotten_it(running: Shop, one: Web, two: Web) -> None:
    with tab(one, token_of(one)) as here:
        token = here.next("token")["token"]
        turn_id = begin(here, deltas=2)
        one.kill()
    seen = here.frames[turn_id]
    running.streams().flushdb()
    with tab(two, token, resume={"turn_id": turn_id, "after_seq": len(seen)}) as there:
        assert there.next("response", within_s=60)["status"] == "complete"
        assert_whole(seen + there.frames[turn_id])


def test_the_next_question_does_not_wait_for_a_dead_one_for_ever(running: Shop, one: Web, two: Web) -> None:
    with tab(one, token_of(one)) as here, tab(two, here.next("token")["token"]) as there:
        first = begin(here, deltas=1)
        one.kill()
        second = there.ask("and another")["turn_id"]
        while "response" not in {frame["type"] for frame in there.frames.get(second, [])}:
            there.next("response", within_s=60)
        assert_whole(there.frames[second])
        assert_whole(there.frames[first])


def test_a_dead_turn_that_nobody_waits_for_is_failed_by_the_worker(running: Shop, one: Web, two: Web) -> None:
    with tab(one, token_of(one)) as here:
        token = here.next("token")["token"]
        turn_id = begin(here, deltas=1)
        one.kill()
    killed_at = time.monotonic()
    assert status_of(running, turn_id)[0] == "running"
    running.run(SWEEP, turn_id)
    assert status_of(running, turn_id) == ["failed", "1", "1"]
    assert time.monotonic() - killed_at > 8
    with tab(two, token, resume={"turn_id": turn_id, "after_seq": 2}) as there:
        response = there.next("response")
        assert (response["status"], response["retryable"], response["seq"]) == ("failed", True, 3)


def test_told_to_go_it_finishes_its_turns_refuses_new_ones_and_closes_with_1012(
    running: Shop, one: Web, two: Web
) -> None:
    with tab(one, token_of(one)) as here, tab(one, token_of(one)) as idle:
        token = here.next("token")["token"]
        turn_id = begin(here, deltas=1)
        one.kill(signal.SIGTERM)
        here.next("delta")
        sent = str(uuid.uuid4())
        here.send(type="user_message", client_msg_id=sent, text="one more")
        refused = here.next("error")
        assert (refused["code"], refused["retryable"], refused["client_msg_id"]) == ("restarting", True, sent)
        if "response" not in {frame["type"] for frame in here.frames[turn_id]}:
            here.next("response")
        assert_whole(here.frames[turn_id])
        assert here.closed_with() == 1012
        assert idle.closed_with() == 1012
    with tab(two, token) as there:
        assert there.ask("one more", client_msg_id=sent)["duplicate"] is False
        assert there.next("response")["status"] == "complete"
