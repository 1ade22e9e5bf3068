"""The price guard: what may leave for the shopper, sentence by sentence.

A generator writes slots (``{{price:ASIN}}``) and words. Slots are filled here, at release, from one live read and
this turn's evidence. Outside slots nothing that could be a price, a stock level or an unproven number passes:
default deny. What is refused is dropped with a note in the trace, never "repaired". A model's sentences pass
chat.guardrails before they come here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chat.slots import SLOT

# Money in any dress: signs, ISO codes and words, in both languages.
_MONEY = re.compile(
    r"[$€£¥￥₩]|\b(?:usd|jpy|eur|gbp|dollars?|cents?|bucks?|yen|euros?|pounds?|quid)\b|[\d一二三四五六七八九十百千万]円|ドル|ユーロ",
    re.IGNORECASE,
)
# What a page or a mail could take for a link, a picture or a tag: descriptions and names come from elsewhere.
_MARKUP = re.compile(r"://|\bwww\.|\bjavascript:|\]\(|!\[|<[a-z/!?]", re.IGNORECASE)
# Its articles may hold links: they are the shop's own answers.
_MAY_LINK = "passage"
_DIGITS = re.compile(r"\d+")


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
    if _MARKUP.search(bare):
        return Refused(sentence, "markup or address outside a slot")
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
        # A name makes no link of what stands behind it.
        plain = value if match["kind"] == _MAY_LINK else value.replace("](", "] (")
        filled += [sentence[last : match.start()], plain]
        last = match.end()
    return "".join([*filled, sentence[last:]])
