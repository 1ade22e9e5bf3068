"""Runs turns as tasks of this process and follows those of others; everybody who reads their conversations is told.

A turn belongs to nobody's socket: a disconnect does not end it, only ``stop`` or its deadline does. Its frames go to
this process's own readers at once, and through the turn's stream to all others; Redis delays nobody.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from django.conf import settings

from chat import turn_stream
from chat.audience import ToldTurn
from chat.events import Card, Delta, Event, Response, TypingIndicator, frame_of
from chat.following import Following
from chat.leases import sign_of_life
from chat.phrases import say
from chat.room import Room
from chat.signals import BELL
from chat.turn import Draft, TurnInput, TurnLost, end_turn, new_draft, run_turn
from chat.turn_stream import StreamUnavailable, Superseded
from mangaassist import instruments
from mangaassist.correlation import correlated
from mangaassist.dbthreads import in_database
from mangaassist.doorbell import Ring, hearing
from mangaassist.tracing import turn_traced

log = structlog.get_logger(__name__)

# A slow turn says so, once each, as long as nothing of its answer has been released.
SLOW_AFTER_S = ((3.0, "typing.slow"), (8.0, "typing.slower"))
# And again and again while it waits or works: a reader who hears nothing for long takes it for lost.
STILL_SLOW_EVERY_S = 20.0
SIGN_OF_LIFE_S = 2.0
# A reader that comes back this soon gets the very frames that it missed without Redis.
KEPT_AFTER_END_S = 60.0
# A stream that cannot be written is tried again, until its readers have long taken the answer from the database.
STREAM_RETRY_S = 0.3
STREAM_GIVEN_UP_S = 20.0
# What a question waits at most for the answers before it; its own time begins after that.
QUEUE_LIMIT_S = 120.0
# What a socket that comes back waits at most for another process's frames.
FIRST_READ_S = 1.0


@dataclass(eq=False)
class RunningTurn:
    """A turn of this process. ``quietly``: its pieces were told by a process that died; only its end is told now."""

    turn: TurnInput
    draft: Draft
    told: ToldTurn
    quietly: bool = False
    stopping: bool = False
    lost: bool = False
    # Of time.perf_counter().
    began: float = field(default_factory=time.perf_counter)
    # Set when there are frames that the stream does not have.
    unsent: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class TurnRunner:
    """The running and followed turns of this process, and those that ended lately."""

    def __init__(self) -> None:
        self._told: dict[str, ToldTurn] = {}
        self._running: dict[str, RunningTurn] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.room = Room()
        # Set at the process's end: no turn is begun any more.
        self.draining = False

    # --- Turns

    def start(self, turn: TurnInput, told: ToldTurn | None = None) -> ToldTurn:
        """Starts a turn; a newer question of the same conversation waits for the older one's answer.

        ``told``: what was told of it by a process that died.
        """
        told = told or ToldTurn(turn.turn_id, turn.conversation_id)
        quietly = any(frame["type"] in {"delta", "card"} for frame in told.frames)
        running = RunningTurn(turn, new_draft(turn), told, quietly)
        self._told[turn.turn_id] = told
        self._running[turn.turn_id] = running
        # Tasks take the context along in which they are begun.
        with correlated(turn.correlation, turn=turn.turn_id):
            running.task = self._begin(self._run(running), f"turn-{turn.turn_id}")
            self._begin(self._write_stream(running), f"turn-stream-{turn.turn_id}")
        return told

    async def follow(self, turn_id: str, conversation_id: str) -> ToldTurn:
        """A turn that runs, here or in another process, with what is known of it by now."""
        told = self._told.get(turn_id)
        if told is not None:
            return told
        self._told[turn_id] = told = ToldTurn(turn_id, conversation_id)
        following = self._follow(told)
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_READ_S):
                await following.read.wait()
        return told

    def _follow(self, told: ToldTurn) -> Following:
        following = Following(told, self.start)

        async def follow() -> None:
            try:
                await following.follow()
            finally:
                if told.finished.is_set():
                    self._forget_later(told)
                elif told.turn_id not in self._running:  # It broke off: whoever asks next begins anew.
                    self._told.pop(told.turn_id, None)

        self._begin(follow(), f"following-{told.turn_id}")
        return following

    def find(self, turn_id: str) -> ToldTurn | None:
        """A turn that runs here, is followed here, or ended here less than ``KEPT_AFTER_END_S`` ago."""
        return self._told.get(turn_id)

    def active(self, conversation_id: str) -> list[ToldTurn]:
        """The unfinished turns of a conversation that are known here, oldest first."""
        return [
            told
            for told in self._told.values()
            if told.conversation_id == conversation_id and not told.finished.is_set()
        ]

    def stop(self, turn_id: str, conversation_id: str) -> bool:
        """Ends a turn at the shopper's wish. False when it does not run here in this conversation."""
        running = self._running.get(turn_id)
        if running is None or running.turn.conversation_id != conversation_id or running.told.finished.is_set():
            return False
        assert running.task is not None
        if not running.stopping:
            running.stopping = True
            running.task.cancel()
        return True

    async def drain(self, timeout_s: float) -> None:
        """Waits for the running turns, at a process's end; what is left is ended as failed and retryable."""
        self.draining = True
        clock = asyncio.get_running_loop().time
        until = clock() + timeout_s
        # Again, for a turn may be taken over meanwhile.
        while (tasks := self._turn_tasks()) and clock() < until:
            await asyncio.wait(tasks, timeout=until - clock())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=2)
        writers = [task for task in self._tasks if task.get_name().startswith("turn-stream-")]
        if writers:
            await asyncio.wait(writers, timeout=1)

    def count(self) -> int:
        """Turns that run here."""
        return len(self._running)

    def conversations(self) -> set[str]:
        """Those that have a turn running here."""
        return {running.turn.conversation_id for running in self._running.values()}

    def _turn_tasks(self) -> list[asyncio.Task[None]]:
        return [running.task for running in self._running.values() if running.task is not None]

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _forget_later(self, told: ToldTurn) -> None:
        asyncio.get_running_loop().call_later(KEPT_AFTER_END_S, self._told.pop, told.turn_id, None)

    # --- One turn's life

    async def _run(self, running: RunningTurn) -> None:
        turn = running.turn

        def heard(ring: Ring) -> None:
            if ring.said.get("stop") == turn.turn_id:
                self.stop(turn.turn_id, turn.conversation_id)

        hearing().listen(BELL, heard)
        try:
            async with asyncio.timeout(QUEUE_LIMIT_S) as deadline:
                with turn_traced(turn.turn_id, turn.conversation_id, turn.attempt):
                    await self._tell_events(running, deadline)
        except TurnLost:
            running.lost = True
        except asyncio.CancelledError:
            if not running.lost:
                await self._end_early(running, "stopped" if running.stopping else "failed")
        except TimeoutError:
            running.draft.trace.note("turn_deadline")
            await self._end_early(running, "failed")
        except Exception:  # Whatever broke: the shopper gets an answer, the log the reason.
            log.exception("turn_failed", turn=turn.turn_id)
            running.draft.trace.note("turn_failed")
            await self._end_early(running, "failed")
        finally:
            hearing().leave(BELL, heard)
            del self._running[turn.turn_id]
            running.unsent.set()
            if running.lost:
                instruments.turns_lost.inc()
                log.warning("turn_lost", turn=turn.turn_id, attempt=turn.attempt)
                self._follow(running.told)
            else:
                running.told.finished.set()
                self._forget_later(running.told)

    async def _tell_events(self, running: RunningTurn, deadline: asyncio.Timeout) -> None:
        """``deadline`` is the queues', and from the moment when the work begins the turn's own."""
        events = run_turn(running.turn, running.draft)
        beside = asyncio.create_task(self._keep_alive(running))
        try:
            self._tell(running, await anext(events))
            instruments.first_frame_seconds.observe(time.perf_counter() - running.began)
            if running.turn.waits_for:
                before = await self.follow(running.turn.waits_for, running.turn.conversation_id)
                await before.finished.wait()
                running.draft.after_turn = before.turn_id
                running.draft.trace.begin()
            async with self.room.for_turn():
                deadline.reschedule(asyncio.get_running_loop().time() + settings.TURN_LIMITS_S["turn"])
                async for event in events:
                    self._tell(running, event)
        finally:
            beside.cancel()
            with suppress(asyncio.CancelledError):
                await beside
            await _close(events)

    async def _keep_alive(self, running: RunningTurn) -> None:
        """Honest words at about 3 and 8 seconds, and the signs of life that keep the turn ours."""
        waited = told_at = 0.0
        due = list(SLOW_AFTER_S)
        while True:
            pause = min(SIGN_OF_LIFE_S, due[0][0] - waited) if due else SIGN_OF_LIFE_S
            await asyncio.sleep(pause)
            waited += pause
            phrase = ""
            if due and waited >= due[0][0]:
                _, phrase = due.pop(0)
            elif not due and waited - told_at >= STILL_SLOW_EVERY_S:
                phrase = SLOW_AFTER_S[-1][1]
            if phrase:
                told_at = waited
                if not any(frame["type"] == "delta" for frame in running.told.frames):
                    self._tell(running, TypingIndicator(say(running.draft.language, phrase)))
            with suppress(Exception):  # A missed sign of life is made up by the next.
                sign = await in_database(sign_of_life, running.turn.turn_id, running.turn.attempt)
                if sign.stopping:
                    self.stop(running.turn.turn_id, running.turn.conversation_id)
                elif not sign.mine:
                    self._lose(running)

    def _lose(self, running: RunningTurn) -> None:
        """Another process has taken it over: this one was silent for too long."""
        assert running.task is not None
        if not running.lost:
            running.lost = True
            running.task.cancel()

    async def _end_early(self, running: RunningTurn, status: str) -> None:
        try:
            response = await end_turn(running.turn, running.draft, status)
        except TurnLost:
            running.lost = True
            return
        except Exception:  # The database is down too: the shopper hears it, the row is failed later.
            log.exception("turn_not_stored", turn=running.turn.turn_id)
            response = Response(
                content=say(running.draft.language, "failed.turn"),
                message_id=running.draft.message_id,
                cards=(),
                quick_replies=(),
                citations=(),
                status="failed",
                retryable=True,
            )
        self._tell(running, response)

    def _tell(self, running: RunningTurn, event: Event) -> None:
        if running.lost or (running.quietly and isinstance(event, (Delta, Card))):
            return
        running.told.tell(frame_of(event, running.turn.turn_id, len(running.told.frames) + 1))
        running.unsent.set()

    async def _write_stream(self, running: RunningTurn) -> None:
        """Everything that is told, in order, in as few calls as come about; again from memory what Redis lost."""
        told, turn = running.told, running.turn
        written = 0
        failing_since: float | None = None
        clock = asyncio.get_running_loop().time
        while not (running.lost or (told.finished.is_set() and written == len(told.frames))):
            await running.unsent.wait()
            running.unsent.clear()
            while written < len(told.frames):
                frames = [orjson.dumps(frame) for frame in told.frames[written:]]
                try:
                    written = await turn_stream.append(turn.turn_id, turn.attempt, written + 1, frames)
                    failing_since = None
                except Superseded:
                    self._lose(running)
                    return
                except StreamUnavailable:
                    failing_since = failing_since or clock()
                    if told.finished.is_set() and clock() - failing_since > STREAM_GIVEN_UP_S:
                        return
                    await asyncio.sleep(STREAM_RETRY_S)


async def _close(events: AsyncIterator[Event]) -> None:
    close = getattr(events, "aclose", None)
    if close is not None:
        await close()


runner = TurnRunner()
