"""`manage.py demo --prepare`: the database is made ready, the demo shop comes in once."""

from __future__ import annotations

import gzip
import io
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils.timezone import localdate

from chat.understanding import intents, moods
from mangaassist import prepared
from mangaassist.management.commands import demo
from shop.models import Order, Series
from tests.learned import share_with

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def small_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """A shop of one series, and a data folder of this test's own, in which understanding has learned already."""
    series = {
        **{
            "kind": "series",
            "id": "yotsuba",
            "title": "Yotsuba&!",
            "native_title": "よつばと!",
            "authors": ["Kiyohiko Azuma"],
        },
        **{"category": "manga", "demographic": "seinen", "genres": ["comedy"], "themes": [], "status": "ongoing"},
        **{"age_rating": "all", "description": "A girl of five sees everything for the first time."},
    }
    feed = tmp_path / "demo.jsonl.gz"
    feed.write_bytes(gzip.compress(json.dumps(series).encode() + b"\n"))
    monkeypatch.setattr(demo, "FEED", feed)
    settings.DATA_DIR = tmp_path
    share_with(tmp_path)


def prepare() -> str:
    said = io.StringIO()
    call_command("demo", prepare=True, stdout=said, stderr=said)
    return said.getvalue()


def test_the_first_start_loads_the_shop_and_later_ones_leave_it_alone() -> None:
    assert "Loading the demo shop" in prepare()
    Series.objects.filter(pk="yotsuba").update(description="Changed by the operator.")
    assert "Loading" not in prepare()
    assert Series.objects.get(pk="yotsuba").description == "Changed by the operator."


def test_what_is_on_its_way_in_the_feed_is_on_its_way_at_the_first_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = gzip.decompress((tmp_path / "demo.jsonl.gz").read_bytes()).decode()
    lines += json.dumps({"kind": "edition", "asin": "Y1", "series": "yotsuba", "title": "1", "language": "en"}) + "\n"
    order: dict[str, Any] = {
        "kind": "order",
        "id": "MA-10001",
        "customer_id": "c",
        "status": "shipped",
        "eta": "2026-01-12",
    }
    order |= {"placed_at": "2026-01-05T10:00:00Z", "lines": [{"asin": "Y1", "quantity": 1}]}
    (tmp_path / "demo.jsonl.gz").write_bytes(gzip.compress((lines + json.dumps(order) + "\n").encode()))
    monkeypatch.setattr(demo, "TODAY", date(2026, 1, 10))
    prepare()
    assert Order.objects.get().eta == localdate() + timedelta(days=2)
    assert Order.objects.get().placed_at.date() == localdate() - timedelta(days=5)


def test_a_later_start_can_see_without_django_that_everything_stands(tmp_path: Path) -> None:
    said = prepare()
    if connection.vendor == "sqlite":
        assert "".join(f"{line}\n" for line in prepared.recall(tmp_path) or []) == said.splitlines(keepends=True)[-1]
    else:
        assert prepared.recall(tmp_path) is None


def test_an_interrupted_load_is_finished_at_the_next_start(tmp_path: Path) -> None:
    prepare()
    (tmp_path / "demo.loading").touch()
    assert "Loading the demo shop" in prepare()
    assert not (tmp_path / "demo.loading").exists()


def test_without_demo_there_is_no_shop_but_an_operator(settings: Any) -> None:
    settings.DEMO = False
    said = prepare()
    assert "Operator for /admin/ and /desk/: name operator, password " in said
    assert not Series.objects.exists()


def test_outside_the_embedded_profile_there_is_neither(settings: Any) -> None:
    settings.DEMO = settings.EMBEDDED = False
    intents.train_missing()
    moods.train_missing()
    assert prepare() == ""
