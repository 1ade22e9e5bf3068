"""docs/faults.md names tests that there are, and every test of a fault stands in it."""

from __future__ import annotations

import re

from django.conf import settings

PAGE = settings.BASE_DIR / "docs" / "faults.md"
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE.read_text("utf-8"))


def names_in(file: str) -> set[str]:
    return set(
        re.findall(r"^\s*(?:async )?def (test_\w+)", (settings.BASE_DIR / file).read_text("utf-8"), re.MULTILINE)
    )


def test_every_test_that_it_names_is_there() -> None:
    assert len(NAMED) > 50
    assert [f"{file}::{name}" for file, name in NAMED if name not in names_in(file)] == []


def test_every_test_of_the_fault_suite_stands_in_it() -> None:
    files = {
        str(path.relative_to(settings.BASE_DIR))
        for path in (settings.BASE_DIR / "tests").rglob("test_*.py")
        if re.search(r"^pytestmark = .*mark\.chaos", path.read_text("utf-8"), re.MULTILINE)
    }
    assert len(files) >= 7
    assert {name for file, name in NAMED if file in files} == {name for file in files for name in names_in(file)}
