"""Follows a turn that another process runs: its frames from the stream, its end from the database, its orphan taken.

Redis may be down and rings may be lost: the stream is read once in a while as well, and the row is looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from chat import turn_stream
from chat.audience import ToldTurn
from chat.events import Frame
from chat.leases import look_at, take_over
from chat.models import Message, Turn
from chat.transcripts import response_frame
from chat.turn import TurnInput
from chat.turn_stream import StreamUnavailable
from mangaassist.dbthreads import in_database
from mangaassist.doorbell import Ring, hearing
from mangaassist.instruments import turns_taken_over

log = structlog.get_logger(__name__)
# How often the stream is read unasked, and the row looked at.
READ_EVERY_S = 0.5
LOOK_EVERY_S = 1.0
# What was stored is in the stream a moment later: so long its exact frames are waited for.
STREAM_LAG_S = 1.5


class Following:
    """One turn, followed until its end is told here or it is taken over."""

    def __init__(self, told: ToldTurn, run: Callable[[TurnInput, ToldTurn], object]) -> None:
        """``run`` answers the question in this process, after what was told."""
        self._told = told
        self._run = run
        self._rung = asyncio.Event()
        # The first reading is done: what a returning socket is told at once.
        self.read = asyncio.Event()

    async def follow(self) -> None:
        ears = hearing("streams")
        bell = turn_stream.bell_of(self._told.turn_id)
        ears.listen(bell, self._heard)
        try:
            await self._follow()
        finally:
            self.read.set()
            ears.leave(bell, self._heard)

    def _heard(self, heard: Ring) -> None:
        self._rung.set()

    async def _follow(self) -> None:
        clock = asyncio.get_running_loop().time
        look_at_ = clock()
        ended_at: float | None = None
        while True:
            self._rung.clear()
            readable = await self._read_stream()
            if self._told.finished.is_set():
                return
            self.read.set()
            if clock() >= look_at_:
                look_at_ = clock() + LOOK_EVERY_S
                try:
                    seen = await in_database(look_at, self._told.turn_id)
                    if seen.abandoned and await self._take_over():
                        return
                    if not seen.running and ended_at is None:
                        ended_at = clock()
                    if ended_at is not None and (not readable or clock() - ended_at >= STREAM_LAG_S):
                        await self._tell_stored_end()
                        return
                except Exception:  # The database is down or busy: the next look finds the same.
                    log.exception("turn_not_looked_at", turn=self._told.turn_id)
            with suppress(TimeoutError):
                async with asyncio.timeout(READ_EVERY_S):
                    await self._rung.wait()

    async def _read_stream(self) -> bool:
        """Tells what is new in the stream. False when it cannot be read."""
        try:
            frames = await turn_stream.read(self._told.turn_id, len(self._told.frames))
        except StreamUnavailable:
            return False
        for frame in frames:
            if frame["seq"] == len(self._told.frames) + 1 and not self._told.finished.is_set():
                self._told.tell(frame)
        return True

    async def _take_over(self) -> bool:
        turn = await in_database(take_over, self._told.turn_id)
        if turn is None:
            return False
        turns_taken_over.inc()
        log.warning("turn_taken_over", turn=turn.turn_id, attempt=turn.attempt)
        # From here on the other's late words are refused: what the stream holds now is all that was said before.
        with suppress(StreamUnavailable, turn_stream.Superseded):
            await turn_stream.append(turn.turn_id, turn.attempt, len(self._told.frames) + 1, [])
        await self._read_stream()
        self._run(turn, self._told)
        return True

    async def _tell_stored_end(self) -> None:
        frame = await in_database(_stored_end, self._told.turn_id, len(self._told.frames) + 1)
        if frame is None:  # The conversation was deleted.
            self._told.give_up()
        else:
            self._told.tell(frame)


async def read_ended(turn_id: str, conversation_id: str) -> ToldTurn:
    """A turn that has ended, for one reader: nobody else is told of it again."""
    frames = await turn_stream.read_whole(turn_id)
    if not frames:
        end = await in_database(_stored_end, turn_id, 1)
        frames = [end] if end else []
    told = ToldTurn(turn_id, conversation_id, frames)
    told.finished.set()
    return told


def _stored_end(turn_id: str, seq: int) -> Frame | None:
    turn = Turn.objects.filter(pk=turn_id).select_related("conversation").first()
    answer = turn.messages.filter(role=Message.Role.ASSISTANT).select_related("turn").first() if turn else None
    return response_frame(turn.conversation, answer, seq) if turn and answer else None
