"""docs/configuration.md: every variable with what it is for, what may be written and what holds when nothing is.

The words are those of .env.example; kinds and defaults are what the settings asked for when they were read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from mangaassist.environment import Variable, asked

HEAD = """# Configuration

Written by `manage.py settings_reference --write` from the settings themselves. Every variable is optional unless it
says *needed*; `make run` and `manage.py` also read them from a file `.env` (.env.example is one to copy). A value that
is none stops the start with a line that names it. Roles are explained in the [README](../README.md).
"""
# Read by other programs, or before the settings.
ELSEWHERE = {
    "HOST": Variable("address", "127.0.0.1"),
    "PORT": Variable("number, 1 to 65535", "8000"),
    "POSTGRES_PASSWORD": Variable("text", ""),
}
COMPOSE = "COMPOSE_PROFILES"
_LINE = re.compile(r"#?([A-Z][A-Z0-9_]*)=(.*)")


@dataclass
class Section:
    title: str
    # Variables that stand together, and what is said of them.
    groups: list[tuple[str, list[str]]] = field(default_factory=list)


def sections(example: Path) -> Iterator[Section]:
    """``.env.example``: ``# --- Title`` begins a section, a comment speaks of the variables below it."""
    section, said = Section(""), ""
    for line in example.read_text(encoding="utf-8").splitlines():
        if line.startswith("# --- "):
            if section.title:
                yield section
            section, said = Section(line.removeprefix("# --- ")), ""
        elif match := _LINE.fullmatch(line):
            if said or not section.groups:
                section.groups.append((said, []))
                said = ""
            section.groups[-1][1].append(match[1])
        elif line.startswith("#"):
            # A title of two lines, or a comment of several.
            if section.title and not section.groups and not said and line[2:3].islower():
                section.title += f" {line[2:]}"
            else:
                said = f"{said} {line[2:]}".strip()
    if section.title:
        yield section


def known() -> dict[str, Variable]:
    """All variables of the settings, also those of backends that are not chosen."""
    of_roles = {name for variables in settings.OPTION_VARIABLES.values() for name in variables.values()}
    options = {f"{role}_OPTIONS": Variable("JSON object", "") for role in settings.ROLES}
    unread = {name: Variable("text", "") for name in of_roles - asked.keys()}
    return {**ELSEWHERE, **options, **unread, **asked}


def reference(example: Path) -> str:
    """The page. Raises ``KeyError`` for a variable in ``example`` that nobody reads."""
    variables = known()
    parts = [HEAD]
    for section in sections(example):
        rows = [
            _row(name, said if name == names[0] else "″", variables[name])
            for said, names in section.groups
            for name in names
            if name != COMPOSE
        ]
        if rows:
            head = "| variable | what it is for | what may be written | default |\n|---|---|---|---|"
            parts.append(f"## {section.title}\n\n{head}\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _row(name: str, said: str, variable: Variable) -> str:
    needed = "; *needed* where its backend is chosen" if name in settings.REQUIRED_VARIABLES else ""
    default = f"`{variable.default}`" if variable.default else ""
    return f"| `{name}` | {said} | {variable.kind}{needed} | {default} |"
