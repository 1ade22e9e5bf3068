"""Frames from the desk's page, checked: a typed value, or a refusal that names the field."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from escalation.follow_up import LONGEST_MAIL
from escalation.models import AgentPresence, Handoff
from mangaassist.typed_text import without_controls

MAX_FRAME_BYTES = 64 * 1024
LONGEST_TEXT = 4000
LONGEST_DETAIL = 200
LONGEST_QUERY = 200
MOST_CARDS = 10
# How an agent may end it: the rest are the shopper's and the contact centre's, and a mail ends it by itself.
CLOSE_REASONS = (Handoff.CloseReason.RESOLVED, Handoff.CloseReason.NO_ANSWER)


class DeskFrameRefused(Exception):
    """``code`` as in a ``refused`` frame."""

    def __init__(self, code: str, message: str, *, client_id: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.client_id = client_id


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskFrame:
    """``client_id``: the page's own name for what it asks, a UUID; its answer carries it."""

    client_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class About(DeskFrame):
    handoff_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look(DeskFrame):
    """Which conversation the page shows from now on; empty: none."""

    handoff_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping(DeskFrame):
    """Scripts cannot see the protocol's own pings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take(About):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign(About):
    to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(About):
    to: int
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack(About):
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Close(About):
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(About):
    """``cards``: (kind, id), at most ten."""

    text: str
    cards: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(About):
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Email(About):
    """The answer to the address that the shopper left; the conversation ends with it."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Types(About):
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence(DeskFrame):
    status: str = ""
    capacity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Find(About):
    """``what``: products, or orders of the conversation's customer."""

    what: str
    query: str = ""


def read_desk_frame(raw: str | None) -> DeskFrame:
    """``raw``: None for a binary frame. Raises :class:`DeskFrameRefused`. Unknown fields are ignored."""
    if raw is None:
        raise DeskFrameRefused("malformed", "Frames are JSON text.")
    if len(raw.encode("utf-8", "surrogatepass")) > MAX_FRAME_BYTES:
        raise DeskFrameRefused("too_large", f"A frame may have {MAX_FRAME_BYTES} bytes.")
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise DeskFrameRefused("malformed", "A frame must be one JSON object.") from error
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        raise DeskFrameRefused("malformed", "A frame must be a JSON object with a type.")
    client_id = _uuid(body.get("client_id"))
    if not client_id:
        raise DeskFrameRefused("bad_client_id", "client_id must be a UUID.")
    reader = _READERS.get(body["type"])
    try:
        if reader is None:
            raise DeskFrameRefused("unknown_type", f"There is no frame {body['type'][:40]!r}.")
        return reader(body, client_id)
    except DeskFrameRefused as refusal:
        refusal.client_id = client_id
        raise


def _uuid(value: Any) -> str:
    try:
        return str(uuid.UUID(value)) if isinstance(value, str) and len(value) == 36 else ""
    except ValueError:
        return ""


def _handoff_id(body: dict[str, Any]) -> str:
    found = _uuid(body.get("id"))
    if not found:
        raise DeskFrameRefused("bad_id", "id must be a handoff's UUID.")
    return found


def _text(body: dict[str, Any], name: str, limit: int, *, needed: bool = False) -> str:
    value = body.get(name) or ""
    if not isinstance(value, str) or len(value) > limit:
        raise DeskFrameRefused(f"bad_{name}", f"{name} must be text of at most {limit} characters.")
    value = without_controls(value)
    if needed and not value:
        raise DeskFrameRefused(f"empty_{name}", f"{name} is empty.")
    return value


def _number(body: dict[str, Any], name: str, low: int, high: int) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise DeskFrameRefused(f"bad_{name}", f"{name} must be a number from {low} to {high}.")
    return value


def _one_of(body: dict[str, Any], name: str, known: tuple[str, ...]) -> str:
    value = body.get(name)
    if value not in known:
        raise DeskFrameRefused(f"bad_{name}", f"{name} must be one of {', '.join(known)}.")
    return str(value)


def _cards(body: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    cards = body.get("cards") or []
    if not isinstance(cards, list) or len(cards) > MOST_CARDS:
        raise DeskFrameRefused("bad_cards", f"cards must be a list of at most {MOST_CARDS}.")
    found: dict[tuple[str, str], None] = {}
    for card in cards:
        kind, id = (card.get("kind"), card.get("id")) if isinstance(card, dict) else (None, None)
        if kind not in ("product", "order") or not isinstance(id, str) or not 0 < len(id) <= 64:
            raise DeskFrameRefused("bad_cards", "A card is {kind: product or order, id}.")
        found[kind, id] = None
    return tuple(found)


def _user(body: dict[str, Any]) -> int:
    return _number(body, "to", 1, 2**53)


def _say(body: dict[str, Any], client_id: str) -> Say:
    cards = _cards(body)
    text = _text(body, "text", LONGEST_TEXT, needed=not cards)
    return Say(client_id=client_id, handoff_id=_handoff_id(body), text=text, cards=cards)


def _presence(body: dict[str, Any], client_id: str) -> Presence:
    status = _one_of(body, "status", tuple(AgentPresence.Status.values)) if body.get("status") else ""
    capacity = _number(body, "capacity", 1, 20) if body.get("capacity") is not None else None
    return Presence(client_id=client_id, status=status, capacity=capacity)


def _detail(body: dict[str, Any]) -> str:
    return _text(body, "detail", LONGEST_DETAIL)


_READERS: dict[str, Callable[[dict[str, Any], str], DeskFrame]] = {
    "look": lambda body, client_id: Look(client_id=client_id, handoff_id=_handoff_id(body) if body.get("id") else ""),
    "ping": lambda body, client_id: Ping(client_id=client_id),
    "take": lambda body, client_id: Take(client_id=client_id, handoff_id=_handoff_id(body)),
    "assign": lambda body, client_id: Assign(client_id=client_id, handoff_id=_handoff_id(body), to=_user(body)),
    "transfer": lambda body, client_id: Transfer(
        client_id=client_id, handoff_id=_handoff_id(body), to=_user(body), detail=_detail(body)
    ),
    "return": lambda body, client_id: GiveBack(client_id=client_id, handoff_id=_handoff_id(body), detail=_detail(body)),
    "close": lambda body, client_id: Close(
        client_id=client_id,
        handoff_id=_handoff_id(body),
        reason=_one_of(body, "reason", CLOSE_REASONS),
        detail=_detail(body),
    ),
    "say": _say,
    "note": lambda body, client_id: Note(
        client_id=client_id, handoff_id=_handoff_id(body), text=_text(body, "text", LONGEST_TEXT, needed=True)
    ),
    "email": lambda body, client_id: Email(
        client_id=client_id, handoff_id=_handoff_id(body), text=_text(body, "text", LONGEST_MAIL, needed=True)
    ),
    "types": lambda body, client_id: Types(
        client_id=client_id, handoff_id=_handoff_id(body), active=body.get("active") is True
    ),
    "presence": _presence,
    "find": lambda body, client_id: Find(
        client_id=client_id,
        handoff_id=_handoff_id(body),
        what=_one_of(body, "what", ("products", "orders")),
        query=_text(body, "query", LONGEST_QUERY),
    ),
}
