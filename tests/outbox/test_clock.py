"""Hosts whose clocks are five minutes apart share an outbox in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mangaassist.postgres import postgres, run

pytestmark = pytest.mark.process

OFF_S = 300


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    with postgres() as url:
        yield url


def host(database_url: str, off_s: int, verb: str, topic: str) -> int:
    return int(run(database_url, "-m", "tests.outbox.other_host", str(off_s), verb, topic))


@pytest.mark.parametrize(("writes", "delivers"), [(OFF_S, -OFF_S), (-OFF_S, OFF_S)])
def test_what_one_stores_is_due_for_the_other_at_once_and_a_living_lease_is_respected(
    database_url: str, writes: int, delivers: int
) -> None:
    topic = f"from{writes}"
    host(database_url, writes, "enqueue", topic)
    assert host(database_url, delivers, "claim", topic) == 1
    for off_s in (OFF_S, -OFF_S):
        assert host(database_url, off_s, "claim", topic) == 0
