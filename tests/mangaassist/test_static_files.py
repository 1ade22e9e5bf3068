"""What browsers keep for ever is named for what it holds, modules and all that they import included."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import storage
from django.core.management import CommandError, call_command

HASHED = re.compile(r"^[\w-]+\.[0-9a-f]{12}\.js$")
IMPORTED = re.compile(r'^(?:import|export)\b[^"]*"\./([^"]+)"', re.MULTILINE)


@pytest.fixture
def collected(settings: Any, tmp_path: Path) -> Path:
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "mangaassist.static_files.ModuleStorage"}}
    return tmp_path / "static"


def modules_from(folder: Path, name: str) -> set[str]:
    """All that a page loads which begins with this module."""
    found, waiting = set[str](), [name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += IMPORTED.findall((folder / name).read_text("utf-8"))
    return found


def test_every_module_of_the_desk_is_asked_for_by_its_hash(collected: Path) -> None:
    call_command("collectstatic", interactive=False, verbosity=0)
    entry = storage.staticfiles_storage.url("desk/desk.js").rpartition("/")[2]
    loaded = modules_from(collected / "desk", entry)
    assert all(HASHED.match(name) for name in loaded)
    # And nothing lies in the folder that no page loads.
    sources = {path.name for path in (Path(__file__).parents[2] / "static/desk").glob("*.js")}
    assert {re.sub(r"\.[0-9a-f]{12}", "", name) for name in loaded} == sources
    assert len(sources) > 5


def test_modules_that_import_each_other_are_not_delivered(collected: Path, settings: Any, tmp_path: Path) -> None:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "a.js").write_text('import { b } from "./b.js";\nexport const a = 1;\n')
    (folder / "b.js").write_text('import { a } from "./a.js";\nexport const b = 2;\n')
    settings.STATICFILES_DIRS = [folder]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    with pytest.raises((CommandError, RuntimeError), match="passes exceeded"):
        call_command("collectstatic", interactive=False, verbosity=0)
