"""Agents and shoppers side by side, over the real ASGI application."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.core import mail
from django.utils import timezone

from escalation import consumers, desk_floor
from escalation.actors import Actor
from escalation.follow_up import leave_email
from escalation.handoffs import cancel_handoff, close_handoff, shopper_is
from escalation.models import AgentPresence, CannedReply, Handoff, HandoffLine
from escalation.package import Involved, build_package
from mangaassist import breaker
from mangaassist.dbthreads import in_database
from mangaassist.outbox.relay import drain
from tests.escalation.desk import Desk, Frame
from tests.escalation.people import agent, at_desk, conversation, lead, waiting
from tests.journeys.shopper import Socket, token
from tests.shop.catalogue import lay_small_catalogue

CARD = {"kind": "product", "id": "BERSERK-EN-1"}


@pytest.fixture(autouse=True)
def shop(transactional_db: None) -> None:
    lay_small_catalogue()


async def who(name: str = "aiko") -> Actor:
    return await in_database(agent, name)


async def the_lead() -> Actor:
    return await in_database(lead)


async def in_line(**fields: Any) -> str:
    return await in_database(lambda: waiting(**fields))


async def texts(id: str, role: str) -> list[str]:
    return [line.text async for line in HandoffLine.objects.filter(handoff=uuid.UUID(id), role=role)]


def of_customer(customer_id: str) -> Handoff:
    return Handoff.objects.create(conversation_id=conversation(), customer_id=customer_id)


def dismiss_all() -> None:
    Group.objects.get(name="agent").user_set.clear()


async def queue_up(socket: Socket) -> str:
    await socket.send(type="handoff", client_msg_id=str(uuid.uuid4()), reason="my parcel")
    return str((await socket.next("handoff_state"))["handoff_id"])


# --- A conversation -----------------------------------------------------------------------------------------


async def test_from_the_queue_to_the_rating_both_sides_see_the_same() -> None:
    async with Desk(await who()) as desk, Socket() as shopper:
        ready = await shopper.hello(token())
        state = await desk.next("state")
        assert (state["me"]["name"], state["me"]["lead"], state["handoffs"]) == ("Aiko", False, [])
        await shopper.answer("is Berserk volume 3 in stock?")
        id = await queue_up(shopper)
        row = await desk.row(id)
        assert (row["status"], row["reason"], row["language"]) == ("queued", "my parcel", "en")
        assert row["said"] == "is Berserk volume 3 in stock?"
        shown = (await desk.do("look", id=id))["conversation"]
        assert [line["role"] for line in shown["lines"]] == ["shopper", "assistant"]
        # What the shopper was shown, with what is true now.
        assert shown["lines"][1]["cards"][0]["data"]["price"]["amount"]
        await desk.do("take", id=id)
        assert (await desk.row(id, lambda row: row["status"] == "agent"))["agent_name"] == "Aiko"
        assert (await shopper.next("handoff_state"))["agent_name"] == "Aiko"
        await desk.do("types", id=id, active=True)
        assert (await shopper.next("typing"))["active"] is True
        await desk.do("say", id=id, text="This one?", cards=[CARD])
        word = await shopper.next("message")
        assert (word["name"], word["content"]) == ("Aiko", "This one?")
        assert word["cards"][0]["data"]["price"]["amount"] == "14.99"
        await shopper.send(type="typing", active=True)
        assert (await desk.next("typing", lambda frame: frame["active"]))["id"] == id
        await shopper.send(type="user_message", client_msg_id=str(uuid.uuid4()), text="yes!")
        line = await desk.next("lines", lambda frame: frame["lines"][-1]["role"] == "shopper")
        assert line["lines"][-1]["text"] == "yes!"
        await desk.do("note", id=id, text="collects Berserk")
        assert (await desk.next("lines"))["lines"][-1]["role"] == "note"
        await desk.do("close", id=id, reason="resolved", detail="sold")
        assert (await shopper.next("handoff_state"))["rate"] is True
        rated: Frame = {"type": "action", "action": "rate_handoff", "handoff_id": id, "csat": 4}
        await shopper.send(**rated, client_msg_id=str(uuid.uuid4()))
        assert (await desk.row(id, lambda row: row["csat"]))["csat"] == 4
    async with Socket() as shopper:
        back = await shopper.hello(token(conversation_id=ready["conversation_id"]))
        assert "collects" not in str(back)


async def test_two_pages_of_one_agent_see_the_same() -> None:
    aiko, id = await who(), await in_line()
    async with Desk(aiko) as one, Desk(aiko) as two:
        await one.do("look", id=id)
        await two.do("look", id=id)
        await one.do("take", id=id)
        await two.row(id, lambda row: row["status"] == "agent")
        word = str(uuid.uuid4())
        for desk in (one, two):  # Also the same word from both.
            await desk.do("say", client_id=word, id=id, text="Hello!")
        for desk in (one, two):
            frames = [frame for frame in desk.frames if frame["type"] == "lines"] or [await desk.next("lines")]
            assert [line["text"] for frame in frames for line in frame["lines"]] == ["Hello!"]
    assert await texts(id, "agent") == ["Hello!"]


async def test_who_waits_further_back_than_is_shown_is_not_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_floor, "MOST_ROWS", 2)
    first, last = await in_line(), await in_line()
    async with Desk(await who()) as desk:
        await desk.row(last)
        urgent = await in_line(priority=2)
        assert (await desk.gone(last))["status"] == "queued"
        await in_database(cancel_handoff, (await Handoff.objects.aget(pk=urgent)).conversation_id)
        assert (await desk.row(last))["status"] == "queued"
        await in_database(cancel_handoff, (await Handoff.objects.aget(pk=first)).conversation_id)
        assert (await desk.gone(first))["status"] == "closed"


async def test_a_guest_who_signs_in_is_the_customer_at_the_desk() -> None:
    async with Desk(await who()) as desk:
        async with Socket() as shopper:
            ready = await shopper.hello(token())
            id = await queue_up(shopper)
        await desk.row(id, lambda row: row["customer_id"] == "")
        async with Socket() as shopper:
            signed_in = token(customer_id="ada", conversation_id=ready["conversation_id"])
            assert (await shopper.hello(signed_in))["state"] == "queued"
        assert (await desk.row(id, lambda row: row["customer_id"]))["customer_id"] == "ada"
    # Once: nobody becomes somebody else.
    assert not await in_database(shopper_is, ready["conversation_id"], "ben")
    assert (await Handoff.objects.aget()).customer_id == "ada"


async def test_a_request_that_goes_on_by_email_is_answered_from_the_desk() -> None:
    id = await in_line()
    aiko = await who()
    async with Desk(aiko) as desk:
        await desk.do("take", id=id)
        assert (await desk.ask("email", id=id, text="Hello"))["code"] == "no_email"
        await desk.do("return", id=id)
        handoff = await Handoff.objects.aget()
        assert await in_database(leave_email, handoff.conversation_id, "ada@shop.example")
        assert (await desk.ask("email", id=id, text="Hello"))["code"] == "not_taken"
        await desk.do("take", id=id)
        assert (await desk.do("look", id=id))["conversation"]["email"] == "ada@shop.example"
        # Nobody is written to by closing.
        assert (await desk.ask("close", id=id, reason="by_email"))["code"] == "bad_reason"
        assert (await desk.ask("email", id=id, text=" "))["code"] == "empty_text"
        word = str(uuid.uuid4())
        for _ in range(2):  # Its answer was lost: asked again, mailed once.
            answer = await desk.ask("email", client_id=word, id=id, text="It is on its way.")
            assert answer["type"] == "done"
    await handoff.arefresh_from_db()
    assert (handoff.status, handoff.close_reason) == ("closed", "by_email")
    await in_database(drain, "handoff-mail")
    assert [each.body for each in mail.outbox if "on its way" in each.body] == ["It is on its way.\n\nAiko"]
    assert mail.outbox[-1].to == ["ada@shop.example"]


async def test_a_page_that_lost_its_connection_reads_what_is_so() -> None:
    aiko, id = await who(), await in_line()
    async with Desk(aiko) as desk:
        await desk.do("take", id=id)
    word = str(uuid.uuid4())
    async with Desk(aiko) as desk:
        state = await desk.next("state")
        assert [(row["id"], row["status"]) for row in state["handoffs"]] == [(id, "agent")]
        await desk.do("say", client_id=word, id=id, text="Back again.")
    async with Desk(aiko) as desk:  # Its answer was lost: asked again, said once.
        await desk.do("say", client_id=word, id=id, text="Back again.")
        shown = (await desk.do("look", id=id))["conversation"]
        assert [line["client_id"] for line in shown["lines"] if line["role"] == "agent"] == [word]


async def test_without_redis_it_takes_a_look_but_nothing_is_lost() -> None:
    aiko, id = await who(), await in_line()
    async with Desk(aiko) as desk:
        await desk.next("state")
        for _ in range(2):
            breaker.registry["doorbell"].failed()
        await in_database(close_handoff, id, by=aiko)
        assert (await desk.gone(id))["status"] == "closed"


async def test_an_agent_who_left_gives_the_shopper_back_and_is_told_on_return() -> None:
    aiko, id = await who(), await in_line()
    async with Desk(aiko) as desk:
        await desk.do("take", id=id)
    await AgentPresence.objects.aupdate(seen_at="2020-01-01T00:00Z")
    from escalation.presence import return_silent

    assert await in_database(return_silent) == 1
    async with Desk(aiko) as desk:
        state = await desk.next("state")
        assert [row["status"] for row in state["handoffs"]] == ["queued"]


# --- Who gets it ---------------------------------------------------------------------------------------------


async def test_two_agents_click_at_once_and_one_is_told() -> None:
    id = await in_line()
    async with Desk(await who()) as one, Desk(await who("ben")) as two:
        for desk in (one, two):
            await desk.row(id)
            await desk.do("look", id=id)
        answers = await asyncio.gather(one.ask("take", id=id), two.ask("take", id=id))
        assert sorted(answer["type"] for answer in answers) == ["done", "refused"]
        assert [answer["code"] for answer in answers if answer["type"] == "refused"] == ["taken"]
        loser, winner = (two, "Aiko") if answers[0]["type"] == "done" else (one, "Ben")
        seen = [each for frame in loser.frames if frame["type"] == "changed" for each in frame["gone"]]
        told = seen[0] if seen else await loser.gone(id)
        assert (told["status"], told["agent_name"]) == ("agent", winner)
        # And reads no more of it.
        assert (await loser.ask("look", id=id))["code"] == "not_yours"


async def test_a_lead_sees_all_and_assigns_and_an_agent_transfers() -> None:
    ben, id = await who("ben"), await in_line()
    async with Desk(await the_lead()) as desk, Desk(ben) as other:
        await other.next("state")
        await desk.do("assign", id=id, to=ben.user_id)
        assert (await desk.row(id, lambda row: row["status"] == "agent"))["agent_name"] == "Ben"
        await other.row(id, lambda row: row["status"] == "agent")
        aiko = await who()
        assert (await other.ask("transfer", id=id, to=aiko.user_id))["code"] == "not_there"
        await in_database(at_desk, "aiko")
        await other.do("transfer", id=id, to=aiko.user_id, detail="speaks Japanese")
        assert (await other.gone(id))["agent_name"] == "Aiko"
        await desk.row(id, lambda row: row["agent_name"] == "Aiko")
        await desk.do("return", id=id)
        await other.row(id, lambda row: row["status"] == "queued")


async def test_what_does_not_fit_is_refused_with_its_code() -> None:
    ben = await who("ben")
    nobody = await User.objects.acreate(username="nobody", is_staff=True)
    id = await in_line()
    async with Desk(await who()) as desk:
        assert (await desk.ask("say", id=id, text="hi"))["code"] == "not_taken"
        assert (await desk.ask("assign", id=id, to=ben.user_id))["code"] == "not_allowed"
        await desk.do("take", id=id)
        for fields, code in (
            ({"type": "transfer", "to": nobody.pk}, "not_an_agent"),
            ({"type": "transfer", "to": 9_999_999}, "not_an_agent"),
            ({"type": "say", "text": "", "cards": [{"kind": "product", "id": "NONE"}]}, "no_such_card"),
            ({"type": "say", "text": "", "cards": [{"kind": "order", "id": "MD-1"}]}, "no_such_card"),
            ({"type": "take", "id": str(uuid.uuid4())}, "not_found"),
            ({"type": "dance"}, "unknown_type"),
        ):
            assert (await desk.ask(**{"id": id} | fields))["code"] == code
        await desk.do("presence", capacity=1)
        assert (await desk.ask("take", id=await in_line()))["code"] == "full"
        await desk.raw.send_to(text_data="{")
        assert (await desk.next("refused"))["code"] == "malformed"
        await desk.raw.send_to(bytes_data=b"\x00")
        assert (await desk.next("refused"))["code"] == "malformed"
        await desk.do("ping")
    assert not await texts(id, "agent")


async def test_too_much_at_once_is_told_and_the_page_goes_on(settings: Any) -> None:
    settings.SOCKET_FRAMES_PER_S = 1
    async with Desk(await who()) as desk:
        for _ in range(8):
            await desk.raw.send_json_to({"type": "ping", "client_id": str(uuid.uuid4())})
        assert (await desk.next("refused"))["code"] == "rate"
        await asyncio.sleep(1.2)
        await desk.do("ping")


async def test_notes_go_on_after_the_end_for_who_had_it() -> None:
    aiko, id = await who(), await in_line()
    async with Desk(aiko) as desk, Desk(await who("ben")) as other:
        await desk.do("look", id=id)
        await desk.do("take", id=id)
        await desk.do("close", id=id, reason="no_answer")
        await desk.do("note", id=id, text="write on Monday")
        assert (await other.ask("note", id=id, text="who is it?"))["code"] == "not_yours"
    assert await texts(id, "note") == ["write on Monday"]


# --- What agents find -----------------------------------------------------------------------------------------


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


# --- Who may open it -------------------------------------------------------------------------------------------


async def test_who_opens_the_desk_first_takes_conversations_and_a_choice_is_kept() -> None:
    aiko = await who()
    async with Desk(aiko) as desk:
        (mine,) = (await desk.next("state"))["agents"]
        assert (mine["status"], mine["load"], mine["capacity"]) == ("available", 0, 3)
        await desk.do("presence", status="away")
        assert (await desk.next("agents"))["agents"][0]["status"] == "away"
    async with Desk(aiko) as desk:
        assert (await desk.next("state"))["agents"][0]["status"] == "away"


async def test_nobody_else_gets_in() -> None:
    staff = Actor(name="", shown="", role="agent", user_id=(await User.objects.acreate(username="s", is_staff=True)).pk)
    for actor, origin, code, close in (
        (None, "http://testserver", "signed_out", 4401),
        (staff, "http://testserver", "forbidden", 4403),
        (await who(), "https://evil.example", "forbidden", 4403),
        (await who(), "null", "forbidden", 4403),
    ):
        async with Desk(actor, origin=origin) as desk:
            refused, closed = await desk.closed_with()
            assert refused is not None
            assert (refused["code"], closed) == (code, close)
    assert not await AgentPresence.objects.aexists()


def new_password() -> None:
    user = User.objects.get(username="aiko")
    user.set_password("changed, because somebody else knew it")
    user.save()


@pytest.mark.parametrize("how", ["group", "session", "password", "account"])
async def test_who_loses_the_right_loses_the_page(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "SIGN_OF_LIFE_S", 0.3)
    aiko = await who()
    async with Desk(aiko) as desk:
        await desk.next("state")
        if how == "group":
            await in_database(dismiss_all)
        elif how == "session":
            await Session.objects.all().adelete()
        elif how == "password":
            await in_database(new_password)
        else:
            await User.objects.filter(username=aiko.name).aupdate(is_active=False)
        _, closed = await desk.closed_with()
        assert closed == (4401 if how in {"session", "password"} else 4403)


async def test_a_right_that_is_gone_does_nothing_any_more() -> None:
    id = await in_line()
    async with Desk(await who()) as desk:
        await desk.next("state")
        await in_database(dismiss_all)
        await desk.raw.send_json_to({"type": "take", "client_id": str(uuid.uuid4()), "id": id})
        _, closed = await desk.closed_with()
        assert closed == 4403
    assert (await Handoff.objects.aget(pk=id)).status == "queued"
