"""Subscriptions, web processes and Redis killed under shoppers who talk: each question one answer, each frame once.

``python -m bench socket_chaos`` does it a thousand times.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from tests.journeys.havoc import ROUNDS
from tests.journeys.socket_havoc import SocketHavoc, converse, counts
from tests.journeys.web_processes import shop

pytestmark = pytest.mark.process

SHOPPERS = 4 + min(ROUNDS, 16)
QUESTIONS = 3 * ROUNDS


def test_every_question_is_answered_once_and_every_frame_comes_once_and_in_order(tmp_path: Path) -> None:
    settings = {
        "GENERATOR": "tests.journeys.unhurried_generator.UnhurriedGenerator",
        "SOCKET_QUESTIONS_PER_S": "1000",
        "SOCKET_FRAMES_PER_S": "1000",
        "ADDRESS_QUESTIONS_PER_S": "1000",
        "ADDRESS_HELLOS_PER_S": "1000",
    }
    with shop(tmp_path, 2, **settings) as running:
        havoc = SocketHavoc(running, random.Random(3), webs_every_s=3, redis_every_s=4)
        outcome = asyncio.run(converse(running, havoc, shoppers=SHOPPERS, questions=QUESTIONS, seed=3))
        stored = counts(running)
    assert outcome.faults == [], outcome
    assert outcome.answered == SHOPPERS * QUESTIONS
    assert (stored["questions"], stored["answers"]) == (outcome.answered, outcome.answered)
    assert (stored["answered_twice"], stored["running"]) == (0, 0)
    assert min(havoc.killed[name] for name in ("subscription", "web process", "Redis")) > 0, havoc.killed
