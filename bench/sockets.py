"""Sockets over a real connection to a real web process, beside a bare application on the same server.

The client is this process: both share the machine, in every row alike.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import statistics
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bench.tables import Table
from bench.turn import QUESTIONS
from tests.mangaassist.running import free_port, until

IDLE = 1_000
# What a process allocates once, and the room that starting left in its memory, does not count.
ALREADY_OPEN = 300
CONNECTING_AT_ONCE = 20
STRANGERS = 5_000
KEPT_STRANGERS = (1_000, 100_000)
SHOPPERS = 10
TURNS_EACH = 20
ASKED = {"a greeting": QUESTIONS[0], "a price": QUESTIONS[1]}
ROUNDS = 3
# Shoppers who read before they ask again.
PEOPLE = 50
ASKED_BY_EACH = 8
PAUSES_S = {"4 to 10 s": (4.0, 10.0), "1 to 3 s": (1.0, 3.0)}
Frame = dict[str, Any]


class Process:
    """A web process under measurement."""

    def __init__(self, name: str, module: str, *options: str, strangers: int = 100_000) -> None:
        """``strangers``: how many that have not said hello it keeps."""
        self.name = name
        self.port = free_port()
        limits = {"SOCKETS_PER_ADDRESS": "100000", "ADDRESS_HELLOS_PER_S": "100000"}
        limits["SOCKETS_WITHOUT_HELLO"] = str(strangers)
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, "--port", str(self.port), *options],
            env=os.environ | limits | {"ADDRESS_QUESTIONS_PER_S": "100000"},
        )
        self.url = f"ws://127.0.0.1:{self.port}/ws/chat/"
        until(self._listens, f"{name} listens", within_s=180)

    def kilobytes(self) -> int:
        """Resident memory."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _listens(self) -> bool:
        assert self._process.poll() is None, f"{self.name} ended"
        try:
            asyncio.run(self._connect_once())
        except OSError:
            return False
        return True

    async def _connect_once(self) -> None:
        async with connect(self.url):
            pass


def run() -> list[Table]:
    from django.core.management import call_command

    feed = Path(__file__).resolve().parent.parent / "shop" / "demo" / "demo.jsonl.gz"
    with open(os.devnull, "w") as nowhere:
        call_command("import_catalog", str(feed), stdout=nowhere)
        call_command("train_recommender", stdout=nowhere)
    with _processes() as (ours, bare, keeping):
        tables = [_idle(ours, bare), *_turns(ours, bare, keeping), _first_words(ours)]
    return [*tables, _strangers()]


@contextmanager
def _processes() -> Iterator[tuple[Process, Process, Process]]:
    bare = Process("bare application", "bench.bare_socket")
    keeping = Process("bare application that stores", "bench.bare_socket", "--keeping")
    ours = Process("MangaAssist", "mangaassist.server")
    try:
        yield ours, bare, keeping
    finally:
        for process in (ours, keeping, bare):
            process.stop()


# --- Idle sockets -------------------------------------------------------------------------------------------


def _idle(ours: Process, bare: Process) -> Table:
    rows = [asyncio.run(_open_many(process, _hello, before=ALREADY_OPEN, many=IDLE)) for process in (bare, ours)]
    return Table(
        title="Sockets: memory and connections",
        columns=["", "KB per idle socket", "connects/s"],
        rows=rows,
        note=f"{IDLE:,} sockets that have said hello, {CONNECTING_AT_ONCE} at a time, beside {ALREADY_OPEN} that were "
        "open before (what a process allocates once does not count). Ours store a conversation each before they are "
        "ready.",
    )


async def _open_many(
    process: Process, hello: Callable[[ClientConnection], Awaitable[None]], *, before: int, many: int
) -> list[str]:
    """A row: kilobytes for each of ``many`` sockets beside ``before`` others, and how many a second opened."""
    at_once = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def open_one(stack: AsyncExitStack) -> None:
        async with at_once:
            await hello(await stack.enter_async_context(connect(process.url, compression=None, max_size=None)))

    async with AsyncExitStack() as stack:
        await asyncio.gather(*(open_one(stack) for _ in range(before)))
        empty = await _settled(process)
        began = time.perf_counter()
        await asyncio.gather(*(open_one(stack) for _ in range(many)))
        rate = many / (time.perf_counter() - began)
        full = await _settled(process)
    return [process.name, f"{(full - empty) / many:.1f}", f"{rate:.0f}"]


