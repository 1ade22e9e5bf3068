"""What is to be done is told from what is asked: table."""

from __future__ import annotations

import pytest

from chat.context import PageContext
from chat.deeds import Deed, deed_asked
from chat.dialogue import DialogueState, resolve
from chat.understanding.types import Entities, Intent, Understanding


@pytest.mark.parametrize(
    ("text", "deed"),
    [
        ("cancel MA-10024", "cancel"),
        ("I'd like to return MA-10021", "return"),
        ("change the address of MA-10024", "change"),
        ("MA-10024をキャンセルしてください", "cancel"),
        ("MA-10021を返品したい", "return"),
        ("MA-10024の住所を変更してください", "change"),
        ("where is MA-10024?", ""),
        ("was MA-10024 cancelled?", ""),
        ("has MA-10024 been returned?", ""),
        ("MA-10024はキャンセルされましたか", ""),
        ("MA-10024はどこですか", ""),
    ],
)
def test_done_to_an_order(text: str, deed: Deed) -> None:
    assert deed_asked(text, of_order=True) == deed


@pytest.mark.parametrize(
    ("text", "deed"),
    [
        ("add the second to my cart", "cart"),
        ("please put it in my basket", "cart"),
        ("buy it for me", "cart"),
        ("カートに入れて", "cart"),
        ("2番目をカートに追加して", "cart"),
        ("reserve Berserk 1", "reserve"),
        ("can you set a copy aside?", "reserve"),
        ("取り置きをお願いします", "reserve"),
        ("notify me when it is back", "notify"),
        ("let me know when it's in stock again", "notify"),
        ("再入荷したら知らせてください", "notify"),
        ("The price has changed since I put the book into my cart. Why?", ""),
        ("カートに入れた後に価格が変わったのはなぜですか？", ""),
        ("tell me when Frieren 99 comes out", ""),
        ("in what order should I read it?", ""),
        ("is it in stock?", ""),
        ("can I buy it as an e-book?", ""),
        ("where can I buy this?", ""),
        ("再入荷はいつですか", ""),
    ],
)
def test_done_to_a_book(text: str, deed: Deed) -> None:
    assert deed_asked(text, of_order=False) == deed


def heard(intent: Intent, **entities: object) -> Understanding:
    return Understanding(language="en", intent=intent, confidence=0.9, entities=Entities(**entities))  # type: ignore[arg-type]


def test_of_no_known_book_it_is_a_question_for_the_help_pages() -> None:
    message = heard("faq")
    request = resolve("let me know when a book is back in stock", message, DialogueState(), PageContext())
    assert (request.intent, request.deed) == ("faq", "")


def test_of_the_order_that_was_spoken_of() -> None:
    state = DialogueState(intent="order_status", order="MA-10002")
    request = resolve("cancel it", heard("faq", refers_back=True), state, PageContext())
    assert (request.intent, request.deed, request.order_ids) == ("deed", "cancel", ("MA-10002",))


def test_a_complaint_stays_one() -> None:
    message = heard("complaint", order_ids=("MA-10001",))
    assert resolve("MA-10001 came torn, I return it", message, DialogueState(), PageContext()).intent == "complaint"
