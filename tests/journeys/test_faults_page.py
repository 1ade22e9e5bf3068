"""docs/faults.md names tests that there are, every test of a fault stands in it, and `make chaos` runs what it names."""

from __future__ import annotations

import re

import pytest

from tests.faults import NAMED, NODES
from tests.furnished import ROOT

# Files about faults alone: a test that is added to one belongs on the page.
OF_FAULTS = {
    f"tests/journeys/test_{name}.py"
    for name in (
        "chaos", "faults", "feedback_over_sqs", "frozen_processes", "full_disk", "hostile_redis", "locked_database",
        "postgres_faults", "socket_chaos", "web_takeover",
    )
}  # fmt: skip


def names_in(file: str) -> set[str]:
    return set(re.findall(r"^\s*(?:async )?def (test_\w+)", (ROOT / file).read_text("utf-8"), re.MULTILINE))


def test_every_test_that_it_names_is_there() -> None:
    assert len(NAMED) > 50
    assert [f"{file}::{name}" for file, name in NAMED if name not in names_in(file)] == []


def test_every_test_of_the_fault_suite_stands_in_it() -> None:
    assert {(file, name) for file, name in NAMED if file in OF_FAULTS} == {
        (file, name) for file in OF_FAULTS for name in names_in(file)
    }


def test_nothing_but_the_page_says_what_make_chaos_runs(request: pytest.FixtureRequest) -> None:
    tests = [item for item in request.session.items if isinstance(item, pytest.Function)]
    marked = {item.nodeid for item in tests if item.get_closest_marker("chaos")}
    assert marked == {item.nodeid for item in tests if (item.path, item.originalname) in NODES}
    files = (ROOT / "tests").rglob("*.py")
    assert [str(path) for path in files if re.search(r"\bmark\.chaos\b", path.read_text("utf-8"))] == []
