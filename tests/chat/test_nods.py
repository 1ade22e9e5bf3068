"""What holds nothing to answer: table."""

from __future__ import annotations

import pytest

from chat.nods import is_a_nod


@pytest.mark.parametrize(
    "text",
    ["ok", "OK!", "yes", "no", "hmm", "never mind", "ok, got it", "no, that's all", "👍", "👍🏽", "😀 😀", "はい", "いいえ",
     "うーん", "なるほど。", "大丈夫です", "わかりました"],
)  # fmt: skip
def test_nothing_to_answer(text: str) -> None:
    assert is_a_nod(text)


@pytest.mark.parametrize(
    "text",
    ["", "?", "7", "no, Berserk", "ok, and in Japanese?", "yes please, a human", "nothing works", "👎", "😡", "good horror",
     "cool manga", "🍥 manga", "うんざりです", "はいきゅー", "いいえ、ナルトです",
     "う" * 59 + "x", "hm" * 29 + "x", "ok " * 100],
)  # fmt: skip
def test_something_to_answer(text: str) -> None:
    assert not is_a_nod(text)
