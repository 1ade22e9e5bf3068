"""The demo feed: what the shop promises of it, and that its sources make exactly these bytes."""

from __future__ import annotations

import gzip
from collections import Counter
from typing import Any

import orjson
import pytest

from shop.demo import build
from shop.demo.shoppers import DEMO_SHOPPERS
from shop.feed import read_line

Lines = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def lines() -> Lines:
    found: Lines = {}
    for raw in gzip.decompress(build.FEED.read_bytes()).splitlines():
        line = orjson.loads(raw)
        found.setdefault(line["kind"], []).append(line)
    return found


def test_the_committed_feed_is_what_its_sources_make() -> None:
    assert gzip.decompress(build.FEED.read_bytes()) == gzip.decompress(build.feed_bytes())


def test_there_is_enough_of_everything(lines: Lines) -> None:
    assert len(lines["series"]) >= 100
    assert len(lines["edition"]) >= 1200
    assert len({each["id"] for each in lines["article"]}) >= 30
    assert len({each["customer_id"] for each in lines["interaction"]} - {s.customer_id for s in DEMO_SHOPPERS}) >= 2_000
    assert {each["demographic"] for each in lines["series"]} >= {"shonen", "shojo", "seinen", "josei", "kodomo"}
    assert len({each["started"] // 10 for each in lines["series"]}) >= 6
    assert {each["format"] for each in lines["edition"]} >= {"paperback", "ebook", "omnibus", "deluxe", "box_set"}
    assert {each["language"] for each in lines["edition"]} == {"en", "ja"}
    assert any(each["release_date"] >= "2027" for each in lines["edition"])
    assert any(not each["in_print"] for each in lines["edition"])


def test_every_line_is_taken_and_every_reference_resolves(lines: Lines) -> None:
    for kind in lines.values():
        for line in kind:
            read_line(orjson.dumps(line))
    series = {each["id"] for each in lines["series"]}
    asins = {each["asin"] for each in lines["edition"]}
    assert len(asins) == len(lines["edition"])
    assert {each["series"] for each in lines["edition"]} <= series
    assert {each["to"] for line in lines["series"] for each in line.get("relations", [])} <= series
    assert {each["asin"] for kind in ("offer", "interaction") for each in lines[kind]} <= asins
    assert {each["asin"] for order in lines["order"] for each in order["lines"]} <= asins
    assert {each for promotion in lines["promotion"] for each in promotion["series"]} <= series


def test_a_collection_has_its_own_number_and_a_single_volume_none(lines: Lines) -> None:
    collections = [each for each in lines["edition"] if each["format"] in ("omnibus", "deluxe", "box_set")]
    assert [each for each in lines["edition"] if "edition_number" in each] == collections
    # Threes: volumes 4 to 6 are the second.
    wrong = [each for each in collections if each["edition_number"] != (each["volumes"][0] + 2) // 3]
    assert wrong == []
    assert {each["edition_number"] for each in collections} == {1, 2}


def test_every_article_is_told_in_both_languages(lines: Lines) -> None:
    locales = Counter(each["id"] for each in lines["article"])
    assert set(locales.values()) == {2}


def test_the_twelve_shoppers_have_orders_in_every_state(lines: Lines) -> None:
    by_customer = Counter(order["customer_id"] for order in lines["order"])
    assert set(by_customer) == {shopper.customer_id for shopper in DEMO_SHOPPERS}
    assert len(by_customer) == 12
    assert {order["status"] for order in lines["order"]} == {
        "processing", "shipped", "delivered", "cancelled", "returned",
    }  # fmt: skip
