"""Cutting text into passages that can be quoted whole. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from knowledge.documents import ReadDocument

# As much as a shopper reads in a chat; an article of ours is one answer and stays whole up to the second limit.
LONGEST_PASSAGE = 900
LONGEST_ANSWER = 2_500
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a source says now, in passages of (title, text); none: it is gone, or says nothing.

    ``kind`` and ``ref``: see :class:`knowledge.models.Passage`. ``note()`` is called in the transaction that takes it
    in, so that what is noted of a source and what the index holds of it are one.
    """

    kind: str
    ref: str
    locale: str = ""
    category: str = ""
    age_rating: str = ""
    passages: tuple[tuple[str, str], ...] = ()
    note: Callable[[], object] = field(default=lambda: None, compare=False, repr=False)

    @property
    def digest(self) -> str:
        texts = (part for passage in self.passages for part in passage)
        said = "\x1f".join((self.locale, self.category, self.age_rating, *texts))
        return sha256(said.encode()).hexdigest()


def of_answer(question: str, body: str) -> tuple[tuple[str, str], ...]:
    return tuple((question, text) for text in _cut(body, LONGEST_ANSWER))


def of_document(document: ReadDocument) -> tuple[tuple[str, str], ...]:
    return tuple(
        (_titled(document.title, section.heading), text)
        for section in document.sections
        for text in _cut(section.text, LONGEST_PASSAGE)
    )


def of_product(title: str, description: str) -> tuple[tuple[str, str], ...]:
    return tuple((title, text) for text in _cut(description, LONGEST_PASSAGE))


def _titled(title: str, heading: str) -> str:
    return (title if not heading or heading == title else f"{title}: {heading}")[:300]


def _cut(text: str, longest: int) -> Iterator[str]:
    """Whole paragraphs, as many as fit; a longer one by sentences, a longer sentence as it comes."""
    held = ""
    for separator, piece in _pieces(text.strip(), longest):
        if held and len(held) + len(separator) + len(piece) > longest:
            yield held
            held = piece
        else:
            held = f"{held}{separator}{piece}" if held else piece
    if held:
        yield held


def _pieces(text: str, longest: int) -> Iterator[tuple[str, str]]:
    """(what stands before it, text no longer than ``longest``)."""
    for paragraph in filter(None, re.split(r"\n\s*\n", text)):
        separator = "\n\n"
        for sentence in [paragraph] if len(paragraph) <= longest else _sentences(paragraph):
            for start in range(0, len(sentence), longest):
                yield separator, sentence[start : start + longest]
                separator = " " if sentence.isascii() else ""


def _sentences(paragraph: str) -> Iterable[str]:
    return (sentence.strip() for sentence in _SENTENCE_END.split(paragraph) if sentence.strip())
