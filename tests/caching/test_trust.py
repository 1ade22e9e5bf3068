"""Redis away, hung and back again: nobody waits, nothing old is served, no invalidation is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from pytest_django import Settings

from caching import steps
from caching.behind import behind
from caching.invalidation import bump_now, deliver, invalidate
from caching.policy_cache import policy_cache
from caching.trust import TOPIC, Trust, trust
from mangaassist.embedded import PrivateRedis, redis_socket
from mangaassist.redis import sync_client
from tests.caching.conftest import FACTS, Facts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own_redis(tmp_path: Path, settings: Settings) -> Iterator[PrivateRedis]:
    """A Redis of this test's own, that it may stop and kill, and that this process has settled with.

    Patient enough for a machine that is busy with other tests.
    """
    server = PrivateRedis(tmp_path)
    server.start()
    settings.REDIS_TIMEOUT_S = 0.3
    settings.REDIS_URLS = settings.REDIS_URLS | {"cache": f"unix://{redis_socket(tmp_path)}?db=0"}
    wait_until_trusted()
    trust.settle()
    yield server
    assert server.process is not None
    if server.process.poll() is None:
        server.process.send_signal(signal.SIGCONT)
        server.stop()


def read(title: str) -> str:
    """What the cache gives; ``title`` is what a computation would find now."""
    found = policy_cache.get_or_compute(FACTS, ("B1",), lambda: Facts(asin="B1", series="s", title=title))
    behind.finish()
    assert found is not None
    return found.title


def send(server: PrivateRedis, number: signal.Signals) -> None:
    assert server.process is not None
    os.kill(server.process.pid, number)


def wait_until_trusted() -> None:
    deadline = time.monotonic() + 10
    while trust.is_open():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def refuse_to_be_asked(*command: Any) -> Any:
    raise AssertionError("Redis was asked although it is known to hang")


def test_a_hung_redis_costs_one_timeout_once(own_redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read("old") == "old"
    send(own_redis, signal.SIGSTOP)
    assert read("computed") == "computed"
    assert trust.breaker.state != "closed"
    monkeypatch.setattr(steps, "call", refuse_to_be_asked)
    assert [read(str(number)) for number in range(20)] == [str(number) for number in range(20)]


def test_an_invalidation_during_an_outage_is_delivered_before_anything_is_read(
    own_redis: PrivateRedis,
) -> None:
    assert read("old") == "old"
    send(own_redis, signal.SIGSTOP)
    bump_now(["asin:B1"])
    assert read("new, computed") == "new, computed"
    send(own_redis, signal.SIGCONT)
    # The old entry still lies there; it is served neither at once nor when Redis is trusted again.
    survived: Any = sync_client("cache").get("product:B1")
    assert b"old" in survived
    assert read("new") == "new"
    wait_until_trusted()
    assert read("newer") in {"new", "newer"}


def test_an_invalidation_of_another_process_during_an_outage_is_found_in_the_outbox(
    own_redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process changed a row, could not bump, and died: its row is all that is left."""
    assert read("old") == "old"
    monkeypatch.setattr(Trust, "invalidate", lambda *args: False)
    invalidate(["asin:B1"])
    # This one saw the outage …
    send(own_redis, signal.SIGSTOP)
    assert read("computed") == "computed"
    send(own_redis, signal.SIGCONT)
    wait_until_trusted()
    assert read("new") == "new"
    # … and delivers the row once, not at every look.
    trust.settle()
    assert read("unused") == "new"


def test_an_idle_process_looks_into_the_outbox_before_it_reads(
    own_redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read("old") == "old"
    with monkeypatch.context() as patch:
        patch.setattr(Trust, "invalidate", lambda *args: False)
        invalidate(["asin:B1"])
    monkeypatch.setattr("caching.trust.SILENCE_S", 0.0)
    assert read("new") == "new"


def test_the_relay_repeats_only_what_was_not_delivered(own_redis: PrivateRedis) -> None:
    from mangaassist.outbox.models import OutboxMessage
    from mangaassist.outbox.topics import Delivery

    invalidate(["asin:B1"])
    row = OutboxMessage.objects.get(topic=TOPIC)
    assert read("refilled") == "refilled"
    redis: Any = sync_client("cache")
    for expected in ("refilled", "bumped"):
        assert deliver([Delivery(str(row.pk), TOPIC, "", row.payload, 1)]) == {}
        assert read("bumped") == expected
        redis.delete(f"cache:bumped:{row.payload['id']}")


def test_an_invalidation_acts_on_commit_and_not_after_a_rollback(own_redis: PrivateRedis) -> None:
    assert read("old") == "old"
    with transaction.atomic():
        invalidate(["asin:B1"])
        # Inside, nothing is served from before the change, and nothing uncommitted is stored.
        assert read("uncommitted") == "uncommitted"
        transaction.set_rollback(True)
    assert read("unused") == "old"
    with transaction.atomic():
        invalidate(["asin:B1"])
    assert read("new") == "new"


def test_without_redis_everything_is_computed(own_redis: PrivateRedis) -> None:
    own_redis.stop()
    assert [read("1"), read("2")] == ["1", "2"]


async def test_without_redis_everything_is_computed_on_the_loop_too(own_redis: PrivateRedis) -> None:
    own_redis.stop()

    async def load() -> Facts:
        return Facts(asin="B1", series="s", title="computed")

    found = await policy_cache.aget_or_compute(FACTS, ("B1",), load)
    assert found is not None
    assert found.title == "computed"


def test_a_restarted_redis_is_used_again_but_not_its_old_entries(own_redis: PrivateRedis) -> None:
    """It may have lost its last invalidations: everything from before the restart is computed anew."""
    assert read("old") == "old"
    own_redis.stop()
    assert read("computed") == "computed"
    own_redis.start()
    wait_until_trusted()
    survived: Any = sync_client("cache").get("product:B1")
    assert b"old" in survived
    assert read("new") == "new"
    assert read("unused") == "new"
