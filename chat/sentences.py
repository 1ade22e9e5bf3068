"""Cutting a stream of text into sentences, the same ones however the stream is chunked."""

from __future__ import annotations

import re
from collections.abc import Iterator

_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+|(?<=[。！？])[」』）]*|\n\s*")
# A text that never ends its sentence is cut after so many characters.
LONGEST_SENTENCE = 600


class SentenceSplitter:
    """Cuts a stream at sentence ends, never inside a slot. The pieces joined are the stream, to the character.

    Where it cuts depends on the text alone: an end counts once the character after it is known.
    """

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> Iterator[str]:
        self._held += piece
        while cut := self._cut():
            yield self._held[:cut]
            self._held = self._held[cut:]

    def rest(self) -> str:
        held, self._held = self._held, ""
        return held

    def _cut(self) -> int:
        for match in _END.finditer(self._held):
            # An end at the very edge may go on with the next piece ("3." + "5", "!" + "」").
            if match.end() == len(self._held) or match.end() > LONGEST_SENTENCE:
                break
            if match.end() and _open_slot(self._held, match.end()) is None:
                return match.end()
        if len(self._held) <= LONGEST_SENTENCE:
            return 0
        slot = _open_slot(self._held, LONGEST_SENTENCE)
        return slot or LONGEST_SENTENCE


def _open_slot(text: str, end: int) -> int | None:
    """Where a slot begins that is not closed before ``end``."""
    opened = text.rfind("{{", 0, end)
    return opened if opened >= 0 and text.find("}}", opened, end) < 0 else None
