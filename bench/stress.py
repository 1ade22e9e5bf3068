"""Several processes read, change, invalidate and flush at random; nobody may ever be served something too old.

The truth is one version number per product, in another Redis database. A writer raises it, invalidates, and only
then writes down that this version's invalidation is *finished*. A reader notes the finished versions, reads through
the cache, and counts a violation when it gets an older version than it noted. At the end everything stands still,
and what each process then serves must be the truth. One in ten changes is a FLUSHDB of the cache instead.

The naive cache (GET, SET, a set of references per product, DEL on update) runs under the same load as the control:
a load that it survived would prove nothing.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from bench.tables import Table

PROCESSES = 4
SECONDS = 6.0
PRODUCTS = 6
SHELVES = 4
SHELF_SIZE = 4
FLUSH_SHARE = 0.1

Versions = dict[str, int]


def run() -> Table:
    ours = stress("policy", seconds=SECONDS, processes=PROCESSES)
    naive = stress("naive", seconds=SECONDS, processes=PROCESSES)
    rows = [
        [label, *(f"{found[name]:,}" for name in ("reads", "computed", "changes", "flushes", "too_old", "old_at_rest"))]
        for label, found in (("policy cache", ours), ("naive: SET + reference set + DEL", naive))
    ]
    return Table(
        title=f"Cache: {PROCESSES} processes at random for {SECONDS:.0f} s",
        columns=["", "reads", "computed", "changes", "FLUSHDB", "too old", "old at rest"],
        rows=rows,
        note="`Too old`: reads that got a version whose replacement had been invalidated before they began. `Old at "
        "rest`: keys that are still wrong in some process after everything has stopped. Threads and tasks of an event "
        "loop read single products and shelves whose products nobody knows before they are computed.",
    )


def stress(cache: str, *, seconds: float, processes: int, seed: int = 1) -> Counter[str]:
    """Runs the processes against the Redis of this process' settings; what they counted, summed.

    ``cache``: "policy" or "naive".
    """
    from mangaassist.redis import sync_client

    for database in ("cache", "streams"):
        sync_client(database).flushdb()
    command = [sys.executable, "-m", "bench.stress", cache, str(seconds)]
    running = [
        subprocess.Popen([*command, str(seed + number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in range(processes)
    ]
    try:
        # Three times together: ready to start, done, and looked at what is there at rest.
        counted = Counter[str]()
        for word in ("start", "rest", "end"):
            for process in running:
                assert process.stdin is not None
                process.stdin.write(word + "\n")
                process.stdin.flush()
            for process in running:
                assert process.stdout is not None
                line = process.stdout.readline()
                if not line:
                    raise RuntimeError(f"A process ended early, with status {process.wait(10)}.")
                counted.update(json.loads(line))
        return counted
    finally:
        for process in running:
            process.kill()
            process.communicate()


class Truth:
    """Versions of the products, and those whose invalidation is finished."""

    def __init__(self) -> None:
        from mangaassist.redis import sync_client

        self._redis: Any = sync_client("streams")
        self._finish = self._redis.register_script(
            "if tonumber(ARGV[1]) > tonumber(redis.call('GET', KEYS[1]) or 0) then "
            "redis.call('SET', KEYS[1], ARGV[1]) end"
        )

    def read(self, asins: Sequence[str]) -> Versions:
        return self._read("truth", asins)

    def finished(self, asins: Sequence[str]) -> Versions:
        return self._read("finished", asins)

    def change(self, asin: str) -> int:
        return int(self._redis.incr(f"truth:{asin}"))

    def finish(self, asin: str, version: int) -> None:
        self._finish(keys=[f"finished:{asin}"], args=[version])

    def _read(self, what: str, asins: Sequence[str]) -> Versions:
        found = self._redis.mget([f"{what}:{asin}" for asin in asins])
        return {asin: int(value or 0) for asin, value in zip(asins, found, strict=True)}


class Worker:
    """One process: threads that read, an event loop that reads, a thread that changes things."""

    def __init__(self, cache: str, seconds: float, seed: int) -> None:
        from bench.stress_caches import NaiveCache, PolicyCacheUnderTest

        self.truth = Truth()
        self.cache = PolicyCacheUnderTest() if cache == "policy" else NaiveCache()
        self.seconds = seconds
        self.seed = seed
        self.counted: Counter[str] = Counter()

    def run(self) -> None:
        jobs: list[Callable[[random.Random], None]] = [self.read, self.read, self.read_on_a_loop, self.write]
        chances = [random.Random(self.seed * 100 + number) for number in range(len(jobs))]
        threads = [threading.Thread(target=job, args=(chance,)) for job, chance in zip(jobs, chances, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def read(self, chance: random.Random) -> None:
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            wanted = wish(chance)
            finished = self.truth.finished(wanted)
            self.judge(finished, self.cache.read(wanted, partial(self.compute, wanted, chance)))

    def read_on_a_loop(self, chance: random.Random) -> None:
        async def one() -> None:
            until = time.monotonic() + self.seconds
            while time.monotonic() < until:
                wanted = wish(chance)
                finished = self.truth.finished(wanted)

                async def compute(wanted: tuple[str, ...] = wanted) -> Versions:
                    found = self.truth.read(wanted)
                    await asyncio.sleep(chance.random() * 0.01)
                    return found

                self.judge(finished, await self.cache.aread(wanted, compute))

        async def all_of_them() -> None:
            await asyncio.gather(*(one() for _ in range(4)))

        asyncio.run(all_of_them())

    def write(self, chance: random.Random) -> None:
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            if chance.random() < FLUSH_SHARE:
                self.cache.flush()
                self.counted["flushes"] += 1
            else:
                asin = f"P{chance.randrange(PRODUCTS)}"
                version = self.truth.change(asin)
                if self.cache.invalidate(asin):
                    self.truth.finish(asin, version)
                self.counted["changes"] += 1
            time.sleep(chance.random() * 0.02)

    def compute(self, wanted: tuple[str, ...], chance: random.Random) -> Versions:
        found = self.truth.read(wanted)
        # The time in which the world moves on.
        time.sleep(chance.random() * 0.01)
        self.counted["computed"] += 1
        return found

    def judge(self, finished: Versions, got: Versions) -> None:
        self.counted["reads"] += 1
        self.counted["too_old"] += any(got[asin] < version for asin, version in finished.items())

    def look_at_rest(self) -> None:
        """Everything stands still: what is served now must be true."""
        for wanted in [(f"P{number}",) for number in range(PRODUCTS)] + [shelf(number) for number in range(SHELVES)]:
            truth = self.truth.read(wanted)
            self.counted["old_at_rest"] += self.cache.read(wanted, partial(dict, truth)) != truth


def wish(chance: random.Random) -> tuple[str, ...]:
    """One product, or a shelf of several."""
    if chance.random() < 0.5:
        return (f"P{chance.randrange(PRODUCTS)}",)
    return shelf(chance.randrange(SHELVES))


def shelf(number: int) -> tuple[str, ...]:
    return tuple(f"P{(number + place) % PRODUCTS}" for place in range(SHELF_SIZE))


def main(cache: str, seconds: str, seed: str) -> None:
    import django

    django.setup()
    worker = Worker(cache, float(seconds), int(seed))
    for job in (worker.run, worker.look_at_rest, lambda: None):
        if not sys.stdin.readline():
            return
        job()
        sys.stdout.write(json.dumps(worker.counted) + "\n")
        sys.stdout.flush()
        worker.counted.clear()


if __name__ == "__main__":
    main(*sys.argv[1:])
