"""Which language a message is in: any kana or a mostly Han text is Japanese; neutral text keeps the conversation's."""

from __future__ import annotations

import re
import unicodedata

from chat.understanding.types import Language

_KANA = re.compile(r"[\u3040-\u30ff]")
_HAN = re.compile(r"[\u3400-\u9fff々]")
_WORD = re.compile(r"[a-z]{2,}", re.IGNORECASE)


def language_of(text: str, *, hint: Language = "en") -> Language:
    """``hint`` decides for what has no language of its own: "7", "ONE PIECE?", an emoji."""
    text = unicodedata.normalize("NFKC", text)
    words = _WORD.findall(text)
    japanese = len(_KANA.findall(text)) + len(_HAN.findall(text))
    if japanese:
        # "do you have ベルセルク in stock" is an English sentence with a Japanese title.
        return "en" if len(words) >= 4 and sum(map(len, words)) > japanese else "ja"
    if len(words) >= 2 and not text.isupper():
        return "en"
    if hint == "ja" and len(words) <= 2:
        return "ja"
    return "en" if words else hint
