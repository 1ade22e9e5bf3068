"""The composer's words: per language, phrase name → wordings. A wording's ``{name}`` is a word of the plan's line.

Slots (``{{price:ASIN}}`` …) come in through the words; no wording holds a number, a price or a stock level.
"""

from __future__ import annotations

from datetime import date

from chat.phrases import en, ja
from chat.understanding.types import Language

PHRASES: dict[Language, dict[str, tuple[str, ...]]] = {"en": en.PHRASES, "ja": ja.PHRASES}
NAMES: dict[Language, dict[str, str]] = {"en": en.NAMES, "ja": ja.NAMES}
JOINERS: dict[Language, str] = {"en": ", ", "ja": "、"}


def say(language: Language, phrase: str, variant: int = 0, /, **words: str) -> str:
    """One wording, filled. ``variant`` picks among several, so that repeats do not sound canned."""
    wordings = PHRASES[language][phrase]
    return wordings[variant % len(wordings)].format_map(words)


def name_of(language: Language, code: str) -> str:
    """A code of the catalogue ("seinen", "box_set", "dark fantasy") as a reader calls it."""
    return NAMES[language].get(code, code.replace("_", " "))


def join(language: Language, codes: tuple[str, ...]) -> str:
    return JOINERS[language].join(name_of(language, code) for code in codes)


def say_day(language: Language, day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日" if language == "ja" else f"{day:%B} {day.day}, {day.year}"