async def _settled(process: Process) -> int:
    """Its memory when that stands still: a process that has just started gives back what starting took."""
    last, now = 0, process.kilobytes()
    for _ in range(5):
        if abs(now - last) <= 256:
            break
        await asyncio.sleep(3)
        last, now = now, process.kilobytes()
    return now


# --- Strangers ----------------------------------------------------------------------------------------------


def _strangers() -> Table:
    rows = []
    for kept in KEPT_STRANGERS:
        process = Process(f"at most {kept:,} are kept", "mangaassist.server", strangers=kept)
        try:
            rows.append(asyncio.run(_open_and_say_nothing(process)))
        finally:
            process.stop()
    return Table(
        title="Sockets: a crowd that never says hello",
        columns=[
            "", "opened", "closed with 4408", "MB before", "MB at most", "MB after",
            "first word alone, median ms", "meanwhile, median ms", "meanwhile, p99 ms",
        ],
        rows=rows,
        note=f"{STRANGERS:,} connections of one address, {CONNECTING_AT_ONCE} at a time; each is closed after 5 s "
        "without a hello, or when too many are (SOCKETS_WITHOUT_HELLO, 1,000 as delivered). Meanwhile one shopper asks "
        "again and again; crowd and shopper are the same client process, whose own work is in what the shopper waits.",
    )  # fmt: skip


async def _open_and_say_nothing(process: Process) -> list[str]:
    at_once = asyncio.Semaphore(CONNECTING_AT_ONCE)
    closed: Counter[int] = Counter()

    async def stranger() -> None:
        async with at_once:
            socket = await connect(process.url, compression=None)
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as end:
            closed[end.rcvd.code if end.rcvd else 1006] += 1

    alone: list[float] = []
    meanwhile: list[float] = []
    async with connect(process.url, compression=None) as shopper:
        await _hello(shopper)
        for _ in range(30):
            await _ask(shopper, QUESTIONS[0], first_word=alone)
        before = most = await _settled(process)
        crowd = [asyncio.create_task(stranger()) for _ in range(STRANGERS)]
        while not all(each.done() for each in crowd):
            await _ask(shopper, QUESTIONS[0], first_word=meanwhile)
            most = max(most, process.kilobytes())
            await asyncio.sleep(0.1)
        await asyncio.gather(*crowd)
        after = await _settled(process)
    meanwhile.sort()
    return [
        process.name, f"{len(crowd):,}", f"{closed[4408]:,}", *(f"{each / 1024:.0f}" for each in (before, most, after)),
        f"{statistics.median(alone):.1f}", f"{statistics.median(meanwhile):.1f}",
        f"{meanwhile[int(len(meanwhile) * 0.99)]:.1f}",
    ]  # fmt: skip


# --- Turns --------------------------------------------------------------------------------------------------


def _turns(ours: Process, bare: Process, keeping: Process) -> list[Table]:
    """The bare applications say what ours said, word for word."""
    return [_turns_of(question, name, ours, bare, keeping) for name, question in ASKED.items()]


def _turns_of(question: str, name: str, ours: Process, bare: Process, keeping: Process) -> Table:
    said = asyncio.run(_record(ours, question))
    rates: dict[str, list[float]] = {each.name: [] for each in (bare, keeping, ours)}
    for _ in range(ROUNDS):
        for process in random.sample([ours, bare, keeping], 3):
            rates[process.name].append(asyncio.run(_ask_at_once(process, question, said)))
    middle = {process: statistics.median(found) for process, found in rates.items()}
    return Table(
        title=f"Sockets: turns beside bare applications that send the same frames, {name}",
        columns=["", "turns/s", "ours as a share of it"],
        rows=[
            [process, f"{middle[process]:.0f}", f"{middle[ours.name] / middle[process]:.0%}"]
            for process in (bare.name, keeping.name, ours.name)
        ],
        note=f"{SHOPPERS} shoppers ask without a pause, {ROUNDS} rounds in random order, medians. The bare "
        "applications understand and look up nothing; the second one stores question and answer and fills the turn's "
        "stream, as a turn must. The client takes its part of the machine in all rows.",
    )


