"""Agents and shoppers side by side, over the real ASGI application."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail

from escalation import desk_floor
from escalation.follow_up import leave_email
from escalation.handoffs import cancel_handoff, close_handoff, shopper_is
from escalation.models import AgentPresence, Handoff
from mangaassist import breaker
from mangaassist.dbthreads import in_database
from mangaassist.outbox.relay import drain
from tests.escalation.desk import Desk, Frame
from tests.escalation.people import at_desk, in_line, texts, the_lead, who
from tests.journeys.shopper import Socket, token
from tests.shop.catalogue import lay_small_catalogue

CARD = {"kind": "product", "id": "BERSERK-EN-1"}


@pytest.fixture(autouse=True)
def shop(transactional_db: None) -> None:
    lay_small_catalogue()


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
