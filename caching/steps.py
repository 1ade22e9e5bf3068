"""The policy cache's story is told once, as generators of steps; here are the two ways to perform them.

``perform`` waits in the calling thread (admin, Celery, commands), ``aperform`` on the event loop (consumers,
REST). Both count Redis' failures, and turn them into :class:`~caching.trust.Untrusted` inside the story.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeAlias, TypeVar

import redis

from caching import redis_scripts
from caching.redis_scripts import Script
from caching.registry import Args
from caching.trust import UNAVAILABLE, Untrusted, trust
from mangaassist.dbthreads import in_database
from mangaassist.redis_wire import acall, call

T = TypeVar("T")


class Get(NamedTuple):
    """MGET → a list of bytes or None."""

    keys: list[str]


class Call(NamedTuple):
    """A Lua script → its reply."""

    script: Script
    keys: list[str]
    arguments: tuple[Any, ...]


class Compute(NamedTuple):
    """The caller's own computation → a dict by arguments."""

    wanted: list[Args]


class Blocking(NamedTuple):
    """A function that asks the database."""

    function: Callable[[], Any]


class Pause(NamedTuple):
    seconds: float


class Join(NamedTuple):
    """Waits for another caller's computation → its value; raises what that raised, or ``TimeoutError``."""

    arrival: Future[Any]
    seconds: float


Step: TypeAlias = Get | Call | Compute | Blocking | Pause | Join
Steps: TypeAlias = Generator[Step, Any, T]
ComputeMany: TypeAlias = Callable[[list[Args]], Any]


def perform(steps: Steps[T], compute: ComputeMany) -> T:
    reply: Any = None
    error: BaseException | None = None
    while True:
        try:
            step = steps.send(reply) if error is None else steps.throw(error)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        reply = error = None
        try:
            reply = _do(step, compute)
        except BaseException as raised:
            error = raised


async def aperform(steps: Steps[T], compute: Callable[[list[Args]], Awaitable[Any]]) -> T:
    reply: Any = None
    error: BaseException | None = None
    while True:
        try:
            step = steps.send(reply) if error is None else steps.throw(error)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        reply = error = None
        try:
            reply = await _ado(step, compute)
        except BaseException as raised:
            error = raised


def _do(step: Step, compute: ComputeMany) -> Any:
    if isinstance(step, (Get, Call)):
        try:
            if isinstance(step, Get):
                reply = call("cache", "MGET", *step.keys)
            else:
                reply = redis_scripts.run(step.script, step.keys, *step.arguments)
        except UNAVAILABLE as error:
            if not _is_full(error):
                trust.failed(error)
            raise Untrusted from error
        trust.heard()
        return reply
    if isinstance(step, Compute):
        return compute(step.wanted)
    if isinstance(step, Blocking):
        return step.function()
    if isinstance(step, Pause):
        time.sleep(step.seconds)
        return None
    return step.arrival.result(step.seconds)


def _is_full(error: BaseException) -> bool:
    """Redis has no memory left for another entry; what it has may be read all the same."""
    return isinstance(error, redis.ResponseError) and ("OOM" in str(error) or isinstance(error, redis.OutOfMemoryError))


async def _ado(step: Step, compute: Callable[[list[Args]], Awaitable[Any]]) -> Any:
    if isinstance(step, (Get, Call)):
        try:
            if isinstance(step, Get):
                reply = await acall("cache", "MGET", *step.keys)
            else:
                reply = await redis_scripts.arun(step.script, step.keys, *step.arguments)
        except UNAVAILABLE as error:
            if not _is_full(error):
                trust.failed(error)
            raise Untrusted from error
        trust.heard()
        return reply
    if isinstance(step, Compute):
        return await compute(step.wanted)
    if isinstance(step, Blocking):
        return await in_database(step.function)
    if isinstance(step, Pause):
        await asyncio.sleep(step.seconds)
        return None
    # Shielded: who gives up waiting must not take the others' computation with it.
    async with asyncio.timeout(step.seconds):
        return await asyncio.shield(asyncio.wrap_future(step.arrival))
