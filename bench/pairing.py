"""Fair comparison on a noisy machine: everything in turns, within the same seconds, as ratios to one baseline."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds per call, one figure per round."""

    rounds: Mapping[str, list[float]]

    def micros(self, name: str) -> float:
        """The median round, in microseconds per call."""
        return statistics.median(self.rounds[name]) * 1e6

    def ratio(self, name: str, baseline: str) -> float:
        """The median of the rounds' own ratios: a slow second slows both sides of its ratio."""
        pairs = zip(self.rounds[name], self.rounds[baseline], strict=True)
        return statistics.median(mine / base for mine, base in pairs)


def in_turns(contestants: Mapping[str, Callable[[], object]], *, rounds: int = 25, calls: int = 100) -> Timings:
    """Each round runs every contestant ``calls`` times, in a new random order; one round to warm up."""
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name in random.sample(list(contestants), len(contestants)):
            call = contestants[name]
            began = time.perf_counter()
            for _ in range(calls):
                call()
            if number:
                found[name].append((time.perf_counter() - began) / calls)
    return Timings(found)


async def ain_turns(
    contestants: Mapping[str, Callable[[], Awaitable[object]]],
    *,
    rounds: int = 25,
    calls: int = 10,
    concurrency: int = 32,
) -> Timings:
    """:func:`in_turns` with ``concurrency`` callers at a time on one event loop."""
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name in random.sample(list(contestants), len(contestants)):
            call = contestants[name]
            began = time.perf_counter()
            for _ in range(calls):
                await asyncio.gather(*(call() for _ in range(concurrency)))
            if number:
                found[name].append((time.perf_counter() - began) / (calls * concurrency))
    return Timings(found)
