"""docs/catalog-events.md does what it says: its blocks run against a live shop with a worker."""

from __future__ import annotations

import re
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection

from partners.models import create_api_key
from shop.catalog_events import IDS_KEPT, MOST_AHEAD, MOST_EVENTS
from shop.feed_jobs import JOBS_KEPT, MOST_ATTEMPTS, MOST_REJECTS, take_next
from shop.models import Offer
from tests.partners.live import outputs_of
from tests.shop.catalogue import load_small_catalogue

TEXT = (django_settings.BASE_DIR / "docs/catalog-events.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)
SHELL = [block for language, block in BLOCKS if language == "sh" and "curl" in block]
PYTHON = [block for language, block in BLOCKS if language == "python"]


@pytest.fixture
def worker(transactional_db: None, settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.DATA_DIR = tmp_path
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.2):
            take_next()
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.mark.process
def test_it_runs_as_written(worker: None, tmp_path: Path) -> None:
    load_small_catalogue()
    _, secret = create_api_key("Warehouse", ["catalog:read", "catalog:write"])
    commands = [[sys.executable, "-c", block] for block in PYTHON]
    if shutil.which("curl"):
        commands += [["sh", "-euc", block] for block in SHELL]
    told = outputs_of(commands, secret, tmp_path)
    assert told[0].splitlines() == [
        "done 3 taken, 0 rejected", "1 taken, 0 duplicates", "0 taken, 1 duplicates", "17.99",
    ]  # fmt: skip
    if len(told) > 1:
        feed, events = told[1:]
        assert "location: /api/v1/catalog/jobs/" in feed.lower()
        assert "\"edition 'NOWHERE' is unknown\"" in events
        assert str(Offer.objects.get(pk="BERSERK-EN-1").price) == "13.99"


def test_its_figures_are_those_of_the_code() -> None:
    defaults = django_settings
    for said in (
        f"at most {defaults.FEED_UPLOAD_BYTES // 1024**2} MB",
        f"at most {defaults.FEED_UNPACKED_BYTES // 1024**3} GB",
        f"at most {defaults.FEED_JOBS_WAITING} (`FEED_JOBS_WAITING`)",
        f"{JOBS_KEPT.days} days after its end; of one job the first {MOST_REJECTS:,} lines",
        f"counts once for {IDS_KEPT.days} days",
        f"At most {MOST_EVENTS:,} events",
    ):
        assert said in TEXT, said
    assert (MOST_AHEAD.days, MOST_ATTEMPTS) == (1, 3)
