"""Shoppers who ask, lose their sockets and come back to another web process, while everything under them is killed."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import redis
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from tests.journeys.web_processes import Frame, Shop, Web

# What a client sees of a process that is just going, or not quite there again.
LOST = (ConnectionClosed, InvalidHandshake, InvalidMessage, OSError, TimeoutError)
LONGEST_WAIT_S = 120.0


@dataclass
class Outcome:
    """What all shoppers saw. ``faults``: frames out of order, twice or missing, answers that did not come."""

    answered: int = 0
    again: int = 0
    resumed: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class HavocShopper:
    """One shopper with one conversation; each question is asked until it is acknowledged, then awaited wherever."""

    def __init__(self, shop: Shop, dice: random.Random, outcome: Outcome) -> None:
        self._shop = shop
        self._dice = dice
        self._outcome = outcome
        self._token = ""
        self._conversation_id = ""
        self._turn_id = ""
        self._frames: list[Frame] = []
        self._client_msg_id = ""
        self._asked: set[str] = set()
        self._accepted = False
        self._answer: Frame | None = None

    async def ask(self, questions: int) -> None:
        left = questions
        while left:
            try:
                async with asyncio.timeout(LONGEST_WAIT_S):
                    left = await self._converse(left)
            except TimeoutError:
                self._outcome.faults.append(f"no answer: {self._client_msg_id}, turn {self._turn_id}")
                return

    async def _converse(self, left: int) -> int:
        """On one socket, as long as it holds → the questions that are left."""
        web = self._dice.choice(self._shop.webs)
        try:
            if not self._token:
                self._token = await _token_of(web)
            async with connect(f"ws://127.0.0.1:{web.port}/ws/chat/", close_timeout=0.2) as socket:
                hello: dict[str, Any] = {"type": "hello", "v": 1, "token": self._token, "caps": ["stream", "cards"]}
                if self._conversation_id:
                    hello["conversation_id"] = self._conversation_id
                if self._accepted and self._answer is None:
                    hello["resume"] = {"turn_id": self._turn_id, "after_seq": len(self._frames)}
                    self._outcome.resumed += 1
                await socket.send(orjson.dumps(hello).decode())
                is_ready = False
                while left:
                    if self._answer is not None:
                        left -= 1
                        self._finish()
                        if self._dice.random() < 0.1:
                            return left
                    elif is_ready and not self._client_msg_id:
                        await self._send_question(socket)
                    else:
                        frame: Frame = orjson.loads(await socket.recv())
                        self._hear(frame)
                        is_ready = is_ready or frame["type"] == "ready"
                        if frame["type"] in {"ready", "error"} and self._client_msg_id and not self._accepted:
                            self._outcome.again += 1
                            await self._send_question(socket)
                        elif self._frames and self._answer is None and self._dice.random() < 0.05:
                            # It drops in the middle, for no reason.
                            return left
        except LOST:
            await asyncio.sleep(0.2)
        return left

    async def _send_question(self, socket: Any) -> None:
        self._client_msg_id = self._client_msg_id or str(uuid.uuid4())
        self._asked.add(self._client_msg_id)
        question = {"type": "user_message", "client_msg_id": self._client_msg_id, "text": "hello"}
        await socket.send(orjson.dumps(question).decode())

    def _hear(self, frame: Frame) -> None:
        match frame["type"]:
            case "token":
                self._token = frame["token"]
            case "ready":
                self._conversation_id = frame["conversation_id"]
                said = {message.get("client_msg_id", "") for message in frame["messages"] if message["role"] == "user"}
                if foreign := said - self._asked:
                    self._outcome.faults.append(f"questions of somebody else: {foreign}")
                for message in frame["messages"]:
                    if message.get("client_msg_id") == self._client_msg_id and self._client_msg_id:
                        self._accepted, self._turn_id = True, message["turn_id"]
                for message in frame["messages"]:
                    # It ended before its acknowledgement was heard: history has the answer.
                    if message["role"] == "assistant" and message["turn_id"] == self._turn_id and self._turn_id:
                        self._answer = message
            case "accepted" if frame["client_msg_id"] == self._client_msg_id:
                self._accepted, self._turn_id = True, frame["turn_id"]
            case _ if "seq" in frame:
                self._hear_turn(frame)

    def _hear_turn(self, frame: Frame) -> None:
        if self._turn_id and frame["turn_id"] != self._turn_id:
            self._outcome.faults.append(f"a frame of another turn: {frame}")
            return
        # The frames of a question whose acknowledgement was lost may come before it is sent again.
        self._turn_id = frame["turn_id"]
        self._frames.append(frame)
        if frame["seq"] != len(self._frames):
            self._outcome.faults.append(f"seq {frame['seq']} in place {len(self._frames)} of turn {self._turn_id}")
        if frame["type"] == "response":
            self._answer = frame

    def _finish(self) -> None:
        assert self._answer is not None
        self._outcome.answered += 1
        self._outcome.statuses[self._answer["status"]] += 1
        self._turn_id, self._client_msg_id, self._frames = "", "", []
        self._accepted, self._answer = False, None


async def _token_of(web: Web) -> str:
    async with httpx.AsyncClient() as client:
        try:
            answer = await client.post(f"http://127.0.0.1:{web.port}/widget/v1/token", json={}, timeout=20)
            # Told to come back (the database was locked for too long) is lost like the socket.
            return str(answer.raise_for_status().json()["token"])
        except httpx.HTTPError as error:
            raise OSError(str(error)) from error


class SocketHavoc:
    """Kills subscriptions all the time, and now and then a web process or Redis, until it is left."""

    def __init__(self, shop: Shop, dice: random.Random, *, webs_every_s: float, redis_every_s: float) -> None:
        self.killed: Counter[str] = Counter()
        self._shop = shop
        self._dice = dice
        self._webs_every_s = webs_every_s
        self._redis_every_s = redis_every_s

    async def __aenter__(self) -> SocketHavoc:
        self._tasks = [
            asyncio.create_task(work()) for work in (self._kill_subscriptions, self._kill_webs, self._restart_redis)
        ]
        return self

    async def __aexit__(self, *exc: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._mend)

    async def _kill_subscriptions(self) -> None:
        client = self._shop.streams()
        while True:
            with suppress(redis.RedisError, OSError):
                killed = await asyncio.to_thread(client.execute_command, "CLIENT", "KILL", "TYPE", "pubsub")
                self.killed["subscription"] += int(killed)
            await asyncio.sleep(0.15)

    async def _kill_webs(self) -> None:
        while True:
            await asyncio.sleep(self._dice.uniform(0.5, 1.5) * self._webs_every_s)
            web = self._dice.choice(self._shop.webs)
            web.kill()
            await asyncio.to_thread(web.process.wait)
            self.killed["web process"] += 1
            web.start()
            await asyncio.to_thread(web.wait_ready)

    async def _restart_redis(self) -> None:
        while True:
            await asyncio.sleep(self._dice.uniform(0.5, 1.5) * self._redis_every_s)
            server = self._shop.redis
            assert server.process is not None
            server.process.kill()
            await asyncio.to_thread(server.process.wait)
            self.killed["Redis"] += 1
            await asyncio.sleep(self._dice.uniform(0, 1))
            await asyncio.to_thread(server.start)

    def _mend(self) -> None:
        if self._shop.redis.process is None or self._shop.redis.process.poll() is not None:
            self._shop.redis.start()
        for web in self._shop.webs:
            if web.process.poll() is not None:
                web.start()


# One line of JSON: how often each question and its answer are stored.
COUNTS = """
import django, json
django.setup()
from django.db.models import Count
from chat.models import Message, Turn
questions = Message.objects.filter(role="user")
twice = Turn.objects.filter(messages__role="assistant").annotate(n=Count("messages")).filter(n__gt=1).count()
print(json.dumps({
    "questions": questions.count(),
    "answers": Message.objects.filter(role="assistant").count(),
    "answered_twice": twice,
    "running": Turn.objects.running().count(),
    "taken_over": Turn.objects.filter(attempt__gt=1).count(),
}))
"""


async def converse(shop: Shop, havoc: SocketHavoc, *, shoppers: int, questions: int, seed: int) -> Outcome:
    """``shoppers`` ask ``questions`` each at the same time, while ``havoc`` rages."""
    outcome = Outcome()
    async with havoc:
        await asyncio.gather(
            *(HavocShopper(shop, random.Random(seed + each), outcome).ask(questions) for each in range(shoppers))
        )
    return outcome


def counts(shop: Shop) -> dict[str, int]:
    found: dict[str, int] = orjson.loads(shop.run(COUNTS).splitlines()[-1])
    return found
