"""Recommendations for a partner's own pages."""

from __future__ import annotations

from typing import Any

import pytest

from caching.behind import behind
from mangaassist.breaker import ExecutorFull
from mangaassist.dbthreads import in_database
from recommendations.interactions import NewInteraction, record_interactions
from recommendations.models import Interaction
from shop.models import Offer
from tests.partners.conftest import Partner
from tests.partners.test_api import _create


async def _bought(customer_id: str, asin: str) -> None:
    new = NewInteraction(customer_id=customer_id, asin=asin, type="purchase")
    await in_database(record_interactions, [new])


async def test_a_customer_gets_both_shelves_with_reasons_and_live_products(partner: Partner) -> None:
    await _bought("dora", "BERSERK-EN-1")
    found = (await partner.get("/recommendations", customer_id="dora", limit=5)).json()
    assert set(found) == {"items", "engine", "recommendation_id", "shelves"}
    shelves = {shelf["name"]: shelf for shelf in found["shelves"]}
    goes_on = shelves["continue"]["items"][0]
    assert goes_on["because"] == ["BERSERK-EN-1"]
    assert goes_on["engine"] == "continue"
    assert goes_on["reason"] == "Volume 2 of Berserk comes next for you"
    assert goes_on["product"]["asin"] == goes_on["asin"]
    assert goes_on["product"]["availability"] in ("in_stock", "low_stock")
    for item in found["items"]:
        assert item["reason"], item
        assert item["engine"], item
    await in_database(behind.finish)


async def test_what_was_just_sold_out_is_not_recommended(partner: Partner) -> None:
    first = (await partner.get("/recommendations", session_id="guest-1")).json()["items"][0]["asin"]
    await Offer.objects.filter(pk=first).aupdate(stock=0)
    again = (await partner.get("/recommendations", session_id="guest-1")).json()["items"]
    assert first not in [item["asin"] for item in again]
    await in_database(behind.finish)


async def test_without_a_shopper_it_is_what_is_popular(partner: Partner) -> None:
    found = (await partner.get("/recommendations", locale="ja", limit=2)).json()
    assert found["engine"] == "popular"
    assert [shelf["name"] for shelf in found["shelves"]] == ["popular"]
    assert found["items"][0]["reason"] == "いま読者に人気の作品"


@pytest.mark.parametrize("query", [{"customer_id": "nobody"}, {"asin": "NOPE"}, {"query": "\x00' OR 1=1"}])
async def test_what_is_unknown_is_answered_with_what_is_popular(partner: Partner, query: dict[str, str]) -> None:
    response = await partner.get("/recommendations", **query)
    assert (response.status_code, response.json()["engine"]) == (200, "popular")


async def test_similar_to_a_product_says_to_which(partner: Partner) -> None:
    found = (await partner.get("/recommendations", asin="BERSERK-EN-1")).json()
    assert "BERSERK-EN-1" not in [item["asin"] for item in found["items"]]
    discover = next(shelf for shelf in found["shelves"] if shelf["name"] == "discover")
    assert discover["title"] == "Similar to Berserk"


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 10_000},
        {"limit": "many"},
        {"session_id": "x" * 129},
        {"device": "fridge"},
        {"customer_id": "x" * 129},
        {"query": "x" * 401},
        {"asin": "x" * 65},
    ],
)
async def test_bad_input_is_a_problem_that_names_it(partner: Partner, query: dict[str, Any]) -> None:
    response = await partner.get("/recommendations", **query)
    assert (response.status_code, response.headers["Content-Type"]) == (422, "application/problem+json")
    assert response.json()["detail"]


async def test_the_scope_is_needed(partner: Partner) -> None:
    _, secret = await _create("Reader", ["catalog:read"])
    assert (await Partner(secret).get("/recommendations")).status_code == 403


async def test_too_many_at_once_are_told_when_to_come_back(partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    from recommendations import recommend

    async def full(work: Any) -> None:
        raise ExecutorFull("recommendations")

    monkeypatch.setattr(recommend._executor, "run", full)
    response = await partner.get("/recommendations", customer_id="dora")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")


class TestEvents:
    async def test_they_act_on_the_very_next_recommendations(self, partner: Partner) -> None:
        at = "2026-11-01T12:00:00Z"
        sent = [
            {"type": "purchase", "asin": "BERSERK-EN-1", "customer_id": "erin", "at": at},
            {"type": "rating", "asin": "BERSERK-EN-1", "customer_id": "erin", "value": 5, "at": at},
            {"type": "view", "asin": "NO-SUCH", "customer_id": "erin"},
            {"type": "view", "asin": "BERSERK-EN-1"},
            {"type": "view", "asin": "BERSERK-EN-1", "customer_id": "erin", "at": "2999-01-01T00:00:00Z"},
        ]
        response = await partner.post("/events", sent)
        assert response.status_code == 202
        told = response.json()
        assert (told["taken"], told["duplicates"]) == (2, 0)
        assert [each["index"] for each in told["rejected"]] == [2, 3, 4]
        assert "unknown" in told["rejected"][0]["reason"]

        found = (await partner.get("/recommendations", customer_id="erin")).json()
        assert found["shelves"][0]["name"] == "continue"
        await in_database(behind.finish)

        again = (await partner.post("/events", sent[:2])).json()
        assert (again["taken"], again["duplicates"]) == (0, 2)

    @pytest.mark.parametrize(
        "body",
        [
            [],
            {},
            [{"type": "view", "asin": "BERSERK-EN-1", "customer_id": "x"}] * 501,
            [{"type": "stare", "asin": "BERSERK-EN-1", "customer_id": "x"}],
            [{"type": "view", "asin": "x" * 33, "customer_id": "x"}],
            [{"type": "view", "asin": "BERSERK-EN-1", "customer_id": "x" * 129}],
            [{"type": "view", "asin": "BERSERK-EN-1", "customer_id": "x", "at": "yesterday"}],
            [{"type": "rating", "asin": "BERSERK-EN-1", "customer_id": "x", "value": "good"}],
            [{"type": "view", "asin": "BERSERK-EN-1", "customer_id": "x", "impression": ["a"] * 26}],
        ],
    )
    async def test_bad_input_is_a_problem_and_nothing_is_taken(self, partner: Partner, body: Any) -> None:
        response = await partner.post("/events", body)
        assert (response.status_code, response.headers["Content-Type"]) == (422, "application/problem+json")
        assert not await Interaction.objects.aexists()

    async def test_a_value_that_cannot_be_stored_rejects_its_event_only(self, partner: Partner) -> None:
        response = await partner.post(
            "/events",
            [
                {"type": "view", "asin": "BERSERK-EN-1", "customer_id": "a\x00b"},
                {"type": "rating", "asin": "BERSERK-EN-1", "customer_id": "x", "value": 9},
                {"type": "view", "asin": "BERSERK-EN-1", "session_id": "guest", "at": "2026-11-01T12:00:00"},
            ],
        )
        assert response.json()["taken"] == 1
        assert [each["index"] for each in response.json()["rejected"]] == [0, 1]

    async def test_the_scope_is_needed(self, partner: Partner) -> None:
        _, secret = await _create("Reader", ["recommendations"])
        response = await Partner(secret).post("/events", [{"type": "view", "asin": "A", "customer_id": "x"}])
        assert response.status_code == 403
