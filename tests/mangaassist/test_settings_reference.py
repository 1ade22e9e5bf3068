"""The reference of all settings says what is so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mangaassist.settings_reference import COMPOSE, known, sections

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / ".env.example"


def named() -> list[str]:
    return [name for section in sections(EXAMPLE) for _, names in section.groups for name in names]


def test_every_variable_is_named_once_with_what_it_is_for() -> None:
    assert sorted(named()) == sorted({*known(), COMPOSE})
    assert all(said for section in sections(EXAMPLE) for said, names in section.groups if names != [COMPOSE])


def test_the_page_is_what_the_command_writes(tmp_path: Path) -> None:
    # In an environment where nothing is set.
    bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    page = subprocess.run(
        [sys.executable, "-c", PRINT],
        cwd=ROOT,
        env=bare | {"DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8") == page, (
        "Run `manage.py settings_reference --write`."
    )


# Without the .env of whoever runs the tests, which manage.py would read.
PRINT = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "mangaassist.settings"
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "settings_reference"])
"""
