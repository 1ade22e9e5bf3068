"""What a shopper says and is told, over a real socket in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.protocol_server import ProtocolServer


def field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Your message")


def ask(page: Page, text: str) -> None:
    field(page).fill(text)
    field(page).press("Enter")


def log(page: Page) -> Locator:
    return page.get_by_role("log", name="Conversation")


def wait_until(page: Page, true: Callable[[], object]) -> None:
    for _ in range(400):
        if true():
            return
        page.wait_for_timeout(20)
    raise AssertionError("It did not come about.")


def test_the_answer_replaces_what_was_streamed(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    ask(page, "slow, please")
    expect(log(page)).to_contain_text("One two")
    expect(log(page)).not_to_contain_text("three")
    server.release()
    expect(log(page)).to_contain_text("One two three.")
    ask(page, "hello")
    expect(log(page).get_by_text("You said: hello", exact=True)).to_be_visible()
    assert [frame["text"] for frame in server.of_type("user_message")] == ["slow, please", "hello"]
    assert server.of_type("hello")[0]["caps"] == ["stream", "cards"]


def test_the_token_knows_the_page_and_the_shopper(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page", context='{"series": "berserk"}', identity="a.b.c")
    ask(page, "hello")
    expect(log(page)).to_contain_text("You said: hello")
    page.reload()
    expect(log(page)).to_contain_text("You said: hello")
    first, second = server.token_requests
    assert first == {"context": {"series": "berserk", "locale": "en", "device": "desktop"}, "identity": "a.b.c"}
    assert second["previous"] == "token-1"


def test_cards_show_what_was_read_live(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    ask(page, "recommend something")
    card = page.get_by_role("article").filter(has_text="Witch Hat Atelier")
    expect(card).to_contain_text("$9.74")
    expect(card.locator("s")).to_contain_text("$12.99")
    expect(card).to_contain_text("Only a few left")
    expect(card).to_contain_text("Rated 4.6 out of 5")
    expect(card.get_by_role("link", name="Witch Hat Atelier, Vol. 3")).to_have_attribute(
        "href", f"{server.origin}/elsewhere?witch-hat-3"
    )
    sold_out = page.get_by_role("article").filter(has_text="Nausicaä")
    expect(sold_out).to_contain_text("Out of stock")
    expect(sold_out.get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("article").filter(has_text="Dungeon").get_by_role("button")).to_have_text("Pre-order")
    expect(page.get_by_role("link", name="Reading guide: fantasy")).to_be_visible()


def test_orders_series_and_promotions_have_cards(open_page: OpenPage) -> None:
    page = open_page(mode="page")
    ask(page, "desk")
    expect(page.get_by_role("article").filter(has_text="Order 1007")).to_contain_text("On its way")
    expect(page.get_by_role("article").filter(has_text="ベルセルク")).to_contain_text("42 volumes")
    expect(page.get_by_role("article").filter(has_text="Spring shelf")).to_contain_text("20% off")


def test_add_to_cart_quotes_the_price_and_tells_the_page(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    page.evaluate("addEventListener('manga-assist:cart', (event) => (window.cart = event.detail))")
    ask(page, "recommend something")
    page.get_by_role("button", name="Add to cart: Witch Hat Atelier, Vol. 3").click()
    expect(log(page)).to_contain_text("witch-hat-3 is in your cart now.")
    assert page.evaluate("window.cart") == {
        "asin": "witch-hat-3",
        "message": "witch-hat-3 is in your cart now.",
        "cart_count": 3,
    }
    (action,) = server.of_type("action")
    assert action["quoted"] == {"amount": "9.74", "currency": "USD"}
    assert action["card_id"] == "card-witch-hat-3"
    assert action["message_id"]


def test_quick_replies_ask_and_go_away(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    ask(page, "recommend something")
    page.get_by_role("button", name="Something lighter").click()
    expect(log(page)).to_contain_text("You said: Something lighter")
    expect(page.get_by_role("button", name="Something lighter")).to_have_count(0)


def test_stop_ends_the_turn_and_keeps_what_was_said(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    ask(page, "slow, please")
    expect(log(page)).to_contain_text("One two")
    page.get_by_role("button", name="Stop the answer").click()
    expect(log(page)).to_contain_text("Stopped.")
    expect(log(page)).to_contain_text("One two")
    expect(page.get_by_role("button", name="Stop the answer")).to_be_hidden()


def test_thinking_is_said_and_ends(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    thinking = page.get_by_role("status").filter(has_text="MangaAssist is thinking...")
    ask(page, "patience")
    expect(thinking).to_be_visible()
    server.release()
    expect(log(page)).to_contain_text("Found it.")
    expect(thinking).to_have_count(0)


def test_a_failed_turn_can_be_tried_again(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    ask(page, "fail")
    expect(log(page)).to_contain_text("Something broke on our side.")
    page.get_by_role("button", name="Try again").click()
    expect(log(page).get_by_text("Something broke on our side.")).to_have_count(2)
    first, second = server.of_type("user_message")
    assert first["client_msg_id"] != second["client_msg_id"]


@pytest.mark.parametrize(
    ("lang", "says", "again"),
    [
        ("en", "That was a lot at once;", "Try again"),
        ("ja", "送信が続いたため、少しだけお待ちください。", "もう一度試す"),
    ],
)
def test_an_error_about_a_message_offers_to_send_it_again(
    open_page: OpenPage, server: ProtocolServer, lang: str, says: str, again: str
) -> None:
    server.deaf = True
    page = open_page(mode="page", lang=lang)
    chat = page.locator("manga-assist .log")
    page.locator("manga-assist .composer textarea").fill("hello")
    page.locator("manga-assist .composer textarea").press("Enter")
    page.wait_for_function("() => document.querySelector('manga-assist').shadowRoot.querySelector('.user')")
    while not server.of_type("user_message"):
        page.wait_for_timeout(20)
    (message,) = server.of_type("user_message")
    server.deaf = False
    server.push(
        {
            "type": "error",
            "code": "rate",
            "message": "That was quick; please wait a moment.",
            "client_msg_id": message["client_msg_id"],
            "retryable": True,
        }
    )
    expect(chat).to_contain_text(says)
    expect(chat).not_to_contain_text("That was quick")
    page.get_by_role("button", name=again).click()
    expect(chat).to_contain_text("You said: hello")
    expect(chat).not_to_contain_text(says)
    assert {frame["client_msg_id"] for frame in server.of_type("user_message")} == {message["client_msg_id"]}


def test_opinions_have_reasons_and_can_be_withdrawn(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    ask(page, "hello")
    page.get_by_role("button", name="Not helpful").click()
    page.get_by_role("radio", name="Too expensive").check()
    page.get_by_role("textbox", name="Anything to add?").fill("9.99 elsewhere")
    page.get_by_role("group", name="What was wrong?").page.get_by_role("button", name="Send", exact=True).first.click()
    expect(page.get_by_text("Thank you for telling us.")).to_be_visible()
    page.get_by_role("button", name="Not helpful", pressed=True).click()
    expect(page.get_by_text("Your rating is withdrawn.")).to_be_visible()
    said = [{name: frame.get(name) for name in ("rating", "reason", "comment")} for frame in server.of_type("feedback")]
    assert said == [
        {"rating": "down", "reason": None, "comment": None},
        {"rating": "down", "reason": "too_expensive", "comment": "9.99 elsewhere"},
        {"rating": None, "reason": None, "comment": None},
    ]


def test_an_opinion_is_seen_in_another_tab_and_after_a_reload(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    ask(page, "hello")
    expect(page.get_by_role("button", name="Not helpful")).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("button", name="Not helpful", pressed=False)).to_be_visible()
    page.get_by_role("button", name="Not helpful").click()
    expect(other.get_by_role("button", name="Not helpful", pressed=True)).to_be_visible()
    page.get_by_role("radio", name="Too expensive").check()
    page.locator("form.reasons").get_by_role("button", name="Send").click()
    expect(other.get_by_text("Too expensive")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Not helpful", pressed=True)).to_be_visible()
    expect(page.get_by_text("Too expensive")).to_be_visible()
    page.get_by_role("button", name="Not helpful").click()
    expect(other.get_by_role("button", name="Not helpful", pressed=False)).to_be_visible()
    expect(other.get_by_text("Too expensive")).to_have_count(0)


def test_a_person_is_one_click_away(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.get_by_text("Place 2 in line · about 4 min")).to_be_visible()
    server.push({"type": "handoff_state", "state": "agent", "message": "Aiko is here.", "agent_name": "Aiko"})
    expect(page.get_by_text("You are talking with Aiko")).to_be_visible()
    server.push({"type": "typing", "active": True, "name": "Aiko"})
    expect(page.get_by_text("Aiko is typing…")).to_be_visible()
    server.push({"type": "message", "role": "agent", "content": "How can I help?"})
    expect(log(page)).to_contain_text("How can I help?")
    expect(page.get_by_text("Aiko is typing…")).to_have_count(0)
    field(page).press_sequentially("hi")
    field(page).press("Enter")
    page.get_by_role("button", name="Back to the assistant").click()
    expect(page.get_by_role("button", name="Talk to a person")).to_be_visible()
    assert [frame["active"] for frame in server.of_type("typing")] == [True, False]
    assert [frame.get("cancel") for frame in server.of_type("handoff")] == [None, True]


def test_the_help_of_a_person_is_rated_once(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.get_by_text("Place 2 in line")).to_be_visible()
    server.push({"type": "handoff_state", "state": "agent", "message": "Aiko is here.", "agent_name": "Aiko"})
    server.push({"type": "message", "role": "agent", "name": "Aiko", "content": "Done!"})
    over = {"type": "handoff_state", "state": "bot", "message": "You're with the assistant again.", "rate": True}
    server.push({**over, "handoff_id": "3f0c0b8e-6f0c-4a51-8f83-0d3a6e6f0b11"})
    expect(page.get_by_role("group", name="How was our help?")).to_be_visible()
    send = page.locator("form.reasons").get_by_role("button", name="Send")
    send.click()  # Nothing is chosen: nothing is sent.
    page.get_by_role("radio", name="Very good").check()
    page.get_by_role("textbox", name="Anything to add?").fill("quick")
    send.click()
    expect(page.get_by_role("group", name="How was our help?")).to_have_count(0)
    expect(log(page)).to_contain_text("Thank you for telling us.")
    # Their words keep their name when they have gone.
    expect(log(page)).to_contain_text("Aiko")
    (rated,) = server.of_type("action")
    assert (rated["action"], rated["csat"], rated["comment"]) == ("rate_handoff", 5, "quick")
    assert rated["handoff_id"] == "3f0c0b8e-6f0c-4a51-8f83-0d3a6e6f0b11"


def test_who_waits_is_offered_to_go_on_with_the_assistant(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page", lang="ja")
    page.get_by_role("button", name="スタッフに相談").click()
    expect(page.get_by_text("ただいま2番目 · 約4分")).to_be_visible()
    offer = {"type": "message", "message_id": "m-1", "role": "system", "content": "まだ応答がありません。"}
    server.push({**offer, "quick_replies": ["アシスタントと続ける"]})
    page.get_by_role("button", name="アシスタントと続ける").click()
    wait_until(page, lambda: server.of_type("user_message"))
    assert server.of_type("user_message")[-1]["text"] == "アシスタントと続ける"
    server.push({"type": "handoff_state", "state": "bot", "message": "順番待ちを取り消しました。"})
    expect(page.get_by_role("button", name="アシスタントと続ける")).to_have_count(0)


def test_a_new_conversation_asks_first(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    ask(page, "hello")
    expect(log(page)).to_contain_text("You said: hello")
    page.get_by_role("button", name="More options").click()
    page.get_by_role("button", name="New conversation").click()
    page.get_by_role("button", name="Leave this conversation and start a new one").click()
    expect(page.get_by_text("What are you in the mood to read?")).to_be_visible()
    ask(page, "again")
    expect(log(page)).to_contain_text("You said: again")
    assert "previous" not in server.token_requests[-1]
    assert len(server.conversations) == 2


def test_nothing_that_is_said_becomes_markup_or_script(open_page: OpenPage) -> None:
    page = open_page(mode="page")
    ask(page, "hostile <script>window.pwned=1</script>")
    expect(log(page)).to_contain_text("<b>bold</b>")
    expect(log(page)).to_contain_text("hostile <script>window.pwned=1</script>")
    links = page.locator("manga-assist a").evaluate_all("links => links.map((link) => link.protocol)")
    assert links
    assert set(links) == {"http:"}
    assert page.locator("manga-assist").evaluate("(it) => it.shadowRoot.querySelectorAll('script, b, img').length") == 0
    assert page.evaluate("window.pwned") is None
