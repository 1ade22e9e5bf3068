"""What a conversation is told from elsewhere: questions asked and notices given in another process, an agent's words,
typing, opinions given in another tab, and the state of a handoff.

Others (the desk, a worker, another web process) write rows and ring; each web process hears the ring, reads what is new
for the conversations that it has open, and tells its sockets. A lost ring is healed by looking every two seconds at
those that wait for a person or talk with one, and at the turns that began lately; with Redis down that alone carries
everything.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from django.db.models import Max, Q
from django.utils import timezone

from chat.audience import Listener, audience
from chat.events import Frame
from chat.handoff import HandoffState, read_handoffs
from chat.models import Conversation, Feedback, Message, Turn
from chat.runner import runner
from chat.signals import BELL
from chat.transcripts import feedback_frame, frames_of, stored_opinion
from escalation.standing import open_conversations
from mangaassist.dbthreads import in_database
from mangaassist.doorbell import Ring, hearing

log = structlog.get_logger(__name__)

POLL_S = 2.0
# Turns that began so long ago are looked at: more than a poll, for clocks of hosts differ.
LATELY = timedelta(seconds=12)
# A place in the queue that changes is told at most so often.
PLACE_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class News:
    """Of one conversation. ``messages``: (row, ``message`` frame) of questions, notices and agents' words, in order;
    ``opinions``: ``feedback`` frames of what was given, changed or withdrawn lately.
    """

    conversation_id: str
    messages: list[tuple[int, Frame]]
    handoff: HandoffState
    opinions: Sequence[Frame] = ()


class Doorbell:
    """One event loop's watch over the conversations that are open in it. Its task lives while there are any."""

    def __init__(self) -> None:
        self._watched: Counter[str] = Counter()
        self._due: set[str] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def watch(self, conversation_id: str, *, look: bool) -> None:
        """``look``: at once as well, because something may be new already."""
        if not self._watched:
            hearing().listen(BELL, self._heard)
            self._task = asyncio.create_task(self._run(), name="conversation-doorbell")
        self._watched[conversation_id] += 1
        if look:
            self._heard(Ring(BELL, conversation_id))

    def leave(self, conversation_id: str) -> None:
        self._watched[conversation_id] -= 1
        if self._watched[conversation_id] <= 0:
            del self._watched[conversation_id]
        if not self._watched and self._task is not None:
            hearing().leave(BELL, self._heard)
            self._task.cancel()
            self._task = None

    def _heard(self, heard: Ring) -> None:
        if heard.about and heard.about not in self._watched:
            return
        turn_id = heard.said.get("turn")
        if turn_id is not None:
            if turn_id and runner.find(turn_id) is not None:
                return  # Our own, or one that we follow.
        elif "stop" in heard.said:
            return  # Who runs it hears it.
        elif heard.said:
            active, name = heard.said.get("active") is True, str(heard.said.get("name", ""))
            audience.tell(heard.about, {"type": "typing", "active": active, "name": name})
            return
        self._due |= {heard.about} if heard.about else self._watched.keys()
        self._wake.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        poll_at = loop.time() + POLL_S
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(poll_at):
                    await self._wake.wait()
            self._wake.clear()
            due, self._due = self._due, set()
            is_time = loop.time() >= poll_at
            if is_time:
                poll_at = loop.time() + POLL_S
            try:
                # Those that were rung for have news: they do not wait for the look at all others.
                await self._tell_news(due & self._watched.keys())
                if is_time:
                    others = (await self._not_with_the_assistant() | await self._asked_elsewhere()) - due
                    await self._tell_news(others & self._watched.keys())
            except Exception:  # The database is down or busy: the next look finds the same.
                log.exception("doorbell_not_answered")

    async def _not_with_the_assistant(self) -> set[str]:
        known = {
            conversation_id
            for conversation_id in self._watched
            if any(listener.handoff.state != "bot" for listener in audience.of(conversation_id))
        }
        return known | await in_database(open_conversations)

    async def _asked_elsewhere(self) -> set[str]:
        begun = await in_database(turns_begun_lately)
        return {conversation_id for turn_id, conversation_id in begun if runner.find(turn_id) is None}

    async def _tell_news(self, conversation_ids: set[str]) -> None:
        since = {
            conversation_id: min(seen)
            for conversation_id in conversation_ids
            if (seen := [each.seen for each in audience.of(conversation_id) if each.seen is not None])
        }
        if not since:
            return
        read_at = asyncio.get_running_loop().time()
        for news in await in_database(read_news, since):
            for listener in audience.of(news.conversation_id):
                if listener.seen is not None:
                    _tell(listener, news, read_at)
            for _, frame in news.messages:
                if frame["role"] == Message.Role.USER and frame["turn_id"]:
                    await runner.follow(frame["turn_id"], news.conversation_id)