async def _record(process: Process, question: str) -> list[Frame]:
    async with connect(process.url, compression=None) as socket:
        await _hello(socket)
        return await _ask(socket, question)


async def _ask_at_once(process: Process, question: str, said: list[Frame]) -> float:
    async def shopper() -> None:
        async with connect(process.url, compression=None) as socket:
            await _hello(socket, frames=said)
            for _ in range(TURNS_EACH):
                await _ask(socket, question)

    began = time.perf_counter()
    await asyncio.gather(*(shopper() for _ in range(SHOPPERS)))
    return SHOPPERS * TURNS_EACH / (time.perf_counter() - began)


# --- The first word -----------------------------------------------------------------------------------------


def _first_words(process: Process) -> Table:
    gc.collect()
    rows = []
    for name, pause in PAUSES_S.items():
        times = sorted(asyncio.run(_ask_like_people(process, pause)))
        rows.append(
            [
                f"{PEOPLE} shoppers, {name} after the last answer",
                *(f"{times[int(len(times) * share)]:.1f}" for share in (0.5, 0.9, 0.99)),
            ]
        )
    return Table(
        title="Sockets: from a question to its typing indicator",
        columns=["asking again", "median ms", "p90 ms", "p99 ms"],
        rows=rows,
        note=f"Each asks {ASKED_BY_EACH} times, of one web process. The question is stored before it is acknowledged, "
        "and acknowledged before the indicator.",
    )


async def _ask_like_people(process: Process, pause: tuple[float, float]) -> list[float]:
    times: list[float] = []

    async def person(number: int) -> None:
        dice = random.Random(number)
        async with connect(process.url, compression=None) as socket:
            await _hello(socket)
            for turn in range(ASKED_BY_EACH):
                await asyncio.sleep(dice.uniform(*pause))
                await _ask(socket, QUESTIONS[(number + turn) % len(QUESTIONS)], first_word=times)

    await asyncio.gather(*(person(number) for number in range(PEOPLE)))
    return times


# --- A client -----------------------------------------------------------------------------------------------


async def _hello(socket: ClientConnection, **more: Any) -> None:
    from chat.tokens import Claims, Shopper, issue_token

    token = issue_token(Claims(shopper=Shopper(session_id=uuid.uuid4().hex)))
    hello = {"type": "hello", "v": 1, "token": token, "caps": ["stream", "cards"]} | more
    await socket.send(orjson.dumps(hello).decode())
    while orjson.loads(await socket.recv())["type"] != "ready":
        pass


async def _ask(
    socket: ClientConnection,
    text: str,
    *,
    first_word: list[float] | None = None,
    first_delta: list[float] | None = None,
) -> list[Frame]:
    """The frames from ``accepted`` to ``response``. The milliseconds to the first of the turn go to ``first_word``, the
    clock (``time.perf_counter``) at the first piece of the answer to ``first_delta``.
    """
    question = {"type": "user_message", "client_msg_id": str(uuid.uuid4()), "text": text}
    began = time.perf_counter()
    await socket.send(orjson.dumps(question).decode())
    frames: list[Frame] = []
    while not frames or frames[-1]["type"] != "response":
        frame = orjson.loads(await socket.recv())
        if frame["type"] == "error":
            if not frame["retryable"]:
                raise RuntimeError(frame)
            # SQLite was busy for too long: as a browser does.
            await socket.send(orjson.dumps(question).decode())
        if frame["type"] == "typing_indicator" and frame["seq"] == 1 and first_word is not None:
            first_word.append((time.perf_counter() - began) * 1000)
        if frame["type"] in {"delta", "response"} and first_delta is not None and not first_delta:
            first_delta.append(time.perf_counter())
        if frame["type"] == "accepted" or "seq" in frame:
            frames.append(frame)
    return frames
