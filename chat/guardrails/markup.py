"""Plain text only: nothing that a page, a mail or an export could take for more, and nothing that hides a word."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from chat.guardrails.proof import Bare, Proof
from chat.sentences import LONGEST_SENTENCE

_MARKUP = re.compile(
    r"://|\b(?:https?|javascript|data|mailto|file|ftp|tel):|\bwww\.|\]\(|!\[|\]\[|<[a-z/!?]|&(?:#|[a-z]+;)|```|`|@\w|\\[nux]|\$\{|\{%|"
    r"\b[a-z0-9-]+\.(?:com|net|org|io|jp|co|shop|app|dev|xyz|example|info|biz|me|ly)\b|^\s*(?:#{1,6} |\|)|"
    r"\b(?:system|assistant|user|human)\s*:",
    re.IGNORECASE,
)
# Letters one by one, which no rule about words would read.
_SPELT = re.compile(r"(?:(?<![^\W_])[^\W_][\s.\-_*·,/]+){3,}[^\W_](?![^\W_])")
_INSIDE_WORD = re.compile(r"[a-z][-_*·.|~^/\\+]+(?:[a-z]{1,2}[-_*·.|~^/\\+]+)+[a-z]", re.IGNORECASE)
_KINDLY = frozenset("📚📖✨😊🙂🎉👋❤★☆♪→・")
_SCRIPTS = ("LATIN", "HIRAGANA", "KATAKANA", "CJK", "IDEOGRAPHIC", "MASCULINE", "FEMININE")


def unsafe_text(read: Bare, proof: Proof) -> str:
    if len(read.sentence) >= LONGEST_SENTENCE:
        return "no sentence"
    if _MARKUP.search(read.text):
        return "markup or address"
    for char in read.sentence:
        if not _is_plain(char):
            return f"character U+{ord(char):04X}"
    japanese = re.search("[\u3041-\u30ff\u3400-\u9fff]", read.unnamed) is not None
    if not japanese and (_SPELT.search(read.unnamed) or _INSIDE_WORD.search(read.unnamed)):
        return "a word spelt out"
    return ""


@lru_cache(maxsize=4096)
def _is_plain(char: str) -> bool:
    """Letters of our two scripts, digits, punctuation, spaces. No control, invisible or look-alike character."""
    if char in "\n" or char in _KINDLY or char == "\ufe0f":
        return True
    category = unicodedata.category(char)
    if category[0] == "L":
        return unicodedata.name(unicodedata.normalize("NFKC", char)[0], "").startswith(_SCRIPTS)
    # Accents of Latin letters and the voicing marks of kana, which may come decomposed.
    if category == "Mn":
        return "\u0300" <= char <= "\u036f" or char in "\u3099\u309a"
    # Numerals that are no digits (Ⅳ, ½, ①) hide what they say from rules about words.
    return category in {"Nd", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Pc", "Zs", "Sm", "Sc", "Sk"}
