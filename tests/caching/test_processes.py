"""Several real processes on one Redis and one database."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from caching.policy_cache import policy_cache
from mangaassist.redis import sync_client
from tests.caching.conftest import FACTS, Facts
from tests.caching.other_process import OtherProcess
from tests.furnished import lay_database

pytestmark = pytest.mark.process


def database(folder: Path) -> str:
    """The address of one with all tables."""
    path = folder / "shop.sqlite3"
    if not path.exists():
        lay_database(path)
    return f"sqlite:///{path}"


def test_a_cold_key_is_computed_once_by_four_processes_with_fifty_callers_each() -> None:
    with ExitStack() as stack:
        others = [stack.enter_context(OtherProcess()) for _ in range(4)]
        for other in others:
            other.send("cold B1 50")
        assert [other.answer() for other in others] == ["one"] * 4
    assert sync_client("streams").get("computations") == b"1"


def test_a_killed_process_takes_no_key_with_it() -> None:
    with OtherProcess() as other:
        assert other.ask("hang B1") == "computing"
        assert sync_client("cache").exists("cache:lease:product:B1")
        other.kill()
        right = Facts(asin="B1", series="s", title="right")
        assert policy_cache.get_or_compute(FACTS, ("B1",), lambda: right) == right


def test_a_ttl_changed_in_one_process_acts_in_the_other_on_existing_entries(tmp_path: Path) -> None:
    with OtherProcess(DATABASE_URL=database(tmp_path)) as web, OtherProcess(DATABASE_URL=database(tmp_path)) as admin:
        assert admin.ask("prepare") == "prepared"
        assert web.ask("read B1 old") == "old"
        time.sleep(1.1)
        assert web.ask("read B1 unused") == "old"
        assert admin.ask("policy 1") == "saved"
        assert web.ask("read B1 new") == "new"


def test_an_invalidation_in_one_process_acts_in_the_other(tmp_path: Path) -> None:
    with OtherProcess(DATABASE_URL=database(tmp_path)) as web, OtherProcess(DATABASE_URL=database(tmp_path)) as worker:
        assert worker.ask("prepare") == "prepared"
        assert web.ask("read B1 old") == "old"
        assert worker.ask("bump asin:B1") == "bumped"
        assert web.ask("read B1 new") == "new"
