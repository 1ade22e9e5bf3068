"""An answer of then beside the one of now, word by word. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Words of spaced scripts whole, prices as one, every other character alone: Japanese has no spaces to cut at.
_PIECE = re.compile(r"[$€£¥]?\d[\d.,]*\d|[A-Za-z0-9À-ɏ]+(?:['’][A-Za-z]+)?|\s+|.", re.DOTALL)
# Beyond this an exact comparison takes too long.
LONGEST = 6_000


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text: on both sides, only then, or only now."""

    text: str
    side: Literal["both", "then", "now"]


@dataclass(frozen=True, slots=True)
class Compared:
    """One fact of a turn, then and now."""

    name: str | Promise
    then: str
    now: str

    @property
    def differs(self) -> bool:
        return self.then != self.now


def compare_texts(then: str, now: str) -> list[Piece]:
    """In the order of reading; what was replaced stands before what replaces it."""
    old, new = _PIECE.findall(then[:LONGEST]), _PIECE.findall(now[:LONGEST])
    pieces: list[Piece] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("".join(old[a:b]), "both"))
            continue
        if a < b:
            pieces.append(Piece("".join(old[a:b]), "then"))
        if c < d:
            pieces.append(Piece("".join(new[c:d]), "now"))
    return pieces


def compare_cards(then: Sequence[dict[str, Any]], now: Sequence[dict[str, Any]]) -> list[Compared]:
    """Every card of either side in its order, with the price that was quoted; "" where it was not shown."""
    old, new = _quotes(then), _quotes(now)
    return [Compared(id, old.get(id, ""), new.get(id, "")) for id in dict.fromkeys([*old, *new])]


def _quotes(cards: Sequence[dict[str, Any]]) -> dict[str, str]:
    quotes = {}
    for card in cards:
        quoted = card.get("quoted") or {}
        quotes[str(card.get("id", ""))] = f"{quoted['amount']} {quoted['currency']}" if quoted else "✓"
    return quotes


def compare_facts(then: dict[str, Any], now: dict[str, Any]) -> list[Compared]:
    """Both with the names of ``FACTS``."""
    return [Compared(label, _said(then.get(name)), _said(now.get(name))) for name, label in FACTS.items()]


FACTS: dict[str, Promise] = {
    "intent": _("Intent"),
    "confidence": _("Confidence"),
    "language": _("Language"),
    "generator": _("Generator"),
    "engine": _("Recommender"),
    "model": _("Model"),
    "prompt": _("Prompt"),
    "quick_replies": _("Quick replies"),
    "citations": _("Sources"),
}


def _said(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return f"{value:.2f}" if isinstance(value, float) else str(value or "")
