"""Understanding: how often the held-out sentences get their intent, and what a guess costs.

The held-out sentences were written first and apart (tests/chat/held_out); their placeholders stay in, so that this
measures the classifier alone, without the rules that stand before it.
"""

from __future__ import annotations

import statistics
import time
import tomllib
from pathlib import Path
from typing import get_args

from bench.tables import Table

HELD_OUT = Path(__file__).resolve().parent.parent / "tests" / "chat" / "held_out"


def run() -> Table:
    from chat.understanding import intents
    from chat.understanding.types import Language

    rows = []
    for language in get_args(Language):
        began = time.perf_counter()
        model = intents.train(language)
        trained = time.perf_counter() - began
        with open(HELD_OUT / f"{language}.toml", "rb") as file:
            sentences = [(text, intent) for intent, texts in tomllib.load(file).items() for text in texts]
        times, right = [], 0
        for text, intent in sentences:
            began = time.perf_counter()
            right += model.guess(text, language).intent == intent
            times.append((time.perf_counter() - began) * 1000)
        rows.append(
            [
                language,
                str(len(sentences)),
                f"{right / len(sentences):.1%}",
                f"{1 / len(intents.INTENTS):.1%}",
                f"{statistics.median(times):.2f}",
                f"{trained:.1f}",
            ]
        )
    return Table(
        title="Intents",
        columns=["language", "held-out", "right", "by chance", "guess ms", "training s"],
        rows=rows,
        note="The linear model alone; in a turn, a few plain rules come before it.",
    )
