"""Texts that mean the same compare equal, and Japanese is found without spaces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.text import fold, query_tokens, tokens


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("ONE PIECE", "one piece"),
        ("ＯＮＥ　ＰＩＥＣＥ", "one piece"),
        ("one-piece", "one piece"),
        ("  One…Piece!! ", "one piece"),
        ("ﾜﾝﾋﾟｰｽ", "ワンピース"),
        ("ワンピース", "ワンピース"),
        ("ヴィンランド・サガ", "ヴィンランド サガ"),
        ("Yotsuba&!", "yotsuba"),
        ("よつばと！", "よつばと"),
        ("Journey’s End", "journeys end"),
        ("Journey's End", "journeys end"),
        ("Tokyo Ghoul:re", "tokyo ghoul re"),
        ("Shōnen", "shonen"),
        ("がぎぐ", "がぎぐ"),
        ("第７巻", "第 7 巻"),
        ("…!?", ""),
    ],
)
def test_one_spelling_for_all(written, folded):
    assert fold(written) == folded


def test_kana_stay_what_they_are():
    assert fold("ベルセルク") != fold("べるせるく")


def test_two_character_words_are_tokens():
    assert {"鬼滅", "滅の", "刃"} <= set(tokens("鬼滅の刃"))
    assert query_tokens("鬼滅") == ["鬼滅"]
    assert query_tokens("刃") == ["刃"]


def test_latin_words_stay_whole():
    assert tokens("Dark Fantasy") == ["dark", "fantasy"]


@given(st.text(max_size=60))
def test_folding_again_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=60))
def test_what_a_text_asks_for_is_in_its_own_tokens(text):
    assert set(query_tokens(text)) <= set(tokens(text))
