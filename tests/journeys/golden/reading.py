"""Reads golden journeys: plain text, so that a bookseller can write one.

A journey begins with ``== name``, may name its shopper (``customer: alice``) and the open page
(``page: ASIN`` or ``page: series/ID``), and goes on turn by turn::

    > what the shopper says
    intent: price
    says: a part of the answer | or another one
    not: what must not be in it
    cards: exactly these ids, in this order
    shows: these ids are among the cards
    replies: a quick reply that is offered

``says`` and ``not`` may be repeated; case and spaces count. Lines that begin with ``#`` are remarks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

EXPECTATIONS = frozenset({"intent", "says", "not", "cards", "shows", "replies"})
GOLDEN = Path(__file__).parent


@dataclass(slots=True)
class Said:
    text: str
    line: int
    expected: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Journey:
    """``subject``: its file, "en/volumes"."""

    name: str
    language: str
    subject: str
    customer: str = ""
    page: str = ""
    turns: list[Said] = field(default_factory=list)


def read_journeys() -> list[Journey]:
    """All journeys. Raises ``ValueError`` with file and line for what cannot be read."""
    return [
        journey
        for language in ("en", "ja")
        for path in sorted((GOLDEN / language).glob("*.txt"))
        for journey in _read(path.read_text("utf-8"), language, path.stem)
    ]


def _read(text: str, language: str, subject: str) -> list[Journey]:
    journeys: list[Journey] = []
    for number, written in enumerate(text.splitlines(), 1):
        line = written.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("== "):
            journeys.append(Journey(line[3:], language, f"{language}/{subject}"))
        elif line.startswith("> "):
            journeys[-1].turns.append(Said(line[2:], number))
        else:
            key, found, value = line.partition(": ")
            if not found:
                raise ValueError(f"{language}/{subject}.txt:{number}: neither a turn nor an expectation")
            _take(journeys[-1], key, value, f"{language}/{subject}.txt:{number}")
    return journeys


def _take(journey: Journey, key: str, value: str, where: str) -> None:
    if key == "customer" and not journey.turns:
        journey.customer = value
    elif key == "page" and not journey.turns:
        journey.page = value
    elif key in EXPECTATIONS and journey.turns:
        journey.turns[-1].expected.append((key, value))
    else:
        raise ValueError(f"{where}: {key!r} has no place here")
