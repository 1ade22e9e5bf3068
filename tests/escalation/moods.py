"""What of the sentences held out from everything is heard, through understanding, the second model and the rules.

``manage.py shell -c "from tests.escalation.moods import table; print(table())"`` prints it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from chat.understanding.moods import mood_of
from chat.understanding.types import Language
from chat.understanding.understand import understand
from escalation.triggers import Need, Said, person_needed

HELD_OUT = Path(__file__).parent / "held_out"
ORDINARY = Path(__file__).parents[1] / "chat" / "held_out"


def held_out(language: Language) -> dict[str, list[str]]:
    """By what is to be heard: frustration, complaint, none."""
    table: dict[str, list[str]] = tomllib.loads((HELD_OUT / f"mood.{language}.toml").read_text("utf-8"))
    return table


def heard(text: str, language: Language) -> str:
    """The trigger, or ``none``, as in a turn without anything before it. No titles: none of the sentences needs one."""
    need = need_of(text, language)
    return need.trigger if need else "none"


def need_of(text: str, language: Language, *, offered: Sequence[str] = ()) -> Need | None:
    understood = understand(text, hint=language, find_mentions=lambda text: [], find_isbns=lambda isbns: [])
    felt = mood_of(text, language)
    return person_needed(
        Said(
            text=text,
            intent=understood.intent,
            confidence=understood.confidence,
            frustrated=felt.frustration,
            complains=felt.complaint,
            offered=offered,
        )
    )


def ordinary(language: Language) -> list[str]:
    """Questions and small talk that the intents have not met (tests/chat/held_out): nobody in them needs a person."""
    table: dict[str, list[str]] = tomllib.loads((ORDINARY / f"{language}.toml").read_text("utf-8"))
    return [text for intent, texts in table.items() if intent not in {"complaint", "human", "other"} for text in texts]


def share_alarmed(language: Language) -> float:
    """Of ordinary questions, those beside which a person is offered."""
    texts = ordinary(language)
    return sum(heard(text, language) != "none" for text in texts) / len(texts)


def share_heard(language: Language, mood: str) -> float:
    """Of sentences of a mood, those that bring in or offer a person, whatever of the two is named; of ``none`` the false
    alarms."""
    outcomes = [heard(text, language) for text in held_out(language)[mood]]
    return sum(each in {"frustration", "complaint", "asked", "safety"} for each in outcomes) / len(outcomes)


def table() -> str:
    moods = ("frustration", "complaint", "none")
    languages: tuple[Language, ...] = ("en", "ja")
    rows = [
        (language, *(f"{share_heard(language, mood):.0%}" for mood in moods), f"{share_alarmed(language):.1%}")
        for language in languages
    ]
    return "\n".join(" | ".join(row) for row in [("", *moods, "ordinary"), *rows])
