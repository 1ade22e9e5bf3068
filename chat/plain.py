"""A whole turn for callers that wait for its end: the form without scripts, partners' JSON, the terminal."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

from asgiref.sync import async_to_sync

from chat.events import Frame
from chat.frames import FrameRefused, clean_text
from chat.records import Accepted, accept_message
from chat.runner import Listener, runner
from chat.sessions import Session
from chat.turn import TurnInput
from mangaassist.dbthreads import in_database


async def turn_frames(session: Session, accepted: Accepted, text: str) -> AsyncIterator[Frame]:
    """The frames of an accepted question's turn, to its ``response``. Going away does not end the turn."""
    listener = Listener()
    runner.listen(session.conversation_id, listener)
    try:
        runner.start(
            TurnInput(
                turn_id=accepted.turn_id,
                conversation_id=session.conversation_id,
                text=text,
                shopper=session.shopper,
                after_turn=accepted.after_turn,
                bad_ratings=accepted.bad_ratings,
                context=session.context,
                hint=session.locale,
            )
        )
        while True:
            frame = await listener.queue.get()
            if frame is None:
                return
            if frame.get("turn_id") == accepted.turn_id and frame["type"] != "message":
                yield frame
                if frame["type"] == "response":
                    return
    finally:
        runner.leave(session.conversation_id, listener)


async def answer(session: Session, text: str, client_msg_id: str = "") -> Frame | None:
    """Stores a question and waits for its ``response``; None while a person answers.

    Raises :class:`FrameRefused` for a text that cannot be asked.
    """
    text = clean_text(text)
    accepted = await in_database(accept_message, session.conversation_id, client_msg_id or str(uuid.uuid4()), text)
    if not accepted.turn_id or accepted.duplicate:
        return None
    last = None
    async for frame in turn_frames(session, accepted, text):
        last = frame
    return last


def ask(session: Session, text: str) -> Frame | None:
    """:func:`answer` for sync views; an empty or too long text is no question and changes nothing."""
    try:
        return async_to_sync(answer)(session, text)
    except FrameRefused:
        return None
