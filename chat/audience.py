"""Who is told what: the readers of a conversation in this process, and the frames of a turn as they are told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from chat.events import Frame
from chat.handoff import HandoffState

# Frames that a listener may lag behind before it is let go; it comes back and resumes.
LISTENER_FRAMES = 512
# Messages and ended turns that a listener remembers to have been told: more than can come in chat.doorbell.LATELY.
REMEMBERED = 128


@dataclass(eq=False)
class Listener:
    """One reader of a conversation's frames. ``None`` in the queue: it was too slow and is let go.

    ``seen``: the last message (its row) that it was told, None for one that the doorbell tells nothing; ``handoff``
    and ``handoff_at``: the state that it was told last, and when (the loop's time); ``asking``: its own wish for a
    handoff is under way, and will be answered first. ``asked``: ids (lower case) of its own questions that are being
    stored. ``opinions``: message → the opinion on it that this reader gave or was told last; ``opined_at``: when (the
    loop's time), infinite while its own is being stored.
    """

    queue: asyncio.Queue[Frame | None] = field(default_factory=lambda: asyncio.Queue(LISTENER_FRAMES))
    lost: bool = False
    seen: int | None = None
    handoff: HandoffState = field(default_factory=HandoffState)
    handoff_at: float = 0.0
    asking: bool = False
    asked: set[str] = field(default_factory=set)
    opinions: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    opined_at: float = 0.0
    # Turn → the ``seq`` that it was told last; and messages and turns that it has been told wholly.
    cursors: dict[str, int] = field(default_factory=dict)
    told: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def tell(self, frame: Frame) -> None:
        """A message, a frame of a turn and an opinion are told once, whoever brings them how often."""
        if self.lost:
            return
        if "seq" in frame:
            if (due := self._due(frame)) is None:
                return
            frame = due
        elif (frame["type"] == "message" and not self._is_news(frame)) or (
            frame["type"] == "feedback" and not self._is_another_opinion(frame)
        ):
            return
        try:
            self.queue.put_nowait(frame)
        except asyncio.QueueFull:
            self.lost = True
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(None)

    def _is_news(self, message: Frame) -> bool:
        if message["message_id"] in self.told or (message.get("client_msg_id") or "").lower() in self.asked:
            return False
        self.told.append(message["message_id"])
        return True

    def _is_another_opinion(self, feedback: Frame) -> bool:
        opinion = (feedback["rating"], feedback.get("reason", ""))
        if self.opinions.get(feedback["message_id"]) == opinion:
            return False
        self.opinions[feedback["message_id"]] = opinion
        return True

    def _due(self, frame: Frame) -> Frame | None:
        """The frame if it is this listener's next. A turn's end is told in any case, with the ``seq`` that is next:

        a process that takes a turn over without its stream cannot know what was told of it before.
        """
        turn_id, seq = frame["turn_id"], frame["seq"]
        if turn_id in self.told:
            return None
        last = self.cursors.get(turn_id, 0)
        if frame["type"] == "response":
            self.cursors.pop(turn_id, None)
            self.told.append(turn_id)
            return frame if seq == last + 1 else frame | {"seq": last + 1}
        if seq <= last:
            return None
        self.cursors[turn_id] = seq
        return frame


class Audience:
    """The listeners of this process, by conversation."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Listener]] = {}
        # Messages that this process is about to tell itself, with more than is stored of them.
        self.about_to_tell: set[str] = set()

    @contextmanager
    def telling(self, message_id: str) -> Iterator[None]:
        """Meanwhile nobody else tells this message here."""
        self.about_to_tell.add(message_id)
        try:
            yield
        finally:
            self.about_to_tell.discard(message_id)

    def listen(self, conversation_id: str, listener: Listener) -> None:
        self._listeners.setdefault(conversation_id, set()).add(listener)

    def leave(self, conversation_id: str, listener: Listener) -> None:
        listeners = self._listeners.get(conversation_id, set())
        listeners.discard(listener)
        if not listeners:
            self._listeners.pop(conversation_id, None)

    def listeners(self) -> int:
        """How many there are, of all conversations."""
        return sum(map(len, self._listeners.values()))

    def of(self, conversation_id: str) -> tuple[Listener, ...]:
        return tuple(self._listeners.get(conversation_id, ()))

    def tell(self, conversation_id: str, frame: Frame, *, but: Listener | None = None) -> None:
        for listener in self.of(conversation_id):
            if listener is not but:
                listener.tell(frame)


audience = Audience()


@dataclass(eq=False)
class ToldTurn:
    """What this process has told of a turn, its own or another's: ``seq`` = place + 1, without a hole."""

    turn_id: str
    conversation_id: str
    frames: list[Frame] = field(default_factory=list)
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    _grown: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, frame: Frame) -> None:
        """The next frame, to everybody. The last one is a ``response``."""
        self.frames.append(frame)
        audience.tell(self.conversation_id, frame)
        if frame["type"] == "response":
            self.finished.set()
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    def give_up(self) -> None:
        """Nothing more is told here of a turn that cannot end."""
        self.finished.set()
        self._grown.set()

    async def read(self, after: int = 0) -> AsyncIterator[Frame]:
        """The frames behind ``seq`` ``after``, to the turn's end; a slow reader costs nothing but its own time."""
        while True:
            while after < len(self.frames):
                yield self.frames[after]
                after += 1
            if self.finished.is_set():
                return
            await self._grown.wait()

    async def wait_for_more(self, after: int, timeout_s: float) -> bool:
        """False when nothing was told in that time; at once when there is more than ``after`` frames, or the end.

        A reader that was busy with one frame finds here what was told meanwhile.
        """
        if len(self.frames) > after or self.finished.is_set():
            return True
        try:
            async with asyncio.timeout(timeout_s):
                await self._grown.wait()
        except TimeoutError:
            return False
        return True
