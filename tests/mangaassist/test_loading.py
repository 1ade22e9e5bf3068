"""What a process loads is not looked through for garbage, and afterwards garbage is collected as ever."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings

from mangaassist.loading import COLLECT_AFTER, without_collecting


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.enable()


def test_nothing_is_collected_while_it_loads_and_what_is_there_stays_out_of_later_rounds() -> None:
    with without_collecting():
        assert not gc.isenabled()
        loaded: list[list[int]] = [[] for _ in range(10)]
    assert gc.isenabled()
    assert not any(each is known for known in gc.get_objects() for each in loaded)


def test_afterwards_it_looks_as_seldom_as_we_say() -> None:
    gc.set_threshold(700, 10, 10)
    with without_collecting():
        pass
    assert gc.get_threshold() == COLLECT_AFTER


def test_a_fault_while_it_loads_leaves_the_collector_on() -> None:
    with pytest.raises(RuntimeError), without_collecting():
        raise RuntimeError("no such setting")
    assert gc.isenabled()


def test_a_worker_has_loaded_so() -> None:
    """Celery loads by a signal: the apps are there, kept out of later rounds, and the collector is on."""
    code = (
        "import gc; from mangaassist.celery import app; app.loader.init_worker(); from django.apps import apps;"
        "print(gc.isenabled(), gc.get_freeze_count() > 50_000, apps.ready, gc.get_threshold()[0])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["True", "True", "True", str(COLLECT_AFTER[0])]
