"""The WebSocket of the widget (contract: protocol v1).

Reading never waits for a turn: turns are tasks of the process, and one writer task sends, in order, what this
socket is told. Whatever goes wrong is answered, and clean-up runs in ``finally``: Channels skips ``disconnect``
after an exception.
"""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from contextlib import suppress
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, DataError

from chat.actions import ask_for_more, take_action
from chat.admission import Refusal, admission, wait_before_hello, wait_before_question
from chat.asking import begin_turn
from chat.audience import Listener, audience
from chat.doorbell import doorbell, tell_handoff
from chat.events import Frame
from chat.frames import (
    CardAction,
    ClientFrame,
    FeedbackGiven,
    FrameRefused,
    HandoffAsked,
    HandoffRated,
    Hello,
    Ping,
    Stop,
    Typing,
    UserMessage,
    read_frame,
)
from chat.leases import ask_to_stop, look_at
from chat.models import Conversation
from chat.phrases import say
from chat.records import Accepted, accept_message
from chat.resuming import join
from chat.room import Busy
from chat.runner import runner
from chat.sessions import NotFound, Session, SessionRefused, open_session
from chat.signals import BELL
from chat.tokens import TokenRefused, read_token
from chat.transcripts import feedback_frame
from chat.understanding.types import Language
from escalation.lines import shopper_types
from mangaassist import instruments
from mangaassist.addresses import address_of
from mangaassist.correlation import correlated
from mangaassist.dbthreads import in_database, in_question_lane
from mangaassist.doorbell import aring
from mangaassist.limits import TokenBucket
from mangaassist.origins import origin_allowed
from mangaassist.sockets import FrameSocket

log = structlog.get_logger(__name__)

HELLO_WITHIN_S = 5.0
# A client without these capabilities gets only the beginning and the end of a turn.
_NEEDS_CAP = {"delta": "stream", "card": "cards"}
# Frames that a plain client does not know.
_RICH_ONLY = frozenset({"message", "typing", "handoff_state", "feedback", "token", "pong"})


# Errors that a shopper meets, said in their language; the others are for who writes a client.
_SHOPPERS_ERRORS = frozenset(
    {"rate", "busy", "restarting", "unavailable", "internal", "not_storable", "not_found", "no_such_turn", "empty_text",
     "text_too_long"}
)  # fmt: skip


