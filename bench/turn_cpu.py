"""What whole turns over a socket cost, one shopper at a time: CPU time, and how many functions are called.

CPU time, not the clock's: other work on the machine changes it less. The number of calls it does not change at all.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import threading
import time
from types import FrameType

from bench.tables import Table
from bench.turn import QUESTIONS, Seen, close, connect, load_shop, one_turn

BY_NAME_ONLY = True
ROUNDS = 20
COUNTED = 5


def run() -> Table:
    calls = Calls()
    # Threads that are begun from now on: the database's, the recommender's and all others of a turn.
    threading.setprofile(calls.note)
    load_shop()
    called = asyncio.run(_calls(calls))
    threading.setprofile(None)
    spent = asyncio.run(_milliseconds())
    rows = [
        [question, f"{statistics.median(times):.1f}", f"{min(times):.1f}", f"{called[question]:,.0f}"]
        for question, times in spent.items()
    ]
    means = [statistics.mean(each) for each in zip(*spent.values(), strict=True)]
    all_calls = f"{statistics.mean(called.values()):,.0f}"
    return Table(
        title="What a turn costs",
        columns=["question", "CPU, median ms", "CPU, least ms", "calls of functions"],
        rows=[*rows, ["all, a turn", f"{statistics.median(means):.1f}", f"{min(means):.1f}", all_calls]],
        note=f"One turn over a socket, the whole process, {ROUNDS} rounds, with the measuring client's part, without "
        "Redis' own. Calls: of Python's and C's functions, in all threads, in rounds of their own.",
    )


class Calls:
    """Counts while it is on; for ``sys.setprofile`` of every thread."""

    def __init__(self) -> None:
        self.on = False
        self.number = 0

    def note(self, frame: FrameType, event: str, argument: object) -> None:
        if self.on and event in {"call", "c_call"}:
            self.number += 1


async def _calls(calls: Calls) -> dict[str, float]:
    """For each question, the mean of a few rounds."""
    sys.setprofile(calls.note)
    socket = await connect()
    for question in QUESTIONS * 2:
        await one_turn(socket, question, Seen())
    called: dict[str, float] = {}
    for question in QUESTIONS:
        calls.number, calls.on = 0, True
        for _ in range(COUNTED):
            await one_turn(socket, question, Seen())
        calls.on = False
        called[question] = calls.number / COUNTED
    await close(socket)
    sys.setprofile(None)
    return called


async def _milliseconds() -> dict[str, list[float]]:
    """Of the whole process, for each question."""
    spent: dict[str, list[float]] = {question: [] for question in QUESTIONS}
    socket = await connect()
    for number in range(ROUNDS + 2):
        for question in QUESTIONS:
            began = time.process_time()
            await one_turn(socket, question, Seen())
            if number > 1:
                spent[question].append((time.process_time() - began) * 1000)
    await close(socket)
    return spent
