"""What of the sentences held out from everything is heard, through understanding, the second model and the rules."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from chat.understanding.moods import mood_of
from chat.understanding.types import Language
from chat.understanding.understand import understand
from escalation.triggers import Said, person_needed

HELD_OUT = Path(__file__).parent / "held_out"


def held_out(language: Language) -> dict[str, list[str]]:
    """By what is to be heard: frustration, complaint, none."""
    table: dict[str, list[str]] = tomllib.loads((HELD_OUT / f"mood.{language}.toml").read_text("utf-8"))
    return table


def heard(text: str, language: Language) -> str:
    """The trigger, or ``none``, as in a turn without anything before it. No titles: none of the sentences needs one."""
    understood = understand(text, hint=language, find_mentions=lambda text: [])
    felt = mood_of(text, language)
    need = person_needed(
        Said(
            text=text,
            intent=understood.intent,
            confidence=understood.confidence,
            frustrated=felt.frustration,
            complains=felt.complaint,
        )
    )
    return need.trigger if need else "none"


def share_heard(language: Language, mood: str) -> float:
    """Of sentences of a mood, those that bring in or offer a person, whatever of the two is named; of ``none`` the false
    alarms."""
    outcomes = [heard(text, language) for text in held_out(language)[mood]]
    return sum(each in {"frustration", "complaint", "asked", "safety"} for each in outcomes) / len(outcomes)


def table() -> str:
    moods = ("frustration", "complaint", "none")
    rows = [(language, *(f"{share_heard(language, mood):.0%}" for mood in moods)) for language in ("en", "ja")]
    return "\n".join(" | ".join(row) for row in [("", *moods), *rows])


if __name__ == "__main__":
    import django

    django.setup()
    sys.stdout.write(table() + "\n")
