"""What agents find at the desk: products, orders, ready answers."""

from __future__ import annotations

import uuid

import pytest
from django.utils import timezone

from escalation.models import CannedReply, Handoff
from escalation.package import Involved, build_package
from mangaassist.dbthreads import in_database
from tests.escalation.desk import Desk, Frame
from tests.escalation.people import conversation, in_line, of_customer, texts, who
from tests.shop.catalogue import lay_small_catalogue


@pytest.fixture(autouse=True)
def shop(transactional_db: None) -> None:
    lay_small_catalogue()


async def test_products_are_found_with_what_they_cost_now() -> None:
    from shop.models import Offer

    id = await in_line()
    async with Desk(await who()) as desk:
        for price in ("14.99", "9.50"):
            await Offer.objects.filter(pk="BERSERK-EN-1").aupdate(price=price)
            found = (await desk.do("find", id=id, what="products", query="berserk 1"))["found"]
            data = next(card["data"] for card in found if card["id"] == "BERSERK-EN-1")
            assert (data["price"]["amount"], data["availability"]) == (price, "in_stock")
        assert (await desk.do("find", id=id, what="products", query=" "))["found"] == []
        # In the shopper's language first.
        japanese = await in_line(language="ja")
        for of, language in ((id, "en"), (japanese, "ja")):
            found = (await desk.do("find", id=of, what="products", query="berserk"))["found"]
            assert found[0]["data"]["language"] == language


async def test_orders_are_the_customers_own() -> None:
    from shop.models import Order

    order = await Order.objects.afirst()
    assert order is not None
    own = await in_database(
        lambda: Handoff.objects.create(conversation_id=conversation(), customer_id=order.customer_id)
    )
    other = await in_database(lambda: Handoff.objects.create(conversation_id=conversation(), customer_id="c-else"))
    async with Desk(await who()) as desk:
        found = (await desk.do("find", id=str(own.pk), what="orders"))["found"]
        assert order.pk in {card["id"] for card in found}
        assert (await desk.do("find", id=str(own.pk), what="orders", query="no such title"))["found"] == []
        assert (await desk.do("find", id=str(other.pk), what="orders"))["found"] == []
        await desk.do("take", id=str(own.pk))
        await desk.do("say", id=str(own.pk), text="", cards=[{"kind": "order", "id": order.pk}])
        shown = (await desk.do("look", id=str(own.pk)))["conversation"]
        assert shown["lines"][-1]["cards"][0]["data"]["status"] == order.status


async def test_an_order_is_found_by_its_number_however_old_it_is() -> None:
    from shop.models import Order

    await in_database(
        Order.objects.bulk_create,
        [Order(id=f"NEW-{number}", customer_id="alice", placed_at=timezone.now()) for number in range(25)],
    )
    own, bobs = await in_database(of_customer, "alice"), await in_database(of_customer, "bob")
    async with Desk(await who()) as desk:
        for id, found in ((own.pk, ["MA-10001"]), (bobs.pk, [])):
            answer = await desk.do("find", id=str(id), what="orders", query=" MA-10001 ")
            assert [card["id"] for card in answer["found"]] == found


async def test_who_does_not_have_the_handoff_learns_of_no_order() -> None:
    handoff = await in_database(of_customer, "alice")
    id, word = str(handoff.pk), str(uuid.uuid4())
    asked: Frame = {"type": "say", "id": id, "text": ""}
    theirs: Frame = {"cards": [{"kind": "order", "id": "MA-10001"}]}
    none: Frame = {"cards": [{"kind": "order", "id": "MA-99999"}]}
    async with Desk(await who()) as desk, Desk(await who("ben")) as other:
        assert [(await other.ask(**asked | cards))["code"] for cards in (theirs, none)] == ["not_taken"] * 2
        await desk.do("take", id=id)
        assert [(await other.ask(**asked | cards))["code"] for cards in (theirs, none)] == ["not_yours"] * 2
        # Who has it may say the same again, also when it is over.
        await desk.do(**asked | theirs, client_id=word)
        await desk.do("close", id=id, reason="resolved")
        await desk.do(**asked | theirs, client_id=word)
    assert await texts(id, "agent") == [""]


async def test_ready_answers_come_filled_and_in_the_shoppers_language_first() -> None:
    await CannedReply.objects.acreate(locale="en", shortcut="hello", text="Hello, this is {agent}.")
    await CannedReply.objects.acreate(locale="ja", shortcut="hello", text="{agent}です。")
    id = await in_line(language="ja")
    async with Desk(await who()) as desk:
        canned = (await desk.do("look", id=id))["conversation"]["canned"]
    assert [reply["text"] for reply in canned] == ["Aikoです。", "Hello, this is Aiko."]


@pytest.mark.parametrize(
    ("orders", "customer_id", "filled"),
    [
        (("MA-10001", "MA-10002"), "alice", "Order MA-10001."),
        (("MA-20001", "MA-10001"), "alice", "Order MA-10001."),  # Not somebody else's.
        ((), "alice", "Order MA-10002."),  # The newest.
        ((), "bob", "Order MA-20001."),
        (("MA-10001",), "", "Order ."),
    ],
)
async def test_a_ready_answer_names_the_order_spoken_of(orders: tuple[str, ...], customer_id: str, filled: str) -> None:
    await CannedReply.objects.acreate(locale="en", shortcut="order", text="Order {order}.")
    about = await in_database(conversation)
    package = await in_database(
        build_package,
        trigger="asked",
        detail="",
        reason="",
        language="en",
        tried=[],
        involved=Involved(orders=orders),
    )
    handoff = await Handoff.objects.acreate(conversation_id=about, customer_id=customer_id, package=package)
    async with Desk(await who()) as desk:
        (reply,) = (await desk.do("look", id=str(handoff.pk)))["conversation"]["canned"]
    assert reply["text"] == filled
