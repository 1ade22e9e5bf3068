"""Turns and sockets beside Chainlit, which people take to put a chat before a model: same words, machine and run.

Chainlit lives in an environment of its own (``make peers``; bench/peers.txt), for it brings a hundred packages. Its
client here speaks Engine.IO 4 and Socket.IO 5 as its own page does (socket.io/docs, "The Engine.IO protocol" and "The
Socket.IO protocol").
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from bench.sockets import ALREADY_OPEN, CONNECTING_AT_ONCE, IDLE, Process, _ask, _hello, _open_many
from bench.tables import Table
from bench.turn import QUESTIONS
from tests.mangaassist.running import free_port, until

ROOT = Path(__file__).resolve().parent.parent
CHAINLIT = ROOT / ".venv-peers" / "bin" / "chainlit"
SHOPPERS, TURNS_EACH, ROUNDS = 10, 10, 3
QUESTION = QUESTIONS[1]
# Who has not answered by then is stuck.
PATIENCE_S = 120


class Chainlit(Process):
    def __init__(self, folder: Path, pieces: list[str]) -> None:
        said = folder / "said.json"
        said.write_text(json.dumps(pieces), encoding="utf-8")
        self.name = "Chainlit, streaming the same text"
        self.port = free_port()
        self._process = subprocess.Popen(
            [str(CHAINLIT), "run", str(ROOT / "bench" / "_chainlit_app.py"), "--headless", "--port", str(self.port)],
            cwd=folder,
            env=os.environ | {"SAID": str(said), "CHAINLIT_APP_ROOT": str(folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.url = f"ws://127.0.0.1:{self.port}/ws/socket.io/?EIO=4&transport=websocket"
        until(self._listens, f"{self.name} listens", within_s=180)


class Guest:
    """One open chat: said hello, and asks."""

    hello: Callable[[ClientConnection], Awaitable[None]]
    # The seconds to the first piece of the answer, and to its end.
    ask: Callable[[ClientConnection], Awaitable[tuple[float, float]]]


class OfOurs(Guest):
    @staticmethod
    async def hello(socket: ClientConnection) -> None:
        await _hello(socket)

    @staticmethod
    async def ask(socket: ClientConnection) -> tuple[float, float]:
        began = time.perf_counter()
        first: list[float] = []
        await _ask(socket, QUESTION, first_delta=first)
        return first[0] - began, time.perf_counter() - began


class OfChainlit(Guest):
    @staticmethod
    async def hello(socket: ClientConnection) -> None:
        assert str(await socket.recv()).startswith("0")
        auth = {"sessionId": str(uuid.uuid4()), "clientType": "webapp", "userEnv": "{}", "threadId": ""}
        await socket.send(f"40{json.dumps(auth)}")
        assert str(await socket.recv()).startswith("40")
        await socket.send('42["connection_successful"]')
        await _event(socket, "clear_call_fn")

    @staticmethod
    async def ask(socket: ClientConnection) -> tuple[float, float]:
        message = {"id": str(uuid.uuid4()), "threadId": "", "name": "User", "type": "user_message", "output": QUESTION}
        began = time.perf_counter()
        payload = {"message": message | {"createdAt": "2026-01-01T00:00:00Z"}, "fileReferences": []}
        await socket.send(f"42{json.dumps(['client_message', payload])}")
        await _event(socket, "stream_token", "stream_start")
        first = time.perf_counter() - began
        await _event(socket, "task_end")
        return first, time.perf_counter() - began


async def _event(socket: ClientConnection, *names: str) -> list[Any]:
    while True:
        packet = str(await socket.recv())
        if packet == "2":
            await socket.send("3")
        elif packet.startswith("42") and (event := json.loads(packet[2:]))[0] in names:
            return list(event)


def run() -> list[Table]:
    if not CHAINLIT.exists():
        raise RuntimeError("Chainlit is not installed: `make peers` does it.")
    from django.core.management import call_command

    with open(os.devnull, "w") as nowhere:
        call_command("import_catalog", str(ROOT / "shop" / "demo" / "demo.jsonl.gz"), stdout=nowhere)
        call_command("train_recommender", stdout=nowhere)
    with _processes() as contestants:
        idle = _idle(contestants)
        return [_turns(contestants), idle]


@contextmanager
def _processes() -> Iterator[list[tuple[Process, type[Guest]]]]:
    ours = Process("MangaAssist: understood, looked up live, guarded, stored", "mangaassist.server")
    with tempfile.TemporaryDirectory(prefix="ma-chainlit-") as folder:
        chainlit = None
        try:
            chainlit = Chainlit(Path(folder), asyncio.run(_pieces(ours)))
            yield [(chainlit, OfChainlit), (ours, OfOurs)]
        finally:
            ours.stop()
            if chainlit is not None:
                chainlit.stop()


async def _pieces(ours: Process) -> list[str]:
    """Our answer to the question as it was streamed."""
    async with connect(ours.url, compression=None) as socket:
        await _hello(socket)
        frames = await _ask(socket, QUESTION)
        pieces = [str(frame["text"]) for frame in frames if frame["type"] == "delta"]
        sys.stderr.write(f"bench: an answer of {len(pieces)} pieces\n")
        return pieces or [str(frames[-1]["content"])]


def _turns(contestants: list[tuple[Process, type[Guest]]]) -> Table:
    rates: dict[str, list[float]] = {process.name: [] for process, _ in contestants}
    firsts: dict[str, list[float]] = {process.name: [] for process, _ in contestants}
    ends: dict[str, list[float]] = {process.name: [] for process, _ in contestants}
    for number in range(ROUNDS + 1):
        for process, guest in random.sample(contestants, len(contestants)):
            began = time.perf_counter()
            times = asyncio.run(_ask_all(process, guest))
            if number:  # The first round warms up.
                rates[process.name].append(len(times) / (time.perf_counter() - began))
                firsts[process.name] += [first for first, _ in times]
                ends[process.name] += [end for _, end in times]
    return Table(
        title="Beside Chainlit: turns",
        columns=["", "turns/s", "first words ms", "whole answer ms"],
        rows=[
            [
                name,
                f"{statistics.median(rates[name]):.0f}",
                f"{statistics.median(firsts[name]) * 1000:.0f}",
                f"{statistics.median(ends[name]) * 1000:.0f}",
            ]
            for name in rates
        ],
        note=f"{SHOPPERS} shoppers ask one process without a pause, {ROUNDS} rounds in random order, medians. Chainlit "
        "(without a data layer: it forgets what was said when it ends) is given the answer and only streams it; ours "
        "is the whole turn with a live price, kept in the database before it is acknowledged. The difference is what "
        "the answer costs, not the sockets.",
    )


async def _ask_all(process: Process, guest: type[Guest]) -> list[tuple[float, float]]:
    async def shopper() -> list[tuple[float, float]]:
        async with connect(process.url, compression=None, max_size=None) as socket:
            await guest.hello(socket)
            return [await guest.ask(socket) for _ in range(TURNS_EACH)]

    async with asyncio.timeout(PATIENCE_S):
        found = await asyncio.gather(*(shopper() for _ in range(SHOPPERS)))
    return [each for times in found for each in times]


def _idle(contestants: list[tuple[Process, type[Guest]]]) -> Table:
    return Table(
        title="Beside Chainlit: idle sockets",
        columns=["", "KB per idle socket", "connects/s"],
        rows=[
            asyncio.run(_open_many(process, guest.hello, before=ALREADY_OPEN, many=IDLE))
            for process, guest in contestants
        ],
        note=f"{IDLE:,} open chats beside {ALREADY_OPEN} that were open before, {CONNECTING_AT_ONCE} at a time; ours "
        "store a conversation each. Chainlit's client and server exchange pings every 25 s, as ours do every 20 s.",
    )
