"""A stored question is put to the assistant: every reader of the conversation is told of it, and its turn begins."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from chat.audience import Listener, ToldTurn, audience
from chat.records import Accepted
from chat.runner import runner
from chat.sessions import Session
from chat.signals import BELL
from chat.turn import TurnInput
from chat.understanding.types import Language
from mangaassist.doorbell import aring

_ringing: set[asyncio.Task[None]] = set()


def begin_turn(
    session: Session, accepted: Accepted, text: str, client_msg_id: str, *, hint: Language, but: Listener | None = None
) -> ToldTurn | None:
    """Tells everybody (``but`` the one who knows) of a new question and has it answered; None while a person is to."""
    conversation_id = session.conversation_id
    question = {
        "type": "message",
        "message_id": accepted.message_id,
        "role": "user",
        "content": text,
        "client_msg_id": client_msg_id,
        "turn_id": accepted.turn_id or None,
        "at": datetime.now(UTC).isoformat(),
    }
    audience.tell(conversation_id, question, but=but)
    if accepted.notice:
        audience.tell(conversation_id, accepted.notice)
    told = None
    if accepted.turn_id:
        told = runner.start(
            TurnInput(
                turn_id=accepted.turn_id,
                conversation_id=conversation_id,
                text=text,
                shopper=session.shopper,
                after_turn=accepted.after_turn,
                bad_ratings=accepted.bad_ratings,
                waits_for=accepted.waits_for,
                context=session.context,
                hint=hint,
                correlation=client_msg_id,
            )
        )
    # Behind the first frames: other processes read the question when they hear of it.
    ringing = asyncio.create_task(aring(BELL, conversation_id, turn=accepted.turn_id))
    _ringing.add(ringing)
    ringing.add_done_callback(_ringing.discard)
    return told
