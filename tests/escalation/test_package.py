"""What a person reads first: true, short, in both languages, and without what is nobody's business."""

from __future__ import annotations

import json

import pytest

from escalation.desk_cards import involved_cards
from escalation.models import Handoff
from escalation.package import Involved, Tried, build_package, quoted
from shop.models import Offer, Order
from tests.shop.catalogue import lay_small_catalogue

pytestmark = pytest.mark.django_db

TRIED = [
    Tried(text="is Berserk 1 in stock?", intent="availability", outcome="complete"),
    Tried(text="and my order MD-1? mail me: ada@shop.example", intent="order_status", outcome="complete"),
    Tried(text="hmm", intent="unclear", outcome="not_understood"),
    Tried(text="my card 4111 1111 1111 1111 was charged twice!", intent="", outcome="running"),
]


def package(**fields: object) -> dict[str, object]:
    values = {
        "trigger": "complaint",
        "detail": "complaint",
        "reason": "charged twice",
        "language": "en",
        "tried": TRIED,
        "involved": Involved(products=("BERSERK-EN-1", "GONE"), orders=("MD-1",)),
    }
    return build_package(**values | fields)  # type: ignore[arg-type]


def test_the_summary_in_both_languages() -> None:
    lay_small_catalogue()
    assert package()["summary"] == {
        "en": "Complains, or has a damaged or lost order (complaint). Last said: “my card [card] was charged twice!”. "
        "Answered by the assistant: 2 (stock 1×, order status 1×). Not understood or failed: 1. "
        "Products: Berserk, Vol. 1. Orders: MD-1. Feels: upset. Writes English.",
        "ja": "苦情、商品の破損または未着 (complaint)。最後のご発言:「my card [card] was charged twice!」。"
        "アシスタントの回答2件（在庫 1×, 注文状況 1×）。理解できなかった、または失敗: 1件。"
        "商品: Berserk, Vol. 1。注文: MD-1。ご様子: お怒り・ご不安。言語: 英語。",
    }


def test_nothing_personal_and_nothing_that_ages() -> None:
    lay_small_catalogue()
    text = json.dumps(package(), ensure_ascii=False)
    assert "4111" not in text
    assert "ada@" not in text
    assert "14.99" not in text


def test_a_request_without_a_word_before_it() -> None:
    empty = package(trigger="asked", detail="", reason="", tried=[], involved=Involved(), language="ja")
    assert empty["summary"] == {
        "en": "Asked for a person. Feels: calm. Writes Japanese.",
        "ja": "担当者をご希望。ご様子: 落ち着いている。言語: 日本語。",
    }


@pytest.mark.parametrize(
    ("text", "expected"), [("a\n b\t c", "a b c"), ("x" * 301, "x" * 299 + "…"), ("", ""), ("か\u3099", "が")]
)
def test_quotes_are_one_short_line(text: str, expected: str) -> None:
    assert quoted(text) == expected


def test_who_only_asks_for_a_person_may_have_been_upset_before() -> None:
    told = [
        Tried(text=text, intent="", outcome="complete") for text in ("my box set arrived damaged", "a human please")
    ]
    assert package(trigger="asked", tried=told)["sentiment"] == "upset"


@pytest.mark.parametrize(
    ("trigger", "detail", "sentiment"),
    [
        ("asked", "", "calm"),
        ("frustration", "shouting", "frustrated"),
        ("complaint", "complaint", "upset"),
        ("safety", "legal or fraud", "upset"),
        ("safety", "self-harm", "in_danger"),
    ],
)
def test_how_they_feel(trigger: str, detail: str, sentiment: str) -> None:
    assert package(trigger=trigger, detail=detail, tried=[])["sentiment"] == sentiment


def test_prices_and_orders_are_those_of_the_moment_and_of_the_owner() -> None:
    lay_small_catalogue()
    order = Order.objects.first()
    assert order is not None
    handoff = Handoff(
        customer_id=order.customer_id,
        package=package(involved=Involved(products=("BERSERK-EN-1",), orders=(order.pk,))),
    )
    Offer.objects.filter(pk="BERSERK-EN-1").update(price="17.77", stock=0)
    shown = involved_cards(handoff)
    (product,) = shown["products"]
    assert product["data"]["price"]["amount"] == "17.77"
    assert product["data"]["availability"] == "out_of_stock"
    assert [card["id"] for card in shown["orders"]] == [order.pk]
    for other in ("somebody else", ""):
        handoff.customer_id = other
        assert involved_cards(handoff)["orders"] == []
