"""The CPU time of whole turns over a socket, one shopper at a time.

CPU time, not the clock's: other work on the machine changes it less.
"""

from __future__ import annotations

import asyncio
import statistics
import time

from bench.tables import Table
from bench.turn import QUESTIONS, Seen, close, connect, load_shop, one_turn

BY_NAME_ONLY = True
ROUNDS = 20


def run() -> Table:
    load_shop()
    spent = asyncio.run(_milliseconds())
    rows = [[question, f"{statistics.median(times):.1f}", f"{min(times):.1f}"] for question, times in spent.items()]
    means = [statistics.mean(each) for each in zip(*spent.values(), strict=True)]
    return Table(
        title="CPU time of a turn",
        columns=["question", "median ms", "least ms"],
        rows=[*rows, ["all, a turn", f"{statistics.median(means):.1f}", f"{min(means):.1f}"]],
        note=f"CPU time of the whole process for one turn over a socket, {ROUNDS} rounds, with the measuring client's "
        "part, without Redis' own.",
    )


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
