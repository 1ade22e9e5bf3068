"""Processes that stand still and later go on as if nothing had been: nobody waits for them, and what they say then is late."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.journeys.havoc import ROUNDS
from tests.journeys.unhurried_webs import PROMISED_S, begin, status_of, unhurried
from tests.journeys.web_processes import Shop, Web, assert_whole, tab, token_of

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with unhurried(tmp_path_factory.mktemp("shop"), 2) as both:
        yield both


@pytest.fixture
def one(running: Shop) -> Iterator[Web]:
    """The one that freezes."""
    yield running.webs[0]
    running.webs[0].kill(signal.SIGCONT)


@pytest.mark.parametrize("round", range(ROUNDS))
def test_a_turn_whose_process_freezes_is_taken_over_and_what_that_says_later_is_not_told(
    running: Shop, one: Web, round: int
) -> None:
    two = running.webs[1]
    with tab(one, token_of(one)) as here, tab(two, here.next("token")["token"]) as there:
        turn_id = begin(here, deltas=2)
        there.next("delta")
        one.kill(signal.SIGSTOP)
        # A process is silent for 8 s before anybody takes it for dead.
        there.next("response", within_s=PROMISED_S * 4)
        assert_whole(there.frames[turn_id])
        answer = there.frames[turn_id][-1]
        one.kill(signal.SIGCONT)
        # Who sat before the frozen one gets the answer that counts, and no frame twice.
        while "response" not in {frame["type"] for frame in here.frames[turn_id]}:
            here.receive()
        assert_whole(here.frames[turn_id])
        assert here.frames[turn_id][-1]["content"] == answer["content"]
        assert status_of(running, turn_id) == ["complete", "2", "1"]
        here.ask("and another")
        assert here.next("response")["status"] == "complete"
