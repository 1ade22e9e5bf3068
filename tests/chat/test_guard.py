"""The price guard: what may leave, and how a stream is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.guard import Refused, escape, numbers_in, release
from chat.sentences import LONGEST_SENTENCE, SentenceSplitter


def fill(kind: str, id: str) -> str | None:
    linked = "Nana ![x](https://evil.example)"
    return {"price:A": "$9.99", "title:A": "Nana, Vol. 1", "title:L": linked, "passage:P": "See [here](/help/)."}.get(
        f"{kind}:{id}"
    )


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        ("{{title:A}} costs {{price:A}}.", "Nana, Vol. 1 costs $9.99."),
        ("It has 21 volumes.", "It has 21 volumes."),
        ("全２１巻です。", "全２１巻です。"),
        ("Nothing special.", "Nothing special."),
        ("See {{title:L}}.", "See Nana ![x] (https://evil.example)."),
        ("{{passage:P}}", "See [here](/help/)."),
        ("We <3 it :)", "We <3 it :)"),
    ],
)
def test_what_is_proven_leaves(sentence: str, left: str) -> None:
    assert release(sentence, fill=fill, proven_numbers=numbers_in(["21 volumes", "<3"])) == left


@pytest.mark.parametrize(
    "sentence",
    [
        "It costs $5.",
        "It costs 9.99 dollars.",
        "Only ¥500!",
        "五百円です。",
        "９９９円です。",
        "There are 7 left.",
        "残り７冊です。",
        "{{price:B}} today.",
        "{{stock:A}} today.",
        "{{price:A",
        "price:A}} today",
        "Save 30 EUR now.",
        "Look at https://evil.example now.",
        "See www.evil.example.",
        "![cover](//evil.example/a.png)",
        "It is [here](/evil).",
        "<script>alert()</script>",
        "javascript:alert()",
    ],
)
def test_what_is_not_proven_is_refused(sentence: str) -> None:
    assert isinstance(release(sentence, fill=fill, proven_numbers=frozenset({"21", "9", "99"})), Refused)


def test_foreign_text_cannot_open_a_slot() -> None:
    assert release(escape("{{price:A}}"), fill=fill, proven_numbers=frozenset()) != "$9.99"


TEXT = "First one. {{title:A}} is here! どうも。 続きは「これ」。\n- a\n\n- {{price:A}}, {{title:A}}\nLast without end"


def split(text: str, sizes: list[int]) -> list[str]:
    splitter = SentenceSplitter()
    pieces: list[str] = []
    at = 0
    for size in [*sizes, len(text)]:
        pieces += splitter.feed(text[at : at + size])
        at += size
    return [*pieces, splitter.rest()]


@given(
    st.one_of(st.just(TEXT), st.text(alphabet="ab. !?。」\n{}:", max_size=80).map(lambda text: text * 20)),
    st.lists(st.integers(1, 9), min_size=1, max_size=60),
)
def test_however_a_stream_is_chunked_the_sentences_are_the_same(text: str, sizes: list[int]) -> None:
    pieces = split(text, sizes)
    assert pieces == split(text, [])
    assert "".join(pieces) == text
    assert all(len(piece) <= LONGEST_SENTENCE for piece in pieces[:-1])


def test_no_slot_is_cut() -> None:
    assert all(piece.count("{{") == piece.count("}}") for piece in split(TEXT, [1] * len(TEXT)))
    long = "word " * 119 + "{{title:A}} is here"
    assert [piece[:9] for piece in split(long, [])] == ["word word", "{{title:A"]
