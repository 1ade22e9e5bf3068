"""A whole turn for callers that wait for its end: the form without scripts, partners' JSON, the terminal."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

from asgiref.sync import async_to_sync

from chat.asking import begin_turn
from chat.audience import ToldTurn
from chat.events import Frame
from chat.following import read_ended
from chat.frames import FrameRefused, clean_text
from chat.leases import look_at
from chat.records import Accepted, accept_message
from chat.runner import runner
from chat.sessions import Session
from mangaassist.dbthreads import in_database, in_question_lane


async def turn_of(session: Session, accepted: Accepted, text: str, client_msg_id: str) -> ToldTurn | None:
    """The turn of a question: begun here, or, for one that was sent again, wherever it runs or ran.

    None while a person is to answer. Its reader may go away: that does not end it.
    """
    if not accepted.duplicate:
        return begin_turn(session, accepted, text, client_msg_id, hint=session.locale)
    if not accepted.turn_id:
        return None
    known = runner.find(accepted.turn_id)
    if known is None and not (await in_database(look_at, accepted.turn_id)).running:
        return await read_ended(accepted.turn_id, session.conversation_id)
    return known or await runner.follow(accepted.turn_id, session.conversation_id)


async def turn_frames(session: Session, accepted: Accepted, text: str, client_msg_id: str) -> AsyncIterator[Frame]:
    """The frames of a question's turn, to its ``response``."""
    told = await turn_of(session, accepted, text, client_msg_id)
    if told is not None:
        async for frame in told.read():
            yield frame


async def answer(session: Session, text: str, client_msg_id: str = "") -> Frame | None:
    """Stores a question and waits for its ``response``; None while a person answers.

    Raises :class:`FrameRefused` for a text that cannot be asked, and :class:`chat.room.Busy`.
    """
    text = clean_text(text)
    client_msg_id = client_msg_id or str(uuid.uuid4())
    with runner.room.for_question():
        accepted = await in_question_lane(accept_message, session.conversation_id, client_msg_id, text)
        told = await turn_of(session, accepted, text, client_msg_id)
    if told is None:
        return None
    last = None
    async for frame in told.read():
        last = frame
    return last


def ask(session: Session, text: str, client_msg_id: str = "") -> Frame | None:
    """:func:`answer` for sync views; an empty or too long text is no question and changes nothing.

    Raises :class:`chat.room.Busy`.
    """
    try:
        return async_to_sync(answer)(session, text, client_msg_id)
    except FrameRefused:
        return None
