"""A thousand questions while subscriptions, web processes and Redis are killed. By name only:
``python -m bench socket_chaos``.

At the end every question must be stored once and answered once, and every shopper must have seen every frame once and
in order, from whichever process.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from pathlib import Path

from bench.tables import Table
from tests.journeys.socket_havoc import SocketHavoc, converse, counts
from tests.journeys.web_processes import shop

BY_NAME_ONLY = True
SHOPPERS = 20
QUESTIONS_EACH = 50
WEBS = 2
SETTINGS = {
    "GENERATOR": "tests.journeys.unhurried_generator.UnhurriedGenerator",
    "GENERATOR_OPTIONS": '{"sentences": 6, "pause_s": 0.15}',
    "SOCKET_QUESTIONS_PER_S": "1000",
    "SOCKET_FRAMES_PER_S": "1000",
    "ADDRESS_QUESTIONS_PER_S": "1000",
    "ADDRESS_HELLOS_PER_S": "1000",
}


def run() -> Table:
    seed = 8
    with tempfile.TemporaryDirectory(prefix="ma-chaos-") as folder, shop(Path(folder), WEBS, **SETTINGS) as running:
        havoc = SocketHavoc(running, random.Random(seed), webs_every_s=12, redis_every_s=15)
        began = time.monotonic()
        outcome = asyncio.run(converse(running, havoc, shoppers=SHOPPERS, questions=QUESTIONS_EACH, seed=seed))
        lasted = time.monotonic() - began
        stored = counts(running)
    for fault in outcome.faults:
        print(fault)
    asked = SHOPPERS * QUESTIONS_EACH
    return Table(
        title=f"Chaos on the socket: {asked:,} questions, {WEBS} web processes",
        columns=["", "count"],
        rows=[
            ["seconds", f"{lasted:.0f}"],
            *([f"killed: {name}", f"{number:,}"] for name, number in sorted(havoc.killed.items())),
            ["questions sent again, for want of an acknowledgement", f"{outcome.again:,}"],
            ["turns resumed after a drop", f"{outcome.resumed:,}"],
            ["turns taken over from a dead process", f"{stored['taken_over']:,}"],
            ["answered", f"{outcome.answered:,}"],
            *([f"… {status}", f"{number:,}"] for status, number in sorted(outcome.statuses.items())),
            ["questions stored", f"{stored['questions']:,}"],
            ["answers stored", f"{stored['answers']:,}"],
            ["answered twice", f"{stored['answered_twice']:,}"],
            ["frames missing, twice or out of order, answers that did not come", f"{len(outcome.faults):,}"],
        ],
    )
