"""Frames from a browser, checked: what comes in is either a typed value or a refusal that names the field."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import orjson

from chat.feedback import FeedbackRefused, Opinion, read_opinion
from mangaassist.typed_text import without_controls
from shop.offers import Money, read_money

MAX_FRAME_BYTES = 64 * 1024
MAX_TEXT = 4000
LONGEST_TOKEN = 8192
ACTIONS = ("add_to_cart", "show_more")
RATE_HANDOFF = "rate_handoff"
LONGEST_COMMENT = 2000
# It is sent back: a small question has a small answer.
LONGEST_T = 64
# More frames than any turn has.
MOST_SEQ = 1_000_000
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class FrameRefused(Exception):
    """``code`` as in an ``error`` frame; ``close`` when the socket cannot go on."""

    def __init__(self, code: str, message: str, *, client_msg_id: str = "", close: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.client_msg_id = client_msg_id
        self.close = close


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    token: str
    conversation_id: str = ""
    caps: frozenset[str] = field(default_factory=frozenset)
    after_message_id: str = ""
    turn_id: str = ""
    after_seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMessage:
    client_msg_id: str
    text: str
    lang: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    turn_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Typing:
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CardAction:
    client_msg_id: str
    message_id: str
    card_id: str
    action: str
    # The price that the shopper saw on the card when they clicked.
    quoted: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackGiven:
    client_msg_id: str
    message_id: str
    opinion: Opinion


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffAsked:
    client_msg_id: str
    reason: str = ""
    cancel: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRated:
    """``action`` ``rate_handoff``: ``csat`` from 1 to 5."""

    client_msg_id: str
    handoff_id: str
    csat: int
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    t: str | float | None = None


ClientFrame = Hello | UserMessage | Stop | Typing | CardAction | FeedbackGiven | HandoffAsked | HandoffRated | Ping


def read_frame(raw: str) -> ClientFrame:
    """Raises :class:`FrameRefused`. Unknown fields are ignored."""
    if len(raw.encode("utf-8", "surrogatepass")) > MAX_FRAME_BYTES:
        raise FrameRefused("too_large", f"A frame may have {MAX_FRAME_BYTES} bytes.", close=4413)
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise FrameRefused("malformed", "A frame must be one JSON object.", close=4400) from error
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        raise FrameRefused("malformed", "A frame must be a JSON object with a type.", close=4400)
    reader = _READERS.get(body["type"])
    if reader is None:
        raise FrameRefused("unknown_type", f"There is no frame {body['type'][:40]!r}.")
    return reader(body)


def clean_text(text: Any, *, client_msg_id: str = "") -> str:
    """What a shopper typed, without control characters. Raises :class:`FrameRefused` when empty or too long."""
    if not isinstance(text, str):
        raise FrameRefused("bad_text", "text must be a string.", client_msg_id=client_msg_id)
    if len(text) > MAX_TEXT:
        raise FrameRefused("text_too_long", f"text may have {MAX_TEXT} characters.", client_msg_id=client_msg_id)
    cleaned = without_controls(text)
    if not cleaned:
        raise FrameRefused("empty_text", "text is empty.", client_msg_id=client_msg_id)
    return cleaned


def is_uuid(value: object) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def _uuid(body: dict[str, Any], name: str, *, client_msg_id: str = "") -> str:
    value = body.get(name)
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise FrameRefused(f"bad_{name}", f"{name} must be a UUID.", client_msg_id=client_msg_id)
    # The client's own name for its frame comes back as it was sent; ours are lower case.
    return value if name == "client_msg_id" else value.lower()


def _short(body: dict[str, Any], name: str, limit: int, *, client_msg_id: str = "") -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > limit:
        raise FrameRefused(
            f"bad_{name}", f"{name} must be text of at most {limit} characters.", client_msg_id=client_msg_id
        )
    return without_controls(value)


def _optional_uuid(body: dict[str, Any], name: str) -> str:
    return _uuid(body, name) if body.get(name) else ""


def _is_whole(value: Any) -> TypeGuard[int]:
    # To Python, true is a number too.
    return isinstance(value, int) and not isinstance(value, bool)


def _hello(body: dict[str, Any]) -> Hello:
    if not _is_whole(body.get("v")) or body["v"] != 1:
        raise FrameRefused("bad_version", "Only protocol version 1 is spoken here.", close=4400)
    resume = body.get("resume") or {}
    caps = body.get("caps") or []
    if not isinstance(resume, dict) or not isinstance(caps, list):
        raise FrameRefused("malformed", "caps must be a list and resume an object.", close=4400)
    after_seq = resume.get("after_seq", 0)
    if not _is_whole(after_seq) or not 0 <= after_seq <= MOST_SEQ:
        raise FrameRefused("bad_after_seq", f"after_seq must be a number from 0 to {MOST_SEQ}.", close=4400)
    token = body.get("token")
    if not isinstance(token, str) or len(token) > LONGEST_TOKEN:
        raise FrameRefused("bad_token", "token must be text.", close=4401)
    return Hello(
        token=token,
        conversation_id=_optional_uuid(body, "conversation_id"),
        caps=frozenset(cap for cap in caps if isinstance(cap, str)),
        after_message_id=_optional_uuid(resume, "after_message_id"),
        turn_id=_optional_uuid(resume, "turn_id"),
        after_seq=after_seq,
    )


def _user_message(body: dict[str, Any]) -> UserMessage:
    client_msg_id = _uuid(body, "client_msg_id")
    return UserMessage(
        client_msg_id=client_msg_id,
        text=clean_text(body.get("text"), client_msg_id=client_msg_id),
        lang=_short(body, "lang", 16, client_msg_id=client_msg_id),
    )


def _stop(body: dict[str, Any]) -> Stop:
    return Stop(turn_id=_uuid(body, "turn_id"))


def _typing(body: dict[str, Any]) -> Typing:
    return Typing(active=body.get("active") is True)


def _action(body: dict[str, Any]) -> CardAction | HandoffRated:
    client_msg_id = _uuid(body, "client_msg_id")
    action = _short(body, "action", 32, client_msg_id=client_msg_id)
    if action == RATE_HANDOFF:
        return _handoff_rated(body, client_msg_id)
    if action not in ACTIONS:
        known = ", ".join((*ACTIONS, RATE_HANDOFF))
        raise FrameRefused("bad_action", f"action must be one of {known}.", client_msg_id=client_msg_id)
    return CardAction(
        client_msg_id=client_msg_id,
        message_id=_uuid(body, "message_id", client_msg_id=client_msg_id),
        card_id=_short(body, "card_id", 200, client_msg_id=client_msg_id),
        action=action,
        quoted=_quoted(body, client_msg_id),
    )


def _handoff_rated(body: dict[str, Any], client_msg_id: str) -> HandoffRated:
    csat = body.get("csat")
    if not _is_whole(csat) or not 1 <= csat <= 5:
        raise FrameRefused("bad_csat", "csat must be a number from 1 to 5.", client_msg_id=client_msg_id)
    return HandoffRated(
        client_msg_id=client_msg_id,
        handoff_id=_uuid(body, "handoff_id", client_msg_id=client_msg_id),
        csat=csat,
        comment=_short(body, "comment", LONGEST_COMMENT, client_msg_id=client_msg_id),
    )


def _quoted(body: dict[str, Any], client_msg_id: str) -> Money | None:
    if body.get("quoted") is None:
        return None
    try:
        return read_money(body["quoted"])
    except ValueError as error:
        raise FrameRefused("bad_quoted", str(error), client_msg_id=client_msg_id) from error


def _feedback(body: dict[str, Any]) -> FeedbackGiven:
    client_msg_id = _uuid(body, "client_msg_id")
    try:
        opinion = read_opinion(body.get("rating", ""), body.get("reason"), body.get("comment"))
    except FeedbackRefused as error:
        raise FrameRefused("bad_feedback", str(error), client_msg_id=client_msg_id) from error
    return FeedbackGiven(
        client_msg_id=client_msg_id,
        message_id=_uuid(body, "message_id", client_msg_id=client_msg_id),
        opinion=opinion,
    )


def _handoff(body: dict[str, Any]) -> HandoffAsked:
    client_msg_id = _uuid(body, "client_msg_id")
    return HandoffAsked(
        client_msg_id=client_msg_id,
        reason=_short(body, "reason", 500, client_msg_id=client_msg_id),
        cancel=body.get("cancel") is True,
    )


def _ping(body: dict[str, Any]) -> Ping:
    t = body.get("t")
    if isinstance(t, (dict, list)) or (isinstance(t, str) and len(t) > LONGEST_T):
        raise FrameRefused("bad_t", f"t must be a number or text of at most {LONGEST_T} characters.")
    return Ping(t=t)


_READERS: dict[str, Callable[[dict[str, Any]], ClientFrame]] = {
    "hello": _hello,
    "user_message": _user_message,
    "stop": _stop,
    "typing": _typing,
    "action": _action,
    "feedback": _feedback,
    "handoff": _handoff,
    "ping": _ping,
}
