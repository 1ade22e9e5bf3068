"""Kana as they sound."""

import pytest

from shop.kana import by_ear, romaji


@pytest.mark.parametrize(
    ("kana", "letters"),
    [
        ("きめつのやいば", "kimetsunoyaiba"),
        ("しんげきのきょじん", "shingekinokyojin"),
        ("ジョジョ", "jojo"),
        ("チェンソーマン", "chensoman"),
        ("ハイキュー", "haikyu"),
        ("ナルト", "naruto"),
        ("ｶｰﾄﾞ", "kado"),
        ("まっちゃ", "matcha"),
        ("ヴィンランド", "vinrando"),
        ("漢字", ""),
        ("", ""),
        ("ー", ""),
        ("っ", ""),
    ],
)
def test_romaji(kana: str, letters: str) -> None:
    assert romaji(kana) == letters


def test_long_vowels_are_one_by_ear() -> None:
    assert by_ear("juuni kokki") == by_ear("juni kokki") == "junikokki"
    assert by_ear("bokuno hiiroo akademia") == "bokunohiiroakademia"
