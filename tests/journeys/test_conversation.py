"""Whole conversations over the socket, as shoppers have them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from chat.feedback import Opinion
from chat.models import Message
from chat.sessions import open_session
from chat.tokens import read_token
from mangaassist.dbthreads import in_database
from recommendations.interactions import NewInteraction
from shop.models import Offer
from tests.journeys.shopper import Socket, token

pytestmark = pytest.mark.usefixtures("shop")


async def test_a_turn_begins_with_typing_and_ends_with_its_response() -> None:
    async with Socket() as socket:
        ready = await socket.hello(token())
        assert ready["state"] == "bot"
        assert ready["active_turn"] is None
        frames = await socket.ask("Is Berserk volume 3 in stock?")
        accepted, *turn = frames
        assert accepted["type"] == "accepted"
        assert turn[0]["type"] == "typing_indicator"
        assert turn[0]["message"] == "MangaAssist is thinking..."
        assert [frame["seq"] for frame in turn] == list(range(1, len(turn) + 1))
        assert {frame["turn_id"] for frame in turn} == {accepted["turn_id"]}
        response = turn[-1]
        deltas = "".join(frame["text"] for frame in turn if frame["type"] == "delta")
        assert response["content"] == deltas.strip() == "Berserk, Vol. 3 is in stock, at $14.99."
        assert response["status"] == "complete"


async def test_cards_carry_the_live_price() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        await socket.answer("how much is Berserk volume 1?")
        await Offer.objects.filter(pk="BERSERK-EN-1").aupdate(price="99.99", stock=0)
        response = await socket.answer("how much is it?")
        assert "$99.99" in response["content"]
        (card,) = (card for card in response["cards"] if card["data"]["asin"] == "BERSERK-EN-1")
        assert card["kind"] == "product"
        assert card["data"]["price"]["amount"] == "99.99"
        assert card["data"]["price"]["currency"] == "USD"
        assert card["data"]["availability"] == "out_of_stock"


EN = [
    ("hello", "MangaAssist"),
    ("who wrote Vinland Saga?", "Makoto Yukimura"),
    ("what is Yotsuba&! about?", "discovers everything"),
    ("do you have anything by Sui Ishida?", "Tokyo Ghoul"),
    ("how many volumes does Tokyo Ghoul have?", "14 volumes"),
    ("is there a sequel to Tokyo Ghoul?", "Tokyo Ghoul:re"),
    ("bersek volume 2", "Berserk, Vol. 2"),
    ("I have read One Piece up to volume 2, what comes next?", "One Piece, Vol. 3"),
    ("any deals?", "Pirate week"),
    ("how long does shipping take?", "3 to 5 business days"),
    ("how much is the shipping?", "3 to 5 business days|shipping"),
    ("is Berserk okay for my 10 year old?", "I'd wait with Berserk"),
    ("is Yotsuba ok for a 10 year old?", "should be fine"),
    ("what's the difference between Berserk and Vinland Saga?", "**Vinland Saga** is a seinen series"),
    ("do you have the Berserk box set?", "$"),
    ("do you have Solo Leveling?", "can't find “Solo Leveling” in our catalogue"),
    ("which is better, Berserk or Vinland Saga?", "**Vinland Saga** is a seinen series"),
    ("what's the weather tomorrow?", "outside my shelves|better not guess"),
    ("I want to talk to a human", "your request waits in line"),
    ("thanks!", "welcome|pleasure"),
]
JA = [
    ("こんにちは", "MangaAssist"),
    ("ベルセルクの３巻はいくらですか", "748円"),
    ("ヴィンランド・サガの作者は誰ですか", "幸村誠"),
    ("返品はできますか", "30日以内"),
    ("送料はいくらですか", "ヘルプページに答えが|送料"),
    ("ベルセルクは10歳でも読めますか", "まだ早い"),
    ("BerserkとVinland Sagaの違いは？", "幸村誠"),
    ("べるせるくの3巻はいくらですか", "748円"),
    ("よつばとはどんな漫画ですか", "よつば"),
    ("セールはありますか", "海賊ウィーク"),
    ("注文はどこですか", "ログイン"),
    ("人と話したい", "担当者"),
    ("ありがとう", "どういたしまして|何より"),
]


@pytest.mark.parametrize(("said", "expected"), EN + JA)
async def test_one_question_one_grounded_answer(said: str, expected: str) -> None:
    async with Socket() as socket:
        await socket.hello(token())
        content = (await socket.answer(said))["content"]
        assert any(part in content for part in expected.split("|")), content


async def test_follow_ups_know_what_we_talk_about() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        assert "Vol. 3" in (await socket.answer("Is Berserk volume 3 in stock?"))["content"]
        assert "$14.99" in (await socket.answer("how much is it?"))["content"]
        assert "ベルセルク 3" in (await socket.answer("in Japanese?"))["content"]
        assert "Kentaro Miura" in (await socket.answer("who wrote it?"))["content"]
        listed = await socket.answer("what do you have by Sui Ishida?")
        second = listed["cards"][1]["data"]["title"]
        assert second in (await socket.answer("is the second one in stock?"))["content"]


async def test_a_childs_age_is_minded_and_nothing_untrue_is_said_of_it() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        assert "I'd wait" in (await socket.answer("is Berserk good for my 9 year old son?"))["content"]
        named = (await socket.answer("Vinland Saga"))["content"]
        assert "Not for age 9, by their ratings: Vinland Saga" in named
        by_author = (await socket.answer("what do you have by Sui Ishida?"))["content"]
        assert "Not for age 9, by their ratings: Tokyo Ghoul" in by_author
        listed = await socket.answer("recommend me some manga")
        assert {card["data"]["series"] for card in listed["cards"]} == {"Yotsuba&!"}
        for_another = await socket.answer("a gift for my husband, he likes Berserk")
        assert "suitable for all ages" not in for_another["content"]
        assert len(for_another["cards"]) > 1


async def test_an_order_is_spoken_of_until_another_is_named() -> None:
    async with Socket() as socket:
        await socket.hello(token(customer_id="alice", locale="ja"))
        assert "PP123456789" in (await socket.answer("注文MA-10002はどこですか"))["content"]
        assert "PP123456789" in (await socket.answer("いつ届きますか"))["content"]


async def test_a_click_in_a_recommended_list_is_told_with_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[NewInteraction] = []
    monkeypatch.setattr("chat.actions.record_interactions", told.extend)
    async with Socket() as socket:
        await socket.hello(token())
        listed = await socket.answer("recommend me some manga")
        card = listed["cards"][1]
        click = {"type": "action", "action": "add_to_cart", "card_id": card["card_id"]}
        await socket.send(**click, client_msg_id=str(uuid.uuid4()), message_id=listed["message_id"])
        await socket.next("saved")
    (new,) = told
    assert new.asin == card["data"]["asin"]
    assert new.recommendation_id
    assert new.impression == tuple(each["data"]["asin"] for each in listed["cards"])


async def test_more_is_what_was_not_told_yet() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        first = await socket.answer("recommend me some manga")
        titles = {card["data"]["series"] for card in first["cards"]}
        more = await socket.answer("show me more")
        assert not titles & {card["data"]["series"] for card in more["cards"]}
        end = await socket.answer("anything else?")
        assert "everything that fits" in end["content"]


async def test_the_show_more_of_a_card_list_asks_for_more_once() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        first = await socket.answer("recommend me some manga")
        click = {"type": "action", "action": "show_more", "client_msg_id": str(uuid.uuid4())}
        await socket.send(**click, message_id=first["message_id"])
        assert (await socket.next("saved"))["client_msg_id"] == click["client_msg_id"]
        asked = await socket.next("message")
        assert (asked["role"], asked["content"]) == ("user", "Show me more")
        more = await socket.next("response")
        assert more["turn_id"] == asked["turn_id"]
        await socket.send(**click, message_id=first["message_id"])
        await socket.next("saved")
        await socket.send(type="ping", t=1)
        assert (await socket.receive())["type"] == "pong"
        await socket.send(**click | {"client_msg_id": str(uuid.uuid4())}, message_id=str(uuid.uuid4()))
        assert (await socket.receive_error())["code"] == "not_found"


async def test_after_a_long_absence_the_newest_messages_are_told_and_the_client_begins_anew() -> None:
    async with Socket() as socket:
        conversation_id = (await socket.hello(token()))["conversation_id"]
        seen = (await socket.answer("hello"))["message_id"]
    rows = [Message(conversation_id=conversation_id, role="user", content=f"m{number}") for number in range(60)]
    await Message.objects.abulk_create(rows)
    async with Socket() as socket:
        resume = {"after_message_id": seen}
        ready = await socket.hello(token(), conversation_id=conversation_id, resume=resume)
        assert ready["reset"]
        assert [each["content"] for each in ready["messages"]] == [f"m{number}" for number in range(10, 60)]


async def test_orders_are_told_to_their_owner_only() -> None:
    async with Socket() as socket:
        await socket.hello(token(customer_id="alice"))
        response = await socket.answer("where is order MA-10002?")
        assert "on its way" in response["content"]
        assert "PP123456789" in response["content"]
        foreign = (await socket.answer("where is order MA-20001?"))["content"]
        unknown = (await socket.answer("where is order MA-99999?"))["content"]
        assert foreign == unknown
        assert "can't find" in foreign


async def test_the_next_volume_follows_from_past_orders() -> None:
    async with Socket() as socket:
        await socket.hello(token(customer_id="alice"))
        response = await socket.answer("what's my next volume of Berserk?")
        assert "up to volume 2" in response["content"]
        assert response["cards"][0]["data"]["asin"] == "BERSERK-EN-3"


async def test_a_resent_message_is_the_same_message() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        client_msg_id = str(uuid.uuid4())
        first = (await socket.ask("hello", client_msg_id=client_msg_id))[0]
        await socket.send(type="user_message", client_msg_id=client_msg_id, text="hello")
        again = await socket.next("accepted")
        assert again == first | {"duplicate": True}
        await socket.send(type="ping", t=7)
        assert (await socket.next("pong"))["t"] == 7


async def test_a_returning_shopper_sees_what_was_said_with_live_cards() -> None:
    async with Socket() as socket:
        ready = await socket.hello(token())
        await socket.answer("how much is Berserk volume 1?")
    await Offer.objects.filter(pk="BERSERK-EN-1").aupdate(price="5.00")
    async with Socket() as socket:
        again = await socket.hello(token(conversation_id=ready["conversation_id"]))
        assert again["conversation_id"] == ready["conversation_id"]
        question, answer = again["messages"]
        assert question["role"] == "user"
        assert "$14.99" in answer["content"]
        assert answer["cards"][0]["data"]["price"]["amount"] == "5.00"


async def test_another_tab_sees_the_same_conversation_live() -> None:
    async with Socket() as one, Socket() as other:
        ready = await one.hello(token())
        await other.hello(token(conversation_id=ready["conversation_id"]))
        await one.ask("hello")
        question = await other.next("message")
        assert (question["role"], question["content"]) == ("user", "hello")
        assert (await other.next("response"))["status"] == "complete"


async def test_a_client_without_capabilities_gets_the_beginning_and_the_end() -> None:
    async with Socket() as socket:
        await socket.hello(token(), caps=[])
        frames = await socket.ask("how much is Berserk volume 1?")
        assert [frame["type"] for frame in frames] == ["accepted", "typing_indicator", "response"]


async def test_feedback_is_saved_replaced_and_withdrawn() -> None:
    from chat.models import Feedback

    async with Socket() as socket:
        await socket.hello(token())
        message_id = (await socket.answer("hello"))["message_id"]
        for rating, stored in (("up", 1), (-1, -1), (None, None)):
            client_msg_id = str(uuid.uuid4())
            await socket.send(type="feedback", client_msg_id=client_msg_id, message_id=message_id, rating=rating)
            assert (await socket.next("saved"))["client_msg_id"] == client_msg_id
            assert (await Feedback.objects.aget()).rating == stored


async def test_an_opinion_comes_back_in_history_and_reaches_the_other_tabs() -> None:
    async with Socket() as first, Socket() as second, Socket() as third:
        ready = await first.hello(token())
        message_id = (await first.answer("hello"))["message_id"]
        again = token(conversation_id=ready["conversation_id"])
        await second.hello(again)
        await third.hello(again, caps=[])

        async def rate(**opinion: Any) -> None:
            await first.send(type="feedback", client_msg_id=str(uuid.uuid4()), message_id=message_id, **opinion)
            await first.next("saved")

        await rate(rating="down", reason="wrong_facts", comment="It is a hardcover.")
        told = {"type": "feedback", "message_id": message_id, "rating": "down", "reason": "wrong_facts"}
        assert await second.next("feedback") == told
        async with Socket() as later:
            answer = (await later.hello(again))["messages"][-1]
            assert (answer["rating"], answer["reason"]) == ("down", "wrong_facts")
        await rate(rating=None)
        assert await second.next("feedback") == {"type": "feedback", "message_id": message_id, "rating": None}
        async with Socket() as later:
            assert "rating" not in (await later.hello(again))["messages"][-1]
        # Who gave it is not told of it, and a plain client knows no such frame.
        for socket in (first, third):
            await socket.send(type="ping", t=1)
        assert (await first.receive())["type"] in {"pong", "token"}
        assert [frame["type"] for frame in await third.ask("thanks")] == ["accepted", "typing_indicator", "response"]


async def test_without_redis_the_other_tabs_of_a_process_hear_of_an_opinion(settings: Any) -> None:
    settings.REDIS_URLS = dict.fromkeys(settings.REDIS_URLS, "redis://127.0.0.1:1/0")
    async with Socket() as first, Socket() as second:
        ready = await first.hello(token())
        message_id = (await first.answer("hello"))["message_id"]
        await second.hello(token(conversation_id=ready["conversation_id"]))
        await first.send(type="feedback", client_msg_id=str(uuid.uuid4()), message_id=message_id, rating="up")
        assert await second.next("feedback") == {"type": "feedback", "message_id": message_id, "rating": "up"}


async def test_an_opinion_that_was_given_elsewhere_while_a_tab_came_back_is_told_to_it() -> None:
    # Another shopper is there: this process hears rings already, and no first look at everything finds what it missed.
    async with Socket() as other:
        await other.hello(token(session_id="guest-2"))
        await other.answer("hello")
        async with Socket() as socket:
            ready = await socket.hello(token())
            message_id = (await socket.answer("hello"))["message_id"]
        again = token(conversation_id=ready["conversation_id"])
        session = await in_database(open_session, read_token(again))
        await in_database(session.give_feedback, message_id, Opinion(rating=-1, reason="wrong_facts"))
        async with Socket() as socket:
            # It knows the answer: history begins behind it.
            ready = await socket.hello(again, resume={"after_message_id": message_id})
            assert ready["messages"] == []
            told = {"type": "feedback", "message_id": message_id, "rating": "down", "reason": "wrong_facts"}
            assert await socket.next("feedback") == told
        async with Socket() as socket:
            # What history told is not told again: the next is news.
            assert (await socket.hello(again))["messages"][-1]["rating"] == "down"
            await in_database(session.give_feedback, message_id, Opinion(rating=1))
            assert (await socket.next("feedback"))["rating"] == "up"


async def test_adding_to_the_cart_reads_the_price_at_the_click() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        response = await socket.answer("how much is Berserk volume 1?")
        card = response["cards"][0]
        await Offer.objects.filter(pk="BERSERK-EN-1").aupdate(price="15.49")
        click = {
            "type": "action",
            "client_msg_id": str(uuid.uuid4()),
            "message_id": response["message_id"],
            "card_id": card["card_id"],
            "action": "add_to_cart",
        }
        await socket.send(**click)
        await socket.next("saved")
        told = await socket.next("message")
        assert "$14.99" in told["content"]
        assert "$15.49" in told["content"]
        assert told["cart_count"] == 1
        await socket.send(**click)
        await socket.next("saved")
        await socket.send(type="ping", t=1)
        assert (await socket.receive())["type"] == "pong"


async def test_a_handoff_is_recorded_once_and_can_be_cancelled() -> None:
    from escalation.models import Handoff

    async with Socket() as socket:
        await socket.hello(token())
        for _ in range(2):
            await socket.send(type="handoff", client_msg_id=str(uuid.uuid4()), reason="complaint")
            state = await socket.next("handoff_state")
            assert state["state"] == "queued"
            assert state["estimated_wait"] is None
        assert await Handoff.objects.acount() == 1
        await socket.send(type="handoff", client_msg_id=str(uuid.uuid4()), cancel=True)
        assert (await socket.next("handoff_state"))["state"] == "bot"
