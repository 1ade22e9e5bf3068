"""Understanding: how often the held-out sentences get their intent, which are taken for which, and what it costs.

The held-out sentences were written first and apart (tests/chat/held_out). Every sentence goes through the whole step
(language, entities, rules, model), its placeholders replaced by names; "model alone" leaves the rules out. The details
are written to docs/intents.md.
"""

from __future__ import annotations

import statistics
import time
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import get_args

from bench.tables import Table

ROOT = Path(__file__).resolve().parent.parent
HELD_OUT = ROOT / "tests" / "chat" / "held_out"
REPORT = ROOT / "docs" / "intents.md"
# The first sets, and those that were written later by people who saw neither them nor what is trained.
SETS = {"": "", ", blind": "blind_"}
NAMES = {"<title>": "Berserk", "<author>": "Naoki Urasawa"}

METHOD = """# How well shoppers are understood

Written by `python -m bench intents`. {sentences} sentences lie in `tests/chat/held_out`: never trained, and a test
refuses a training sentence that is the same once names and numbers are masked, or has three quarters of its words in
common.

There are two sets of each language. The first was written before the training sentences, but features, weights and
rounds of new training sentences were settled knowing its totals. The blind one was written later from the intents'
meanings alone, by people who saw neither the training sentences nor the first set; its sentences are not looked at
when something is mended. Of the state before it was written it heard 83 % in English and 79 % in Japanese; eight more
rounds of training sentences by as many writers, who did not see it either, are the whole difference. All writers
worked from one description of the intents, so expect somewhat less on real shoppers, and put what they really say
into a new set before any of it is trained.

Each sentence goes through the whole step by itself, without a conversation around it: language, entities, the few
rules, then the linear model. "Unclear" are right or wrong guesses with so thin a margin that the assistant asks one
question instead (`chat/dialogue.py`). *Refused* is the share of the out-of-scope sentences that were taken for
`other`.
"""


@dataclass
class Heard:
    """One language's results: (intent meant, intent heard) pairs, milliseconds per message, CPU seconds of training."""

    pairs: list[tuple[str, str]]
    model_right: int
    unclear: int
    times: list[float]
    trained_s: float

    @property
    def right(self) -> float:
        return sum(meant == heard for meant, heard in self.pairs) / len(self.pairs)

    @property
    def refused(self) -> float:
        strange = [heard for meant, heard in self.pairs if meant == "other"]
        return strange.count("other") / len(strange)


def run() -> Table:
    from chat.understanding import intents
    from chat.understanding.types import Language

    trained = {language: _trained_s(language) for language in get_args(Language)}
    found = {f"{language}{kind}": _listen(language, f"{file}{language}", trained[language])
             for kind, file in SETS.items() for language in trained}  # fmt: skip
    REPORT.write_text(_report(found))
    return Table(
        title="Intents",
        columns=["language", "held-out", "right", "model", "by chance", "refused", "unclear", "ms", "p99", "train s"],
        rows=[
            [
                language,
                str(len(heard.pairs)),
                f"{heard.right:.1%}",
                f"{heard.model_right / len(heard.pairs):.1%}",
                f"{1 / len(intents.INTENTS):.1%}",
                f"{heard.refused:.1%}",
                f"{heard.unclear / len(heard.pairs):.1%}",
                f"{statistics.median(heard.times):.2f}",
                f"{statistics.quantiles(heard.times, n=100)[98]:.2f}",
                f"{heard.trained_s:.1f}",
            ]
            for language, heard in found.items()
        ],
        note="The whole step, names looked up apart; training in CPU seconds. Confusions: docs/intents.md.",
    )  # fmt: skip


def _trained_s(language: str) -> float:
    """CPU seconds of learning one language."""
    from chat.understanding import intents

    # What others do on this machine is no part of it, nor is it that scikit-learn is read from the disk.
    import_module("sklearn.svm")
    began = time.process_time()
    intents.train(language)  # type: ignore[arg-type]
    return time.process_time() - began


def _listen(language: str, file_name: str, trained_s: float) -> Heard:
    from chat.understanding import intents
    from chat.understanding.entities import entities_of
    from chat.understanding.understand import understand
    from chat.wanted import THIN_MARGIN, UNSURE_BELOW

    heard = Heard([], 0, 0, [], trained_s)
    model = intents.load(language)  # type: ignore[arg-type]
    with open(HELD_OUT / f"{file_name}.toml", "rb") as file:
        sentences = [(text, intent) for intent, texts in tomllib.load(file).items() for text in texts]
    for text, intent in sentences:
        for mark, name in NAMES.items():
            text = text.replace(mark, name)  # noqa: PLW2901
        began = time.perf_counter()
        understood = understand(text, hint=language, find_mentions=_find, find_isbns=lambda isbns: [])  # type: ignore[arg-type]
        heard.times.append((time.perf_counter() - began) * 1000)
        heard.pairs.append((intent, understood.intent))
        heard.unclear += understood.confidence < UNSURE_BELOW or understood.margin < THIN_MARGIN
        masked = entities_of(text, language, _find)[1]  # type: ignore[arg-type]
        heard.model_right += model.guess(masked, language).intent == intent  # type: ignore[arg-type]
    return heard


def _find(text: str) -> Iterable[object]:
    from shop.titles import Mention

    for kind, name in (("series", "Berserk"), ("author", "Naoki Urasawa")):
        at = text.find(name)
        while at >= 0:
            yield Mention(kind, name.lower(), name, at, at + len(name), True, 1.0)  # type: ignore[arg-type]
            at = text.find(name, at + len(name))


def _report(found: dict[str, Heard]) -> str:
    lines = [METHOD.format(sentences=sum(len(heard.pairs) for heard in found.values()))]
    lines += ["| language | right | refused | unclear | median ms | training, CPU s |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {language} | {heard.right:.1%} | {heard.refused:.1%} | {heard.unclear / len(heard.pairs):.1%} "
        f"| {statistics.median(heard.times):.2f} | {heard.trained_s:.1f} |"
        for language, heard in found.items()
    ]
    meant = list(dict.fromkeys(intent for heard in found.values() for intent, _ in heard.pairs))
    lines += ["", "## Right per intent", "", "| intent | " + " | ".join(found) + " |", "|---" * (len(found) + 1) + "|"]
    for intent in meant:
        shares = [_share(heard, intent) for heard in found.values()]
        lines.append(f"| {intent} | " + " | ".join(shares) + " |")
    for language, heard in found.items():
        lines += ["", f"## What was taken for what ({language})", "", "| meant | heard as |", "|---|---|"]
        for intent in meant:
            wrong = Counter(other for said, other in heard.pairs if said == intent and other != intent)
            if wrong:
                lines.append(f"| {intent} | " + ", ".join(f"{other} {n}" for other, n in wrong.most_common()) + " |")
    return "\n".join(lines) + "\n"


def _share(heard: Heard, intent: str) -> str:
    got = [other for said, other in heard.pairs if said == intent]
    return f"{got.count(intent)} of {len(got)}"
