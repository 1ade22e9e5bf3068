"""The price guard: what may leave for the shopper, sentence by sentence.

A generator writes slots (``{{price:ASIN}}``) and words. Slots are filled here, at release, from one live read and
this turn's evidence. Outside slots nothing that could be a price, a stock level or an unproven number passes:
default deny. What is refused is dropped with a note in the trace, never "repaired".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

SLOT = re.compile(r"\{\{(?P<kind>[a-z_]+):(?P<id>[^{}]{1,160})\}\}")
# Money in any dress: signs, ISO codes and words, in both languages.
_MONEY = re.compile(
    r"[$€£¥￥₩]|\b(?:usd|jpy|eur|gbp|dollars?|cents?|bucks?|yen|euros?|pounds?|quid)\b|[\d一二三四五六七八九十百千万]円|ドル|ユーロ",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+|(?<=[。！？])[」』）]*|\n+")
# A model that never ends its sentence is released in pieces no longer than this.
LONGEST_SENTENCE = 600


@dataclass(frozen=True, slots=True)
class Refused:
    """A sentence that may not leave, and why."""

    sentence: str
    reason: str


def escape(text: str) -> str:
    """Makes foreign text (a shopper's, a review's, a description) unable to open a slot."""
    return text.replace("{{", "{ {")


def numbers_in(texts: Iterable[str]) -> frozenset[str]:
    """The numbers that evidence proves: a sentence may repeat them."""
    return frozenset(number for text in texts for number in _DIGITS.findall(unicodedata.normalize("NFKC", text)))


def slots_in(text: str) -> list[tuple[str, str]]:
    return [(match["kind"], match["id"]) for match in SLOT.finditer(text)]


def release(sentence: str, *, fill: Callable[[str, str], str | None], proven_numbers: frozenset[str]) -> str | Refused:
    """The sentence with its slots filled, or why it may not leave.

    ``fill(kind, id)`` gives a slot's text, or None when this turn's evidence has no such thing.
    """
    bare = unicodedata.normalize("NFKC", SLOT.sub(" ", sentence))
    if "{{" in bare or "}}" in bare:
        return Refused(sentence, "broken slot")
    if _MONEY.search(bare):
        return Refused(sentence, "money outside a slot")
    unproven = [number for number in _DIGITS.findall(bare) if number not in proven_numbers]
    if unproven:
        return Refused(sentence, f"unproven number {unproven[0]}")
    filled: list[str] = []
    last = 0
    for match in SLOT.finditer(sentence):
        value = fill(match["kind"], match["id"])
        if value is None:
            return Refused(sentence, f"nothing known for {match['kind']}:{match['id']}")
        filled += [sentence[last : match.start()], value]
        last = match.end()
    return "".join([*filled, sentence[last:]])


class SentenceSplitter:
    """Cuts a stream at sentence ends, never inside a slot. The pieces joined are the stream, to the character."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> Iterator[str]:
        self._held += piece
        while True:
            cut = self._cut()
            if cut == 0:
                return
            yield self._held[:cut]
            self._held = self._held[cut:]

    def rest(self) -> str:
        held, self._held = self._held, ""
        return held

    def _cut(self) -> int:
        for match in _SENTENCE_END.finditer(self._held):
            # An end at the very edge may go on with the next piece ("3." + "5", "!" + "」").
            if match.end() == len(self._held) and not match[0].endswith("\n"):
                break
            if match.end() and self._held.count("{{", 0, match.end()) == self._held.count("}}", 0, match.end()):
                return match.end()
        return len(self._held) if len(self._held) > LONGEST_SENTENCE and "{{" not in self._held[-200:] else 0
