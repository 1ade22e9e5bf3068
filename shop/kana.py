"""Kana read aloud: a title typed as it sounds (きめつのやいば) is found by its romanised name (Kimetsu no Yaiba)."""

from __future__ import annotations

import re
import unicodedata

_ROWS = {
    "": "あいうえお",
    "k": "かきくけこ",
    "s": "さしすせそ",
    "t": "たちつてと",
    "n": "なにぬねの",
    "h": "はひふへほ",
    "m": "まみむめも",
    "r": "らりるれろ",
    "g": "がぎぐげご",
    "z": "ざじずぜぞ",
    "d": "だぢづでど",
    "b": "ばびぶべぼ",
    "p": "ぱぴぷぺぽ",
}
_LETTERS = {kana: row + vowel for row, kanas in _ROWS.items() for kana, vowel in zip(kanas, "aiueo", strict=True)}
_LETTERS |= {"や": "ya", "ゆ": "yu", "よ": "yo", "わ": "wa", "を": "o", "ん": "n", "ゔ": "vu", "ー": ""}
# Hepburn's own ways.
_LETTERS |= {"し": "shi", "ち": "chi", "つ": "tsu", "ふ": "fu", "じ": "ji", "ぢ": "ji", "づ": "zu"}
_SMALL_VOWELS = dict(zip("ぁぃぅぇぉ", "aiueo", strict=True))
_SMALL_Y = {"ゃ": "a", "ゅ": "u", "ょ": "o"}
_LONG = re.compile(r"ou|oo|uu")


def romaji(text: str) -> str:
    """Hepburn letters of hiragana and katakana, other characters dropped: "きめつのやいば" → "kimetsunoyaiba"."""
    hiragana = (chr(ord(char) - 0x60) if "ァ" <= char <= "ヴ" else char for char in unicodedata.normalize("NFKC", text))
    spoken, doubles = "", False
    for char in hiragana:
        if char == "っ":
            doubles = True
            continue
        if char in _SMALL_Y and spoken.endswith("i"):
            # きゃ kya, but しゃ sha, ちゃ cha, じゃ ja.
            palatal = "" if spoken.endswith(("shi", "chi", "ji")) else "y"
            spoken = spoken[:-1] + palatal + _SMALL_Y[char]
        elif char in _SMALL_VOWELS and spoken:
            # ファ fa, ティ ti, チェ che.
            spoken = (spoken[:-1] if spoken[-1] in "aiueo" else spoken) + _SMALL_VOWELS[char]
        elif char in _LETTERS:
            letters = _LETTERS[char]
            spoken += ("t" if letters.startswith("ch") else letters[:1]) + letters if doubles else letters
        doubles = False
    return spoken


def by_ear(folded: str) -> str:
    """Romanised text as it sounds, however long vowels are written: "jūni kokki", "juuni kokki" → "junikokki"."""
    return _LONG.sub(lambda long: long[0][0], re.sub(r"[^a-z]", "", folded))
