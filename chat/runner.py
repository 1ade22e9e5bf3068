"""Runs turns as tasks of this process and tells everyone who listens to the conversation.

A turn belongs to nobody's socket: a disconnect does not end it, only ``stop`` or its deadline does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from django.conf import settings

from chat.events import Event, Frame, Response, TypingIndicator, frame_of
from chat.handoff import HandoffState
from chat.phrases import say
from chat.records import sign_of_life
from chat.turn import Draft, TurnInput, end_turn, new_draft, run_turn
from mangaassist.dbthreads import in_database

log = structlog.get_logger(__name__)

# A slow turn says so, once each, as long as nothing of its answer has been released.
SLOW_AFTER_S = ((3.0, "typing.slow"), (8.0, "typing.slower"))
SIGN_OF_LIFE_S = 3.0
# A reader that comes back this soon gets the very frames that it missed.
KEPT_AFTER_END_S = 60.0
# Frames that a listener may lag behind before it is let go; it comes back and resumes.
LISTENER_FRAMES = 512


@dataclass(eq=False)
class Listener:
    """One reader of a conversation's frames. ``None`` in the queue: it was too slow and is let go.

    ``seen``: the last message (its row) that it was told, None for one that the doorbell tells nothing; ``handoff``
    and ``handoff_at``: the state that it was told last, and when (the loop's time); ``asking``: its own wish for a
    handoff is under way, and will be answered first.
    """

    queue: asyncio.Queue[Frame | None] = field(default_factory=lambda: asyncio.Queue(LISTENER_FRAMES))
    lost: bool = False
    seen: int | None = None
    handoff: HandoffState = field(default_factory=HandoffState)
    handoff_at: float = 0.0
    asking: bool = False

    def tell(self, frame: Frame) -> None:
        if self.lost:
            return
        try:
            self.queue.put_nowait(frame)
        except asyncio.QueueFull:
            self.lost = True
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(None)


@dataclass(eq=False)
class RunningTurn:
    """A turn of this process: its frames so far (``seq`` = place + 1) and its task."""

    turn: TurnInput
    draft: Draft
    frames: list[Frame] = field(default_factory=list)
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: bool = False
    task: asyncio.Task[None] | None = None


class TurnRunner:
    """The running turns of this process, in order per conversation, and the listeners of their conversations."""

    def __init__(self) -> None:
        self._turns: dict[str, RunningTurn] = {}
        self._last: dict[str, RunningTurn] = {}
        self._listeners: dict[str, set[Listener]] = {}

    # --- Listening

    def listen(self, conversation_id: str, listener: Listener) -> None:
        self._listeners.setdefault(conversation_id, set()).add(listener)

    def leave(self, conversation_id: str, listener: Listener) -> None:
        listeners = self._listeners.get(conversation_id, set())
        listeners.discard(listener)
        if not listeners:
            self._listeners.pop(conversation_id, None)

    def listeners(self, conversation_id: str) -> tuple[Listener, ...]:
        return tuple(self._listeners.get(conversation_id, ()))

    def tell(self, conversation_id: str, frame: Frame, *, but: Listener | None = None) -> None:
        for listener in self.listeners(conversation_id):
            if listener is not but:
                listener.tell(frame)

    # --- Turns

    def start(self, turn: TurnInput) -> RunningTurn:
        """Starts a turn; a newer question of the same conversation waits for the older one's answer."""
        running = RunningTurn(turn, new_draft(turn))
        before = self._last.get(turn.conversation_id)
        self._turns[turn.turn_id] = self._last[turn.conversation_id] = running
        running.task = asyncio.create_task(self._run(running, before), name=f"turn-{turn.turn_id}")
        return running

    def find(self, turn_id: str) -> RunningTurn | None:
        """A turn of this process, running or ended less than ``KEPT_AFTER_END_S`` ago."""
        return self._turns.get(turn_id)

    def active(self, conversation_id: str) -> list[RunningTurn]:
        """The unfinished turns of a conversation in this process, oldest first."""
        return [
            running
            for running in self._turns.values()
            if running.turn.conversation_id == conversation_id and not running.finished.is_set()
        ]

    def stop(self, turn_id: str, conversation_id: str) -> bool:
        """Ends a turn at the shopper's wish. False when it is not this conversation's, or over."""
        running = self._turns.get(turn_id)
        if running is None or running.turn.conversation_id != conversation_id or running.finished.is_set():
            return False
        assert running.task is not None
        if not running.stopping:
            running.stopping = True
            running.task.cancel()
        return True

    async def drain(self, timeout_s: float) -> None:
        """Waits for the running turns, at a process's end; what is left is ended as failed and retryable."""
        tasks = [t.task for t in self._turns.values() if t.task is not None and not t.finished.is_set()]
        if not tasks:
            return
        _, pending = await asyncio.wait(tasks, timeout=timeout_s)
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending, timeout=2)

    # --- One turn's life

    async def _run(self, running: RunningTurn, before: RunningTurn | None) -> None:
        turn = running.turn
        try:
            async with asyncio.timeout(settings.TURN_LIMITS_S["turn"]):
                await self._tell_events(running, before)
        except asyncio.CancelledError:
            await self._end_early(running, "stopped" if running.stopping else "failed")
        except TimeoutError:
            running.draft.trace.note("turn_deadline")
            await self._end_early(running, "failed")
        except Exception:  # Whatever broke: the shopper gets an answer, the log the reason.
            log.exception("turn_failed", turn=turn.turn_id)
            running.draft.trace.note("turn_failed")
            await self._end_early(running, "failed")
        finally:
            running.finished.set()
            asyncio.get_running_loop().call_later(KEPT_AFTER_END_S, self._turns.pop, turn.turn_id, None)
            if self._last.get(turn.conversation_id) is running:
                del self._last[turn.conversation_id]

    async def _tell_events(self, running: RunningTurn, before: RunningTurn | None) -> None:
        events = run_turn(running.turn, running.draft)
        slow = asyncio.create_task(self._say_when_slow(running))
        try:
            self._publish(running, await anext(events))
            if before is not None:
                await before.finished.wait()
                running.draft.after_turn = before.turn.turn_id
            async for event in events:
                self._publish(running, event)
        finally:
            slow.cancel()
            with suppress(asyncio.CancelledError):
                await slow
            await _close(events)

    async def _say_when_slow(self, running: RunningTurn) -> None:
        """Honest words at about 3 and 8 seconds, and a sign of life for other processes."""
        waited = 0.0
        due = list(SLOW_AFTER_S)
        while True:
            pause = min(SIGN_OF_LIFE_S, due[0][0] - waited) if due else SIGN_OF_LIFE_S
            await asyncio.sleep(pause)
            waited += pause
            if due and waited >= due[0][0]:
                _, phrase = due.pop(0)
                if not any(frame["type"] == "delta" for frame in running.frames):
                    self._publish(running, TypingIndicator(say(running.draft.language, phrase)))
            with suppress(Exception):  # A missed sign of life is made up by the next.
                await in_database(sign_of_life, running.turn.turn_id)

    async def _end_early(self, running: RunningTurn, status: str) -> None:
        try:
            response = await end_turn(running.turn, running.draft, status)
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
        self._publish(running, response)

    def _publish(self, running: RunningTurn, event: Event) -> None:
        frame = frame_of(event, running.turn.turn_id, len(running.frames) + 1)
        running.frames.append(frame)
        self.tell(running.turn.conversation_id, frame)


async def _close(events: AsyncIterator[Event]) -> None:
    close = getattr(events, "aclose", None)
    if close is not None:
        await close()


runner = TurnRunner()
