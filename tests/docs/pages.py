"""What stands in the documentation, for its tests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")])
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)")
# What a command says is kept: `KEY=$(…)`.
_KEPT = re.compile(r"(?:export )?\w+=\$\((.*)\)")
# What a command begins with.
_PROGRAM = re.compile(
    r"(?:\.venv/bin/)?(?:python (?:-m|manage\.py)|manage\.py|make [a-z]|celery |curl |docker |pip |pytest|schemathesis |aws |bash )"
)


@dataclass(frozen=True)
class Command:
    page: str
    text: str


def prose(page: Path) -> str:
    """Without its blocks of code."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def commands(page: Path) -> list[Command]:
    """Those of its blocks that are for a shell, and those in the middle of a sentence; each on one line."""
    name = str(page.relative_to(ROOT))
    found = []
    for language, block in _FENCE.findall(page.read_text(encoding="utf-8")):
        if language in {"", "sh", "shell", "bash"}:
            lines = re.sub(r"\\\n\s*", "", block).splitlines()
            found += [_KEPT.sub(r"\1", line.split("  #")[0].strip()) for line in lines]
    found += [" ".join(code.split()) for code in _CODE.findall(prose(page))]
    return [Command(name, text) for text in found if _PROGRAM.match(text)]


def headings(page: Path) -> set[str]:
    """As anchors, in the way of GitHub: lower case, spaces to hyphens, without punctuation."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}
