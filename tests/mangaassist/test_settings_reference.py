"""The reference of all settings says what is so. Asked in processes where nothing is set, and no test has read a variable."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from mangaassist.settings_reference import COMPOSE, sections

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / ".env.example"
# Without the .env of whoever runs the tests, which manage.py would read.
BEGIN = """
import json, os
os.environ["DJANGO_SETTINGS_MODULE"] = "mangaassist.settings"
from django.core.management import execute_from_command_line
"""
PRINT_PAGE = 'execute_from_command_line(["manage.py", "settings_reference"])'
PRINT_NAMES = """
import django
django.setup()
from mangaassist.settings_reference import known
print(json.dumps(sorted(known())))
"""


def printed(code: str, data_dir: Path) -> str:
    bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", BEGIN + code],
        cwd=ROOT,
        env=bare | {"DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_every_variable_is_named_once_with_what_it_is_for(tmp_path: Path) -> None:
    groups = [group for section in sections(EXAMPLE) for group in section.groups]
    names = [name for _, names in groups for name in names]
    assert sorted(names) == sorted([*json.loads(printed(PRINT_NAMES, tmp_path)), COMPOSE])
    assert all(said for said, names in groups if names != [COMPOSE])


def test_the_page_is_what_the_command_writes(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == printed(PRINT_PAGE, tmp_path), "Run `manage.py settings_reference --write`."