class ChatConsumer(FrameSocket):
    """One browser's socket. What it is told comes from this process' runner and from the database, so that it opens
    and lives without Redis: hence no channel layer.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.address = ""
        self._no_place: Refusal = ""
        self.session: Session | None = None
        # Held while a hello is being answered.
        self._greeting = asyncio.Lock()
        self.caps: frozenset[str] = frozenset()
        self.listener = Listener()
        self.waiting = self.listener.queue
        self._questions = TokenBucket(
            rate=settings.SOCKET_QUESTIONS_PER_S, burst=int(settings.SOCKET_QUESTIONS_PER_S * 20)
        )

    # --- Life of a socket

    def enter(self) -> None:
        self.address = address_of(self.scope, trusted=settings.TRUSTED_PROXIES)
        self._no_place = admission.enter(self, self.address, self._send_away)

    def leave(self) -> None:
        admission.leave(self, self.address)
        if self.session is not None:
            audience.leave(self.session.conversation_id, self.listener)
            doorbell().leave(self.session.conversation_id)

    async def connect(self) -> None:
        await self.accept()
        if not origin_allowed(self.scope, others=settings.WIDGET_ALLOWED_ORIGINS):
            await self.refuse("forbidden", "This page may not open the chat.", 4403)
            return
        if self._no_place == "rate":
            await self.refuse("rate", "Too many connections from this network.", 4429)
            return
        if self._no_place == "busy":
            # "Try again later": a client comes back after a pause, perhaps to another process.
            await self.hang_up(1013)
            return
        self.in_background(self.write())
        self.in_background(self._expect_hello())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """One frame. Nothing that a client sends gets out of here as an exception."""
        client_msg_id = ""
        try:
            if bytes_data is not None or text_data is None:
                raise FrameRefused("binary", "Frames are JSON text.", close=4400)
            wait = self.frames.take()
            if wait:
                raise FrameRefused("rate", "Too many frames.", close=4429)
            frame = read_frame(text_data)
            client_msg_id = getattr(frame, "client_msg_id", "")
            with correlated(client_msg_id):
                await self._handle(frame)
        except FrameRefused as refusal:
            await self._answer_refusal(refusal)
        except (TokenRefused, SessionRefused) as refusal:
            instruments.frames_refused.labels(code="token").inc()
            code, close = ("token", 4401) if isinstance(refusal, TokenRefused) else ("forbidden", 4403)
            await self.refuse(code, str(refusal), close)
        except Busy as busy:
            instruments.frames_refused.labels(code="busy").inc()
            retry_after_ms = int(busy.retry_after_s * 1000)
            self._tell_error("busy", retryable=True, retry_after_ms=retry_after_ms, client_msg_id=client_msg_id)
        except NotFound as refusal:
            self._tell_error("not_found", str(refusal), client_msg_id=client_msg_id)
        except Conversation.DoesNotExist:  # Erased while the socket was open: the page begins a new one.
            await self.refuse("forbidden", "This conversation is gone.", 4403)
        except DataError:  # It would be no better the next time.
            log.exception("frame_not_storable")
            self._tell_error("not_storable", client_msg_id=client_msg_id)
        except DatabaseError:
            log.exception("frame_not_stored")
            instruments.frames_refused.labels(code="unavailable").inc()
            self._tell_error("unavailable", retryable=True, client_msg_id=client_msg_id)
        except Exception:  # Our own fault: the shopper hears it, the socket lives.
            log.exception("frame_failed")
            instruments.frames_refused.labels(code="internal").inc()
            self._tell_error("internal", retryable=True, client_msg_id=client_msg_id)

    async def _answer_refusal(self, refusal: FrameRefused) -> None:
        instruments.frames_refused.labels(code=refusal.code).inc()
        if refusal.close is not None:
            await self.refuse(refusal.code, refusal.message, refusal.close)
        else:
            self._tell_error(refusal.code, refusal.message, client_msg_id=refusal.client_msg_id)

    # --- Frames

    async def _handle(self, frame: ClientFrame) -> None:
        if isinstance(frame, Hello):
            await self._hello(frame)
            return
        session = self.session
        if session is None:
            raise FrameRefused("no_hello", "The first frame must be hello.", close=4408)
        match frame:
            case UserMessage():
                await self._user_message(session, frame)
            case Stop():
                await self._stop(session, frame)
            case Typing():
                if self.listener.handoff.state != "bot":
                    await shopper_types(session.conversation_id, active=frame.active)
            case CardAction():
                await self._action(session, frame)
            case FeedbackGiven():
                await self._feedback(session, frame)
            case HandoffAsked():
                self.listener.asking = True
                try:
                    state = await in_database(
                        session.ask_for_person, frame.client_msg_id, reason=frame.reason, cancel=frame.cancel
                    )
                finally:
                    self.listener.asking = False
                self.listener.tell({"type": "saved", "client_msg_id": frame.client_msg_id})
                tell_handoff(self.listener, state)
            case HandoffRated():
                await in_database(session.rate_person, frame.handoff_id, frame.csat, frame.comment)
                self.listener.tell({"type": "saved", "client_msg_id": frame.client_msg_id})
            case Ping():
                self.listener.tell({"type": "pong", "t": frame.t})

    async def _hello(self, hello: Hello) -> None:
        if self.session is not None:
            raise FrameRefused("hello_twice", "This socket has said hello.")
        if await wait_before_hello(self.address):
            raise FrameRefused("rate", "Too many conversations are opened from this network.", close=4429)
        async with self._greeting:
            claims = read_token(hello.token)
            session = await in_database(open_session, claims, hello.conversation_id)
            self.caps = hello.caps
            admission.greeted(self, session.conversation_id, self._restart)
            if hello.turn_id or hello.after_message_id:
                instruments.sockets_resumed.inc()
            await join(session, hello, self.listener)
            self.session = session
        self.in_background(self._renew_token(session))

    async def _user_message(self, session: Session, frame: UserMessage) -> None:
        if runner.draining:
            instruments.frames_refused.labels(code="restarting").inc()
            self._tell_error("restarting", retryable=True, retry_after_ms=1000, client_msg_id=frame.client_msg_id)
            return
        wait = self._questions.take() or await wait_before_question(session.conversation_id, self.address)
        if wait:
            instruments.frames_refused.labels(code="rate").inc()
            self._tell_error(
                "rate",
                client_msg_id=frame.client_msg_id,
                retryable=True,
                retry_after_ms=int(wait * 1000) + 1,
            )
            return
        with runner.room.for_question():
            await self._store_and_begin(session, frame)

    async def _store_and_begin(self, session: Session, frame: UserMessage) -> None:
        began = time.perf_counter()
        # Until it is acknowledged here, nobody else tells this socket of its own question.
        self.listener.asked.add(frame.client_msg_id.lower())
        try:
            accepted = await in_question_lane(accept_message, session.conversation_id, frame.client_msg_id, frame.text)
            self.listener.told.append(accepted.message_id)
        finally:
            self.listener.asked.discard(frame.client_msg_id.lower())
        self.listener.tell(
            {
                "type": "accepted",
                "client_msg_id": frame.client_msg_id,
                "message_id": accepted.message_id,
                "turn_id": accepted.turn_id or None,
                "duplicate": accepted.duplicate,
            }
        )
        instruments.question_accepted_seconds.observe(time.perf_counter() - began)
        if not accepted.duplicate:
            hint: Language = "ja" if frame.lang.startswith("ja") else "en" if frame.lang else session.locale
            begin_turn(session, accepted, frame.text, frame.client_msg_id, hint=hint, but=self.listener)
        else:
            await self._follow_again(session, accepted)

    async def _follow_again(self, session: Session, accepted: Accepted) -> None:
        """A question that was sent again: it may have been asked in another process, which may be gone."""
        if accepted.turn_id and (await in_database(look_at, accepted.turn_id)).running:
            await runner.follow(accepted.turn_id, session.conversation_id)

    async def _stop(self, session: Session, frame: Stop) -> None:
        """Here at once; in another process by the turn's row, and by a ring for its sake."""
        if runner.stop(frame.turn_id, session.conversation_id):
            return
        if await in_database(ask_to_stop, frame.turn_id, session.conversation_id):
            await aring(BELL, session.conversation_id, stop=frame.turn_id)
        else:
            self._tell_error("no_such_turn", turn_id=frame.turn_id)

    async def _feedback(self, session: Session, given: FeedbackGiven) -> None:
        """Told to the other tabs: this one knows, unless it cannot be stored."""
        listener, loop = self.listener, asyncio.get_running_loop()
        before = dict(listener.opinions)
        listener.opinions[given.message_id] = given.opinion.as_told()
        listener.opined_at = math.inf
        try:
            await in_database(session.give_feedback, given.message_id, given.opinion)
        except BaseException:
            listener.opinions = before
            raise
        finally:
            listener.opined_at = loop.time()
        listener.tell({"type": "saved", "client_msg_id": given.client_msg_id})
        # Those of other processes have heard the bell; without Redis these would hear nothing.
        told = feedback_frame(given.message_id, given.opinion)
        for other in audience.of(session.conversation_id):
            if other is not listener:
                other.opined_at = max(other.opined_at, loop.time())
                other.tell(told)

    async def _action(self, session: Session, click: CardAction) -> None:
        if click.action == "show_more":
            with runner.room.for_question():
                accepted, text = await in_question_lane(ask_for_more, session, click)
                self.listener.tell({"type": "saved", "client_msg_id": click.client_msg_id})
                if not accepted.duplicate:
                    begin_turn(session, accepted, text, click.client_msg_id, hint=session.locale)
                else:
                    await self._follow_again(session, accepted)
            return
        message_id = str(uuid.uuid4())
        with audience.telling(message_id):
            outcome = await in_database(take_action, session, click, message_id)
            self.listener.tell({"type": "saved", "client_msg_id": click.client_msg_id})
            if outcome is not None:
                audience.tell(session.conversation_id, outcome)
        if outcome is not None:
            # Tabs in other processes read it.
            await aring(BELL, session.conversation_id, turn="")

    # --- Writing

    def _tell_error(self, code: str, message: str = "", *, retryable: bool = False, **fields: Any) -> None:
        told = {name: value for name, value in fields.items() if value}
        words = self._words(code, message)
        self.listener.tell({"type": "error", "code": code, "message": words, "retryable": retryable, **told})

    def _words(self, code: str, message: str) -> str:
        """What a shopper reads is in the conversation's language, and before there is one in English."""
        if code not in _SHOPPERS_ERRORS:
            return message
        return say(self.session.locale if self.session else "en", f"error.{code}")

    def knows(self, frame: Frame) -> bool:
        kind = frame["type"]
        if kind in _NEEDS_CAP:
            return _NEEDS_CAP[kind] in self.caps
        return bool(self.caps) or kind not in _RICH_ONLY

    def refusal(self, code: str, message: str, close: int) -> Frame:
        return {"type": "error", "code": code, "message": self._words(code, message), "retryable": close == 4429}

    def let_go_code(self) -> int:
        """Too slow, or this process ends."""
        return 1013 if self.listener.lost else 1012

    def _send_away(self) -> None:
        """There are too many strangers, and this one has been silent for longest."""
        self.in_background(self.refuse("no_hello", "hello did not come in time.", 4408))

    def _restart(self) -> None:
        """This process ends: behind what it has been told, the socket goes to another."""
        with suppress(asyncio.QueueFull):
            self.listener.queue.put_nowait(None)

    # --- Tasks beside reading

    async def _expect_hello(self) -> None:
        await asyncio.sleep(HELLO_WITHIN_S)
        # One that came and takes us long is no fault of the page.
        async with self._greeting:
            came = self.session is not None
        if not came:
            await self.refuse("no_hello", "hello did not come in time.", 4408)

    async def _renew_token(self, session: Session) -> None:
        """A fresh token at once (it knows the conversation), then well before each one expires."""
        while True:
            frame = {"type": "token", "token": session.token(), "expires_in": settings.WIDGET_TOKEN_TTL_S}
            self.listener.tell(frame)
            await asyncio.sleep(settings.WIDGET_TOKEN_TTL_S * 0.6)
