"""Totals, verdicts and limits: filled from the turn's live read, or honestly not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from chat.answers.asked import Asked
from chat.answers.skills import finish
from chat.context import PageContext
from chat.dialogue import DialogueState, Request
from chat.evidence import Evidence
from chat.guard import Refused, release
from chat.live import LiveValues
from chat.trace import Trace
from chat.understanding.types import Entities
from shop.facts import SeriesFacts
from shop.offers import LiveOffer, Money


def offer(asin: str, amount: str | None, currency: str = "USD") -> LiveOffer:
    price = Money(Decimal(amount), currency) if amount else None
    return LiveOffer(
        asin=asin, price=price, list_price=None, stock=3, availability="in_stock", read_at=datetime.now(UTC)
    )


def live(*offers: LiveOffer, limit: tuple[str, str] | None = None) -> LiveValues:
    evidence = Evidence(bundles={"finish": ("A", "B")})
    if limit:
        evidence.limits["series"] = (Decimal(limit[0]), limit[1])
    values = LiveValues(evidence, "en", Trace())
    values.offers = {each.asin: each for each in offers}
    return values


A, B = offer("A", "10.00"), offer("B", "15.50")


@pytest.mark.parametrize(
    ("offers", "total"),
    [
        ((A, B), "$25.50"),
        # A part is no total.
        ((A,), "price unreadable just now"),
        ((A, offer("B", None)), "price unreadable just now"),
        ((A, offer("B", "900", "JPY")), "price unreadable just now"),
        ((), "price unreadable just now"),
    ],
)
def test_a_total_is_of_all_or_of_nothing(offers: tuple[LiveOffer, ...], total: str) -> None:
    assert live(*offers).fill("total", "finish") == total


@pytest.mark.parametrize(
    ("limit", "verdict"),
    [
        (("25.50", "USD"), "within your $25.50"),
        (("25.49", "USD"), "over your $25.49"),
        # Without a currency the shop's is meant.
        (("30", ""), "within your 30"),
        (("3000", "JPY"), "something I can't hold against your limit just now"),
        (None, "something I can't hold against your limit just now"),
    ],
)
def test_a_verdict_holds_the_live_total_against_the_limit(limit: tuple[str, str] | None, verdict: str) -> None:
    assert live(A, B, limit=limit).fill("verdict", "finish") == verdict


def test_a_limit_is_repeated_as_it_was_said() -> None:
    assert live(limit=("1500", "JPY")).fill("limit", "series") == "¥1,500"
    assert live().fill("limit", "series") is None


@pytest.mark.parametrize("slot", ["{{total:other}}", "{{verdict:other}}", "{{limit:book}}", "{{total:A+B}}"])
def test_what_the_evidence_does_not_hold_is_refused(slot: str) -> None:
    assert isinstance(release(f"It is {slot}.", fill=live(A, B).fill, proven_numbers=frozenset()), Refused)


def test_all_of_a_bundle_is_read() -> None:
    assert live().needed_by([("total", "finish"), ("price", "C"), ("title", "D"), ("total", "other")]) == [
        "A",
        "B",
        "C",
    ]


@pytest.mark.parametrize("step", ["offers", "finish"])
def test_without_prices_nothing_is_worked_out(step: str) -> None:
    series = SeriesFacts(
        id="a", title="A", native_title="", romanized_title="", aliases=(), authors=(), native_authors=(), category="manga",
        demographic="", genres=(), themes=(), status="complete", age_rating="teen", volume_count=3, started=None,
        description="", native_description="", relations=(),
    )  # fmt: skip
    request = Request(
        intent="budget",
        language="en",
        text="",
        series=("a",),
        entities=Entities(),
        context=PageContext(),
        state=DialogueState(),
    )
    plan = finish(Asked(request, Evidence(series={"a": series}, failed=frozenset({step})), False))
    assert [line.phrase for line in plan.lines] == ["finish.failed"]
    assert plan.cards == ()
