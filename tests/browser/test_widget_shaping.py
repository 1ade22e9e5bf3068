"""What a page makes of the widget, and a shopper of their conversation: looks, events, language, sound, a copy to keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.protocol_server import ProtocolServer
from tests.browser.test_widget_conversation import ask, field, log

HEARD = """() => {
    window.heard = [];
    const names = ["product-click", "add-to-cart", "unread", "language", "open"];
    for (const name of names) addEventListener(`manga-assist:${name}`, (event) => {
        heard.push([name, event.detail]);
        if (window.prevented) event.preventDefault();
    });
}"""


def chat(page: Page) -> Locator:
    return page.locator("manga-assist")


def box(locator: Locator) -> dict[str, float]:
    found = locator.bounding_box()
    assert found is not None
    x, y = found["x"], found["y"]
    return {"left": x, "right": x + found["width"], "top": y, "bottom": y + found["height"]}


def more(page: Page, name: str) -> None:
    page.get_by_role("button", name="More options").click()
    page.get_by_role("button", name=name).click()


@pytest.mark.parametrize(
    ("attributes", "left"),
    [({}, False), ({"position": "left"}, True), ({"dir": "rtl"}, True), ({"dir": "rtl", "position": "right"}, False)],
)
def test_it_stands_on_the_side_that_page_or_language_say(
    open_page: OpenPage, attributes: dict[str, str], left: bool
) -> None:
    page = open_page(**attributes)
    launcher = page.get_by_role("button", name="Open the chat")
    expect(launcher).to_be_visible()
    assert box(launcher)["left" if left else "right"] == (20 if left else 1080)
    launcher.click()
    panel = page.get_by_role("dialog", name="MangaAssist")
    assert box(panel)["left" if left else "right"] == (20 if left else 1080)


def test_custom_properties_shape_it(open_page: OpenPage) -> None:
    page = open_page()
    chat(page).evaluate(
        """(chat) => {
            for (const [name, value] of Object.entries({accent: "#ffe45c", radius: "4px", "offset-inline": "48px",
                "offset-block": "60px", font: "monospace", "z-index": "7"}))
                chat.style.setProperty(`--manga-assist-${name}`, value);
        }"""
    )
    launcher = page.get_by_role("button", name="Open the chat")
    assert box(launcher)["right"] == 1100 - 48
    assert box(launcher)["bottom"] == 820 - 60
    expect(launcher).to_have_css("background-color", "rgb(255, 228, 92)")
    expect(launcher).to_have_css("color", "rgb(0, 0, 0)")
    launcher.click()
    panel = page.get_by_role("dialog", name="MangaAssist")
    expect(panel).to_have_css("border-radius", "4px")
    expect(panel).to_have_css("font-family", "monospace")
    expect(chat(page)).to_have_css("z-index", "7")


def test_the_launcher_has_words_or_is_left_to_the_page(open_page: OpenPage) -> None:
    page = open_page(launcher_label="Ask us", greeting="Which shelf today?")
    launcher = page.get_by_role("button", name="Ask us – Open the chat with MangaAssist")
    expect(launcher).to_contain_text("Ask us")
    chat(page).evaluate("(chat) => chat.setAttribute('launcher', 'hidden')")
    expect(launcher).to_be_hidden()
    chat(page).evaluate("(chat) => chat.open()")
    expect(page.get_by_text("Which shelf today?")).to_be_visible()
    page.get_by_role("button", name="Close the chat").click()
    expect(launcher).to_be_hidden()


def test_ask_opens_the_chat_and_asks_once(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page()
    chat(page).evaluate("(chat) => { chat.ask('hello'); chat.ask('   '); chat.ask('x'.repeat(4001)); }")
    expect(page.get_by_role("dialog", name="MangaAssist")).to_be_visible()
    expect(log(page)).to_contain_text("You said: hello")
    assert [frame["text"] for frame in server.of_type("user_message")] == ["hello"]


def test_a_page_may_take_products_and_cart_into_its_own_hands(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    page.evaluate(HEARD)
    page.evaluate("window.prevented = true")
    ask(page, "recommend something")
    expect(log(page)).to_contain_text("Shall I stay")
    page.get_by_role("link", name="Witch Hat Atelier, Vol. 3").click()
    page.get_by_role("button", name="Add to cart: Witch Hat Atelier, Vol. 3").click()
    page.wait_for_function("heard.length === 2")
    (clicked, click), (added, product) = page.evaluate("heard")
    assert (clicked, click["kind"], click["asin"], click["url"]) == (
        "product-click",
        "product",
        "witch-hat-3",
        "/elsewhere?witch-hat-3",
    )
    assert (added, product["asin"], product["price"]["amount"]) == ("add-to-cart", "witch-hat-3", "9.74")
    assert page.url.startswith(f"{server.origin}/?")
    assert server.of_type("action") == []
    page.evaluate("window.prevented = false")
    page.get_by_role("link", name="Witch Hat Atelier, Vol. 3").click()
    page.wait_for_url("**/elsewhere?witch-hat-3")


def test_unread_messages_are_told_to_the_page(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page()
    page.evaluate(HEARD)
    chat(page).evaluate("(chat) => chat.ask('hello')")
    expect(log(page)).to_contain_text("You said: hello")
    page.get_by_role("button", name="Close the chat").click()
    server.push({"type": "message", "role": "assistant", "content": "One more thing."})
    page.get_by_role("button", name="Open the chat with MangaAssist, new messages: 1").click()
    assert [detail for name, detail in page.evaluate("heard") if name == "unread"] == [{"count": 1}, {"count": 0}]


def test_the_shopper_switches_the_language_and_keeps_it(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page()
    page.evaluate(HEARD)
    page.get_by_role("button", name="Open the chat").click()
    ask(page, "hello")
    expect(log(page)).to_contain_text("You said: hello")
    field(page).fill("half a sen")
    more(page, "日本語")
    japanese = page.get_by_role("textbox", name="メッセージ")
    expect(japanese).to_have_value("half a sen")
    expect(page.get_by_role("button", name="その他の操作")).to_be_focused()
    expect(page.get_by_role("log")).to_contain_text("You said: hello")
    assert ["language", {"lang": "ja"}] in page.evaluate("heard")
    japanese.press("Enter")
    expect(page.get_by_role("log")).to_contain_text("You said: half a sen")
    assert server.of_type("user_message")[-1]["lang"] == "ja"
    assert server.token_requests[-1]["context"]["locale"] == "ja"
    page.reload()
    expect(page.get_by_role("textbox", name="メッセージ")).to_be_visible()


def test_a_conversation_can_be_kept_as_a_file(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(mode="page")
    ask(page, "recommend something")
    expect(log(page)).to_contain_text("Shall I stay")
    with page.expect_download() as waiting:
        more(page, "Save this conversation")
    file = tmp_path / "conversation.txt"
    waiting.value.save_as(file)
    assert waiting.value.suggested_filename.startswith("MangaAssist-")
    text = file.read_text("utf-8")
    assert "You: recommend something" in text
    assert "MangaAssist: " in text
    assert "* Witch Hat Atelier, Vol. 3 $9.74 /elsewhere?witch-hat-3" in text


def test_sound_is_off_until_the_shopper_wants_it(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    page.evaluate(
        """() => {
            window.sounds = 0;
            const start = OscillatorNode.prototype.start;
            OscillatorNode.prototype.start = function (...given) { window.sounds += 1; return start.apply(this, given); };
        }"""
    )
    ask(page, "hello")
    expect(log(page)).to_contain_text("You said: hello")
    assert page.evaluate("sounds") == 0
    page.get_by_role("button", name="More options").click()
    sound = page.get_by_role("button", name="Sound for new messages")
    expect(sound).to_have_attribute("aria-pressed", "false")
    sound.click()
    expect(sound).to_have_attribute("aria-pressed", "true")
    server.push({"type": "message", "role": "agent", "content": "Hello from the desk."})
    expect(log(page)).to_contain_text("Hello from the desk.")
    assert page.evaluate("sounds") == 2


def test_reading_back_is_never_interrupted(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    for _ in range(3):
        ask(page, "recommend something")
        expect(field(page)).to_have_value("")
        expect(page.get_by_role("button", name="Something lighter")).to_be_visible()
    scroll = page.locator("manga-assist .scroll")
    scroll.evaluate("(it) => { it.scrollTop = 90; }")
    page.wait_for_timeout(50)

    def place() -> Any:
        return scroll.evaluate("(it) => it.scrollTop")

    server.push({"type": "message", "role": "agent", "content": "Are you there?"})
    expect(log(page)).to_contain_text("Are you there?")
    assert place() == 90
    server.cut(1012)
    server.push({"type": "message", "role": "agent", "content": "Still there?"})
    expect(log(page)).to_contain_text("Still there?")
    assert place() == 90
    jump = page.get_by_role("button", name="Latest messages")
    # It covers nothing that is read.
    assert box(jump)["top"] >= box(scroll)["bottom"]
    jump.click()
    assert place() > 90


def test_on_a_low_screen_the_greeting_is_read_from_its_head(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page", browser={"viewport": {"width": 480, "height": 300}})
    expect(page.locator("manga-assist .greeting")).to_be_attached()
    while not server.of_type("hello"):
        page.wait_for_timeout(20)
    scroll = page.locator("manga-assist .scroll")
    assert scroll.evaluate("(it) => [it.scrollHeight > it.clientHeight, it.scrollTop]") == [True, 0]


def test_who_has_read_to_the_end_stays_there(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page", browser={"viewport": {"width": 700, "height": 500}})
    ask(page, "recommend something")
    scroll = page.locator("manga-assist .scroll")
    top = scroll.evaluate("(it) => it.scrollTop")
    page.get_by_role("button", name="Not helpful").click()
    form = page.get_by_role("group", name="What was wrong?")
    expect(form).to_be_in_viewport()
    assert scroll.evaluate("(it) => it.scrollTop") > top
    scroll.evaluate("(it) => { it.scrollTop = it.scrollHeight; }")
    page.wait_for_timeout(50)
    server.push({"type": "typing", "active": True, "name": "Aiko"})
    expect(page.get_by_text("Aiko is typing…")).to_be_in_viewport()
    server.push({"type": "message", "role": "agent", "content": "How can I help?"})
    expect(log(page).get_by_text("How can I help?")).to_be_in_viewport()


def test_an_order_shows_how_far_it_has_come(open_page: OpenPage) -> None:
    page = open_page(mode="page")
    ask(page, "desk")
    progress = page.get_by_role("article").filter(has_text="Order 1007").get_by_role("list", name="Progress")
    expect(progress.get_by_role("listitem")).to_have_text(["Preparing", "On its way", "Delivered"])
    expect(progress.locator("[aria-current=step]")).to_have_text("On its way")


def test_an_answer_flows_and_ends_whole(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page", browser={"reduced_motion": "no-preference"})
    ask(page, "slow, please")
    expect(log(page)).to_contain_text("One two")
    server.release()
    expect(log(page).get_by_text("One two three.")).to_have_count(1)
