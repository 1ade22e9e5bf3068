"""Catalogue events as a shop's systems send them."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from mangaassist.dbthreads import in_database
from shop.facts import load_product_facts
from shop.feed_records import TakenEvent
from shop.models import Offer
from shop.signals import catalog_changed
from tests.partners.conftest import Partner
from tests.partners.test_api import _create
from tests.shop.catalogue import edition, offer

PATH = "/catalog/events"
NOON, ONE = "2026-11-01T12:00:00Z", "2026-11-01T13:00:00+00:00"


def priced(id: str, price: str, at: str = NOON) -> dict[str, Any]:
    return {"id": id, "type": "offer.updated", "at": at, "data": offer("BERSERK-EN-1", price, 3)}


async def test_each_event_is_told_what_became_of_it(partner: Partner) -> None:
    sent = [
        priced("e-1", "9.99", ONE),
        priced("e-2", "8.88", NOON),
        priced("e-1", "7.77", ONE),
        {"id": "e-3", "type": "offer.updated", "at": NOON, "data": offer("NOWHERE", "1.00", 1)},
    ]
    answer = await partner.post(PATH, sent)
    assert answer.status_code == 202
    told = answer.json()
    assert (told["taken"], told["duplicates"], told["stale"]) == (1, 1, 1)
    assert told["rejected"] == [{"index": 3, "reason": "edition 'NOWHERE' is unknown"}]
    assert [(each["id"], each["status"]) for each in told["results"]] == [
        ("e-1", "taken"), ("e-2", "stale"), ("e-1", "duplicate"), ("e-3", "rejected"),
    ]  # fmt: skip
    assert (await partner.get("/products/BERSERK-EN-1")).json()["price"]["amount"] == "9.99"


async def test_events_are_taken_in_beside_the_threads_of_shoppers(partner: Partner) -> None:
    threads: list[str] = []

    def hear(**_: Any) -> None:
        threads.append(threading.current_thread().name)

    catalog_changed.connect(hear)
    try:
        assert (await partner.post(PATH, [priced("e-1", "9.99")])).json()["taken"] == 1
    finally:
        catalog_changed.disconnect(hear)
    assert threads
    assert all(name.startswith("bulk-database") for name in threads)


async def test_the_very_next_answer_has_the_new_words_and_a_deleted_product_is_gone(partner: Partner) -> None:
    await partner.get("/products/BERSERK-EN-1")
    await partner.get("/products/FRIEREN-EN-99")
    sent = [
        {
            "id": "e-1",
            "type": "product.updated",
            "at": NOON,
            "data": edition("BERSERK-EN-1", "berserk", "Berserk, the first", [1]),
        },
        {"id": "e-2", "type": "product.deleted", "at": NOON, "data": {"asin": "FRIEREN-EN-99"}},
    ]
    assert (await partner.post(PATH, sent)).json()["taken"] == 2
    assert (await partner.get("/products/BERSERK-EN-1")).json()["title"] == "Berserk, the first"
    assert (await partner.get("/products/FRIEREN-EN-99")).status_code == 404
    assert await in_database(load_product_facts, ["FRIEREN-EN-99"]) == {}


async def test_a_time_without_a_zone_is_utc(partner: Partner) -> None:
    await partner.post(PATH, [priced("e-1", "9.99", "2026-11-01T12:00:00")])
    assert (await partner.post(PATH, [priced("e-2", "8.88", "2026-11-01T13:30:00+02:00")])).json()["stale"] == 1


@pytest.mark.parametrize(
    ("at", "status"),
    [
        ("0001-01-01T00:00:00+14:00", "taken"),
        ("9999-12-31T23:59:59-14:00", "rejected"),
        ("9999-12-31T23:59:59Z", "rejected"),
    ],
)
async def test_a_time_at_the_end_of_all_years_is_one_as_well(partner: Partner, at: str, status: str) -> None:
    told = (await partner.post(PATH, [priced("e-1", "9.99", at)])).json()
    assert [each["status"] for each in told["results"]] == [status]


async def test_ids_of_another_tenant_are_others(partner: Partner, other_partner: Partner) -> None:
    assert (await partner.post(PATH, [priced("e-1", "9.99")])).json()["taken"] == 1
    assert (await other_partner.post(PATH, [priced("e-1", "8.88", ONE)])).json()["taken"] == 1


async def test_with_an_idempotency_key_the_answer_is_the_same_as_well(partner: Partner) -> None:
    sent = [priced("e-1", "9.99")]
    answers = [await partner.post(PATH, sent, **{"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    # Without one the event's own id still tells.
    assert (await partner.post(PATH, sent)).json()["duplicates"] == 1


async def test_the_scope_is_needed(partner: Partner) -> None:
    _, secret = await _create("Reader", ["catalog:read", "events"])
    assert (await Partner(secret).post(PATH, [priced("e-1", "9.99")])).status_code == 403
    assert not await TakenEvent.objects.aexists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": ""}, "0.id"),
        ({"id": "x" * 129}, "0.id"),
        ({"id": "a\x00b"}, "0.id"),
        ({"id": 7}, "0.id"),
        ({"at": "yesterday"}, "0.at"),
        ({"at": 1_700_000_000}, "0.at"),
        ({"at": None}, "0.at"),
        ({"type": "product.exploded"}, "0.type"),
        ({"data": []}, "0.data"),
        ({"data": None}, "0.data"),
        ({"data": "text"}, "0.data"),
    ],
)
async def test_an_event_without_its_frame_is_a_problem_and_nothing_is_taken(
    partner: Partner, change: dict[str, Any], field: str
) -> None:
    answer = await partner.post(PATH, [priced("e-1", "9.99") | change, priced("e-2", "8.88")])
    assert answer.status_code == 422, answer.content
    assert [each["field"] for each in answer.json()["errors"]] == [field]
    assert str((await Offer.objects.aget(pk="BERSERK-EN-1")).price) == "14.99"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([], 422),
        ({}, 422),
        (b"", 422),
        ([priced("e", "1.00")] * 1001, 422),
        ([7], 422),
        (b"[{]", 400),
        (b'[{"id":"e","id":"f"}]', 422),
        (b'[{"data":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}]", 400),
    ],
)
async def test_what_is_no_list_of_events_is_a_problem(partner: Partner, body: Any, status: int) -> None:
    answer = await partner.post(PATH, body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")


@pytest.mark.parametrize(
    "data",
    [
        {"asin": "BERSERK-EN-1\x00", "price": "1.00", "currency": "USD", "stock": 10**18},
        {"asin": {"a": 1}},
        {"kind": {}, "asin": "BERSERK-EN-1"},
        {"asin": "BERSERK-EN-1", "price": 14.99, "currency": "USD"},
        {"asin": "BERSERK-EN-1", "price": "1e9", "currency": "USD"},
        {"asin": "BERSERK-EN-1", "price": "9.99", "currency": "usd"},
        {"asin": "../../etc", "price": "9.99", "currency": "USD"},
        {"asin": "BERSERK-EN-1\r\nX: y", "price": "9.99", "currency": "USD"},
    ],
)
async def test_data_that_is_no_line_rejects_its_event_only(partner: Partner, data: dict[str, Any]) -> None:
    bad = {"id": "bad", "type": "offer.updated", "at": NOON, "data": data}
    told = (await partner.post(PATH, [bad, priced("good", "9.99")])).json()
    assert [each["status"] for each in told["results"]] == ["rejected", "taken"]
    assert told["rejected"][0]["reason"]


async def test_a_thousand_events_of_one_object_are_one_write(partner: Partner) -> None:
    sent = [priced(f"e-{n}", f"{n}.00", f"2026-11-01T12:{n // 60:02}:{n % 60:02}Z") for n in range(1_000)]
    assert (await partner.post(PATH, sent)).json()["taken"] == 1_000
    assert str((await Offer.objects.aget(pk="BERSERK-EN-1")).price) == "999.00"
