"""What the desk's page may send, and the refusal that names what is wrong with the rest."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from escalation.desk_frames import (
    Close,
    DeskFrame,
    DeskFrameRefused,
    Email,
    Find,
    Look,
    Presence,
    Say,
    Take,
    Transfer,
    read_desk_frame,
)

ID = "6f1c9a52-0a54-4a3e-9a58-0d1f7e5c2b11"
WORD = "0b0b0b0b-0a54-4a3e-9a58-0d1f7e5c2b11"


def read(**fields: Any) -> DeskFrame:
    return read_desk_frame(orjson.dumps({"client_id": WORD} | fields).decode())


GOOD = [
    ({"type": "look", "id": ID}, Look(client_id=WORD, handoff_id=ID)),
    ({"type": "look"}, Look(client_id=WORD)),
    ({"type": "take", "id": ID.upper(), "unknown": 1}, Take(client_id=WORD, handoff_id=ID)),
    ({"type": "transfer", "id": ID, "to": 7}, Transfer(client_id=WORD, handoff_id=ID, to=7)),
    (
        {"type": "close", "id": ID, "reason": "no_answer", "detail": " gone "},
        Close(client_id=WORD, handoff_id=ID, reason="no_answer", detail="gone"),
    ),
    (
        {"type": "say", "id": ID, "text": "a\r\nb\x00", "cards": []},
        Say(client_id=WORD, handoff_id=ID, text="a\nb"),
    ),
    (
        {"type": "say", "id": ID, "text": "", "cards": [{"kind": "product", "id": "X"}] * 2},
        Say(client_id=WORD, handoff_id=ID, text="", cards=(("product", "X"),)),
    ),
    ({"type": "email", "id": ID, "text": " Hi "}, Email(client_id=WORD, handoff_id=ID, text="Hi")),
    ({"type": "presence", "status": "away"}, Presence(client_id=WORD, status="away")),
    ({"type": "presence", "capacity": 20}, Presence(client_id=WORD, capacity=20)),
    (
        {"type": "find", "id": ID, "what": "orders", "query": None},
        Find(client_id=WORD, handoff_id=ID, what="orders"),
    ),
]


@pytest.mark.parametrize(("fields", "frame"), GOOD)
def test_a_frame_becomes_a_typed_value(fields: dict[str, Any], frame: DeskFrame) -> None:
    assert read(**fields) == frame


BAD = [
    ({"type": "dance"}, "unknown_type"),
    ({"type": "take"}, "bad_id"),
    ({"type": "email", "id": ID, "text": ""}, "empty_text"),
    ({"type": "email", "id": ID, "text": 7}, "bad_text"),
    ({"type": "email", "id": ID, "text": "x" * 10_001}, "bad_text"),
    ({"type": "close", "id": ID, "reason": "by_email"}, "bad_reason"),
    ({"type": "take", "id": "1"}, "bad_id"),
    ({"type": "take", "id": [ID]}, "bad_id"),
    ({"type": "take", "id": "g" * 36}, "bad_id"),
    ({"type": "look", "id": "here"}, "bad_id"),
    ({"type": "assign", "id": ID}, "bad_to"),
    ({"type": "assign", "id": ID, "to": "7"}, "bad_to"),
    ({"type": "assign", "id": ID, "to": True}, "bad_to"),
    ({"type": "assign", "id": ID, "to": 0}, "bad_to"),
    ({"type": "assign", "id": ID, "to": 2**63}, "bad_to"),
    ({"type": "transfer", "id": ID, "to": 7, "detail": "x" * 201}, "bad_detail"),
    ({"type": "return", "id": ID, "detail": 7}, "bad_detail"),
    ({"type": "close", "id": ID}, "bad_reason"),
    ({"type": "close", "id": ID, "reason": "elsewhere"}, "bad_reason"),
    ({"type": "close", "id": ID, "reason": ["resolved"]}, "bad_reason"),
    ({"type": "say", "id": ID}, "empty_text"),
    ({"type": "say", "id": ID, "text": " \u202e\x00 "}, "empty_text"),
    ({"type": "say", "id": ID, "text": "x" * 4001}, "bad_text"),
    ({"type": "say", "id": ID, "text": ["x"]}, "bad_text"),
    ({"type": "say", "id": ID, "text": "x", "cards": {"kind": "product"}}, "bad_cards"),
    ({"type": "say", "id": ID, "text": "x", "cards": ["X"]}, "bad_cards"),
    ({"type": "say", "id": ID, "text": "x", "cards": [{"kind": "series", "id": "berserk"}]}, "bad_cards"),
    ({"type": "say", "id": ID, "text": "x", "cards": [{"kind": ["product"], "id": "X"}]}, "bad_cards"),
    ({"type": "say", "id": ID, "text": "x", "cards": [{"kind": "product", "id": ""}]}, "bad_cards"),
    ({"type": "say", "id": ID, "text": "x", "cards": [{"kind": "product", "id": "X" * 65}]}, "bad_cards"),
    ({"type": "say", "id": ID, "text": "x", "cards": [{"kind": "product", "id": str(n)} for n in range(11)]}, "bad_cards"),
    ({"type": "note", "id": ID, "text": ""}, "empty_text"),
    ({"type": "types", "active": True}, "bad_id"),
    ({"type": "presence", "status": "asleep"}, "bad_status"),
    ({"type": "presence", "capacity": 0}, "bad_capacity"),
    ({"type": "presence", "capacity": 2.5}, "bad_capacity"),
    ({"type": "presence", "capacity": True}, "bad_capacity"),
    ({"type": "find", "id": ID, "what": "secrets"}, "bad_what"),
    ({"type": "find", "id": ID, "what": "products", "query": "x" * 201}, "bad_query"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "code"), BAD)
def test_a_bad_frame_is_refused_by_its_field(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(DeskFrameRefused) as refusal:
        read(**fields)
    assert (refusal.value.code, refusal.value.client_id) == (code, WORD)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (None, "malformed"),
        ("", "malformed"),
        ("{", "malformed"),
        ("[]", "malformed"),
        ('{"client_id": "' + WORD + '"}', "malformed"),
        ('{"type": 7}', "malformed"),
        ('{"type": "ping"}', "bad_client_id"),
        ('{"type": "ping", "client_id": 7}', "bad_client_id"),
        ('{"type": "ping", "client_id": "' + "x" * 36 + '"}', "bad_client_id"),
        ('{"type": "ping", "t": "' + "x" * 65_536 + '"}', "too_large"),
        ("\ud800", "malformed"),
    ],
)
def test_what_is_no_frame_is_refused(raw: str | None, code: str) -> None:
    with pytest.raises(DeskFrameRefused) as refusal:
        read_desk_frame(raw)
    assert (refusal.value.code, refusal.value.client_id) == (code, "")
