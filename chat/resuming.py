"""What a socket is told when it says hello: how things stand, and exactly what it missed."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from chat.audience import Listener, ToldTurn, audience
from chat.doorbell import doorbell, tell_handoff
from chat.events import Frame
from chat.frames import MAX_TEXT, Hello
from chat.runner import runner
from chat.sessions import Missed, Session, read_missed
from chat.turn_stream import read_whole
from mangaassist.dbthreads import in_database

HEARTBEAT_S = 25
# Of the messages in ``ready``, those that may be told at the same time by somebody else.
LATELY = 16


async def join(session: Session, hello: Hello, listener: Listener) -> None:
    """Tells ``listener`` what it missed and makes it one of the conversation's audience."""
    conversation_id = session.conversation_id
    # Listening begins before history is read: what happens meanwhile waits in ``held``, so that nothing is lost
    # between the two; below it is told once.
    held = Listener()
    audience.listen(conversation_id, held)
    try:
        missed = await in_database(
            read_missed,
            session,
            after_message_id=hello.after_message_id,
            turn_id=hello.turn_id,
            after_seq=hello.after_seq,
        )
        for turn_id in missed.unfinished:
            await runner.follow(turn_id, conversation_id)
        resumed = await _resumed_frames(hello, missed)
    finally:
        audience.leave(conversation_id, held)
    # No await from here on: the order of these frames is the order on the wire.
    listener.seen = missed.seen
    turns = {turn_id: told for turn_id in missed.unfinished if (told := runner.find(turn_id))}
    turns |= {told.turn_id: told for told in runner.active(conversation_id)}
    if hello.turn_id:
        listener.cursors[hello.turn_id] = hello.after_seq
    _tell_ready(session, missed, turns, listener)
    if missed.ended is not None:
        tell_handoff(listener, missed.ended)
    for frame in resumed:
        listener.tell(frame)
    while not held.queue.empty():
        waiting = held.queue.get_nowait()
        if waiting is not None and waiting["type"] in {"message", "handoff_state", "feedback"}:
            listener.tell(waiting)
    for told in turns.values():
        for frame in told.frames:
            listener.tell(frame)
    audience.listen(conversation_id, listener)
    # What another process told between history and now rang for nobody here. A conversation without a word has no such.
    doorbell().watch(conversation_id, look=missed.state != "bot" or missed.seen > 0)


async def _resumed_frames(hello: Hello, missed: Missed) -> list[Frame]:
    """Of a turn that has ended meanwhile: the frames that are missing, else its ``response``.

    Nothing may lie behind ``after_seq``: a process that takes a turn over can end it in fewer frames.
    """
    if missed.answer is None:
        return []
    told = runner.find(hello.turn_id)
    if told is not None and not told.finished.is_set():
        return told.frames[hello.after_seq :]
    frames = told.frames if told is not None else await read_whole(hello.turn_id)
    return frames[hello.after_seq :] or [missed.answer]


def _tell_ready(session: Session, missed: Missed, turns: dict[str, ToldTurn], listener: Listener) -> None:
    active = next((told for told in turns.values() if not told.finished.is_set()), None)
    ready: dict[str, Any] = {
        "type": "ready",
        "conversation_id": session.conversation_id,
        "heartbeat_s": HEARTBEAT_S,
        "max_text": MAX_TEXT,
        "token_expires_in": settings.WIDGET_TOKEN_TTL_S,
        "messages": missed.messages,
        "active_turn": {"turn_id": active.turn_id, "seq": len(active.frames)} if active else None,
        "state": missed.state,
        "reset": missed.reset,
        "assistant": session.assistant.as_told(),
    }
    for message in missed.messages[-LATELY:]:
        listener.told.append(message["message_id"])
        if "rating" in message:
            listener.opinions[message["message_id"]] = (message["rating"], message.get("reason", ""))
        if message["role"] == "assistant" and message["turn_id"]:
            listener.told.append(message["turn_id"])
    listener.tell(ready)
