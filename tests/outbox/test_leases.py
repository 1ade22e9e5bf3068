"""A lease is kept while somebody works under it."""

from __future__ import annotations

import threading

import pytest
from django.db import InterfaceError, OperationalError

from mangaassist.outbox.leases import kept
from tests.mangaassist.running import until

# Each keeper has a connection of its own to close.
pytestmark = pytest.mark.django_db(transaction=True)


def nobody_keeps() -> bool:
    return not any(each.name == "lease" for each in threading.enumerate())


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
    renewals: list[int] = []
    # Five renewals, a third of a lease apart, are as long as the work may take.
    with kept(lambda: renewals.append(1), lease_s=0.03, longest_s=0.05, hangs="work_hangs", topic="test"):
        until(nobody_keeps, "it is let go while the work goes on")
    assert len(renewals) == 5
    assert "work_hangs" in caplog.text


def test_nothing_is_renewed_when_the_work_is_done(caplog: pytest.LogCaptureFixture) -> None:
    renewals: list[int] = []
    with kept(lambda: renewals.append(1), lease_s=0.03, longest_s=60, hangs="work_hangs"):
        until(lambda: bool(renewals), "it is renewed")
    assert nobody_keeps()
    assert "work_hangs" not in caplog.text