def _tell(listener: Listener, news: News, read_at: float) -> None:
    assert listener.seen is not None
    # Who takes over is told before their first word, who leaves after the last.
    took_over = news.handoff.state == "agent"
    if took_over:
        _tell_handoff(listener, news.handoff, read_at)
    for row, frame in news.messages:
        if row > listener.seen:
            listener.seen = row
            if frame["message_id"] not in audience.about_to_tell:
                listener.tell(frame)
    # As with a handoff's state: what was read may be older than what it knows.
    if listener.opined_at <= read_at:
        for opinion in news.opinions:
            listener.tell(opinion)
    if not took_over:
        _tell_handoff(listener, news.handoff, read_at)


def _tell_handoff(listener: Listener, handoff: HandoffState, read_at: float) -> None:
    if listener.asking or listener.handoff_at > read_at:
        # What was read may be older than what it is told; the change itself has rung, so there will be another look.
        return
    now = asyncio.get_running_loop().time()
    told = listener.handoff
    moved = (handoff.position, handoff.estimated_wait) != (told.position, told.estimated_wait)
    came_back = not told.handoff_id and handoff.state == "bot"
    if came_back or not (handoff.differs(told) or (moved and now - listener.handoff_at >= PLACE_EVERY_S)):
        return
    listener.handoff, listener.handoff_at = handoff, now
    listener.tell(handoff.as_frame())


def tell_handoff(listener: Listener, handoff: HandoffState) -> None:
    """The answer to a shopper's own wish, at once; their other sockets hear it by the bell."""
    listener.handoff, listener.handoff_at = handoff, asyncio.get_running_loop().time()
    listener.tell(handoff.as_frame())


def read_news(since: Mapping[str, int]) -> list[News]:
    """``since``: conversation id → the last message that everybody here was told.

    Only a conversation with new words costs queries of its own: hundreds may wait.
    """
    conversations = Conversation.objects.filter(pk__in=list(since))
    words = Message.objects.filter(_is_news(), conversation__in=list(since)).order_by()
    newest = dict(words.values_list("conversation_id").annotate(newest=Max("id")))
    handoffs = read_handoffs(since.keys())
    opinions = _opinions(list(since))
    return [
        News(
            conversation_id=str(each.pk),
            messages=_words(each, since[str(each.pk)]) if newest.get(each.pk, 0) > since[str(each.pk)] else [],
            handoff=handoffs[str(each.pk)],
            opinions=opinions.get(str(each.pk), ()),
        )
        for each in conversations
    ]


def _is_news() -> Q:
    """Agents' words; questions and notices as long as they may be news. An answer is told by its turn,

    and the word of a handoff's end (a notice with a template) with its state.
    """
    lately = timezone.now() - LATELY
    asked_or_noticed = Q(role=Message.Role.USER) | Q(role=Message.Role.SYSTEM, template="")
    return Q(role=Message.Role.AGENT) | (asked_or_noticed & Q(created_at__gte=lately))


def _words(conversation: Conversation, since: int) -> list[tuple[int, Frame]]:
    words = conversation.messages.filter(_is_news(), id__gt=since).order_by("id")
    messages = list(words.select_related("turn"))
    return [(message.pk, frame) for message, frame in zip(messages, frames_of(conversation, messages), strict=True)]


def _opinions(conversation_ids: Sequence[str]) -> dict[str, list[Frame]]:
    lately = timezone.now() - LATELY
    ids = [UUID(id) for id in conversation_ids]
    given = Feedback.objects.filter(conversation__in=ids, updated_at__gte=lately).order_by("updated_at")
    frames: dict[str, list[Frame]] = {}
    for row in given.select_related("message"):
        frame = feedback_frame(str(row.message.public_id), stored_opinion(row))
        frames.setdefault(str(row.conversation_id), []).append(frame)
    return frames


def turns_begun_lately() -> list[tuple[str, str]]:
    """(turn, conversation)"""
    begun = Turn.objects.filter(started_at__gte=timezone.now() - LATELY).order_by()
    return [(str(turn), str(conversation)) for turn, conversation in begun.values_list("pk", "conversation")]


_doorbells: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Doorbell] = weakref.WeakKeyDictionary()


def doorbell() -> Doorbell:
    """The running event loop's."""
    return _doorbells.setdefault(asyncio.get_running_loop(), Doorbell())
