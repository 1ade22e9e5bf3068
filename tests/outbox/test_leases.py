"""A lease is kept while somebody works under it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.db import InterfaceError, OperationalError

from mangaassist.outbox.leases import kept

# Each keeper has a connection of its own to close.
pytestmark = pytest.mark.django_db(transaction=True)


def until(true: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 60
    while not true():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


@pytest.mark.parametrize("fault", [OperationalError("database is locked"), InterfaceError("connection already closed")])
def test_a_renewal_that_the_database_refuses_is_tried_again(fault: Exception, caplog: pytest.LogCaptureFixture) -> None:
    renewed = threading.Event()
    faults = iter([fault])

    def renew() -> None:
        for each in faults:
            raise each
        renewed.set()

    with kept(renew, lease_s=0.06, longest_s=60, hangs="work_hangs", topic="test"):
        assert renewed.wait(60)
    assert "lease_not_renewed" in caplog.text


def test_work_that_takes_too_long_loses_it_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    renewals: list[float] = []
    with kept(
        lambda: renewals.append(time.monotonic()), lease_s=0.03, longest_s=0.05, hangs="work_hangs", topic="test"
    ):
        until(lambda: "work_hangs" in caplog.text)
        many = len(renewals)
        time.sleep(0.1)
    assert len(renewals) == many == 5


def test_nothing_is_renewed_when_the_work_is_done() -> None:
    renewals: list[int] = []
    with kept(lambda: renewals.append(1), lease_s=0.03, longest_s=60, hangs="work_hangs"):
        until(lambda: bool(renewals))
    done = len(renewals)
    time.sleep(0.1)
    assert len(renewals) == done
