"""The command: exit status, the rejects' file, gz and standard input."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import orjson
import pytest
from django.conf import settings
from django.core.management import call_command

from shop.models import Edition, Offer, Series
from tests.shop.catalogue import offer, small_catalogue

pytestmark = pytest.mark.django_db

GOOD = b"".join(orjson.dumps(line) + b"\n" for line in small_catalogue())


def run(name: str | Path) -> int:
    try:
        call_command("import_catalog", str(name), stdout=io.StringIO(), stderr=io.StringIO())
    except SystemExit as status:
        return int(status.code or 0)
    return 0


def rejects_of(feed: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in Path(f"{feed}.rejects.jsonl").read_bytes().splitlines()]


@pytest.fixture
def feed(tmp_path):
    return tmp_path / "feed.jsonl"


def test_all_taken_is_0_and_leaves_no_rejects(feed):
    feed.write_bytes(GOOD)
    assert run(feed) == 0
    assert Edition.objects.count() == sum(line["kind"] == "edition" for line in small_catalogue())
    assert not Path(f"{feed}.rejects.jsonl").exists()


def test_some_rejected_is_1_and_the_good_ones_are_in(feed):
    feed.write_bytes(GOOD + b"rubbish\n" + orjson.dumps(offer("NOWHERE", "1.00", 1)) + b"\n")
    assert run(feed) == 1
    assert Offer.objects.exists()
    lines = GOOD.count(b"\n")
    assert {entry["line"]: entry["text"] for entry in rejects_of(feed)} == {
        lines + 1: "rubbish",
        lines + 2: orjson.dumps(offer("NOWHERE", "1.00", 1)).decode(),
    }
    assert all(entry["reason"] for entry in rejects_of(feed))


def test_a_second_run_without_faults_clears_the_rejects(feed):
    feed.write_bytes(GOOD + b"rubbish\n")
    run(feed)
    feed.write_bytes(GOOD)
    assert run(feed) == 0
    assert not Path(f"{feed}.rejects.jsonl").exists()


@pytest.mark.parametrize("content", [b"", b"\n\n", b"rubbish\n", b"\x00\x01\x02"])
def test_nothing_readable_is_2(feed, content):
    feed.write_bytes(content)
    assert run(feed) == 2


def test_a_file_that_is_not_there_is_2(tmp_path):
    assert run(tmp_path / "nothing.jsonl") == 2
    assert run(tmp_path) == 2


def test_lines_that_only_dangle_are_rejected_not_unreadable(feed):
    feed.write_bytes(orjson.dumps(offer("NOWHERE", "1.00", 1)))
    assert run(feed) == 1


def test_gzip_whatever_it_is_called(tmp_path):
    for name in ("feed.jsonl.gz", "feed"):
        (tmp_path / name).write_bytes(gzip.compress(GOOD))
        assert run(tmp_path / name) == 0
    assert Series.objects.filter(pk="berserk").exists()


def test_a_cut_gzip_keeps_what_was_readable(tmp_path):
    cut = tmp_path / "cut.jsonl.gz"
    packed = gzip.compress(GOOD * 40)
    cut.write_bytes(packed[: len(packed) - 20])
    assert run(cut) == 1
    assert Series.objects.filter(pk="berserk").exists()


def test_standard_input_puts_its_rejects_into_the_data_folder(monkeypatch):
    class Input:
        buffer = io.BytesIO(GOOD + b"rubbish\n")

    monkeypatch.setattr(sys, "stdin", Input)
    assert run("-") == 1
    [entry] = (Path(settings.DATA_DIR) / "stdin.rejects.jsonl").read_bytes().splitlines()
    assert orjson.loads(entry)["text"] == "rubbish"


def test_an_endless_line_is_cut_and_the_next_one_taken(feed):
    feed.write_bytes(b"[" + b"1," * 3_000_000 + b"\n" + GOOD)
    assert run(feed) == 1
    [entry] = rejects_of(feed)
    assert (entry["line"], len(str(entry["text"])) < 20_000) == (1, True)
    assert Series.objects.filter(pk="berserk").exists()
