"""Keyboard, screen reader, language, size and motion: the chat is for everybody (WCAG 2.2 AA)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import FOR_AXE
from tests.browser.conftest import OpenPage
from tests.browser.looks import PHONE
from tests.browser.protocol_server import ProtocolServer
from tests.browser.test_widget_conversation import ask, field, log
from tests.browser.test_widget_states import faults, misplaced


def test_axe_finds_nothing_on_a_phone(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(browser={**PHONE, **FOR_AXE}, lang="ja")
    assert faults(page) == []
    page.locator("manga-assist .launcher").click()
    expect(page.locator("manga-assist .chip").first).to_be_visible()
    assert faults(page) == []
    field_of(page).fill("recommend おすすめ")
    field_of(page).press("Enter")
    page.locator("manga-assist .thumb").nth(1).click()
    page.locator("manga-assist .person").click()
    expect(page.locator("manga-assist .banner")).to_be_visible()
    page.locator("manga-assist .bar [aria-controls=menu]").click()
    assert faults(page) == []
    assert misplaced(page) == []


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_at_twice_the_size_nothing_is_cut_off(open_page: OpenPage, server: ProtocolServer, lang: str) -> None:
    page = open_page(browser={"viewport": {"width": 640, "height": 480}, "device_scale_factor": 2}, lang=lang)
    page.locator("manga-assist .launcher").click()
    field_of(page).fill("recommend おすすめ")
    field_of(page).press("Enter")
    expect(page.locator("manga-assist .card").first).to_be_visible()
    panel = page.get_by_role("dialog").bounding_box()
    assert panel is not None
    assert panel["y"] >= 0
    assert panel["y"] + panel["height"] <= 480
    assert page.locator("manga-assist .scroll").evaluate("(it) => it.scrollWidth - it.clientWidth") == 0
    expect(field_of(page)).to_be_in_viewport(ratio=1)
    expect(page.locator("manga-assist .bar .person")).to_be_in_viewport(ratio=1)


def test_forced_colours_leave_everything_to_be_seen(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page", browser={"forced_colors": "active"})
    ask(page, "desk")
    expect(page.get_by_role("article").first).to_be_visible()
    for part in (".send", ".card", ".person", ".badge"):
        expect(page.locator(f"manga-assist {part}").first).not_to_have_css("border-top-style", "none")
    dots = page.locator("manga-assist .timeline li").evaluate_all(
        "(steps) => steps.map((step) => getComputedStyle(step, '::before').backgroundColor)"
    )
    assert len(set(dots)) == 2  # reached or not


def field_of(page: Page) -> Any:
    return page.locator("manga-assist .field textarea")


def test_everything_by_keyboard(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page()
    launcher = page.get_by_role("button", name="Open the chat")
    launcher.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="MangaAssist")).to_be_visible()
    expect(field(page)).to_be_focused()
    page.keyboard.type("recommend something")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("quiet")
    page.keyboard.press("Enter")
    expect(log(page)).to_contain_text("Shall I stay with fantasy")
    expect(field(page)).to_be_focused()
    assert server.of_type("user_message")[0]["text"] == "recommend something\nquiet"
    names = set()
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        names.add(focused(page))
    for name in ("Add to cart: Witch Hat Atelier, Vol. 3", "Helpful", "Talk to a person", "Close the chat"):
        assert name in names
    field(page).focus()
    page.keyboard.press("Escape")
    expect(launcher).to_be_focused()


def focused(page: Page) -> str:
    name: str = page.evaluate(
        """() => {
            const node = document.querySelector("manga-assist").shadowRoot.activeElement;
            return node ? node.getAttribute("aria-label") ?? node.textContent : "";
        }"""
    )
    return name


def test_a_message_never_moves_the_focus(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    ask(page, "slow, please")
    expect(log(page)).to_contain_text("One two")
    page.get_by_role("button", name="More options").focus()
    server.release()
    expect(log(page)).to_contain_text("One two three.")
    expect(page.get_by_role("button", name="More options")).to_be_focused()


def test_only_the_finished_answer_is_announced(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    page.evaluate(
        """() => {
            window.announced = [];
            const region = document.querySelector("manga-assist").shadowRoot.querySelector(".announcer");
            new MutationObserver((changes) => {
                for (const { addedNodes } of changes) for (const node of addedNodes) announced.push(node.textContent);
            }).observe(region, { childList: true });
        }"""
    )
    ask(page, "slow, please")
    expect(log(page)).to_contain_text("One two")
    server.release()
    expect(log(page)).to_contain_text("One two three.")
    page.wait_for_function("announced.length > 0")
    assert page.evaluate("announced") == ["MangaAssist says: One two three."]
    assert log(page).get_attribute("aria-live") == "off"


def test_the_enter_that_settles_a_conversion_does_not_send(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page", lang="ja")
    field_of(page).focus()
    keys = page.context.new_cdp_session(page)
    keys.send("Input.imeSetComposition", {"text": "かんじ", "selectionStart": 3, "selectionEnd": 3})
    page.keyboard.press("Enter")
    keys.send("Input.insertText", {"text": "漢字"})
    field_of(page).evaluate(
        """(field) => field.dispatchEvent(
            new KeyboardEvent("keydown", { key: "Enter", keyCode: 229, bubbles: true, cancelable: true }))"""
    )
    expect(field_of(page)).to_have_value(re.compile("漢字"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("log")).to_contain_text("You said: 漢字")
    (message,) = server.of_type("user_message")
    assert (message["text"], message["lang"]) == ("漢字", "ja")


def test_length_is_counted_in_characters(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    field(page).fill("漫" * 3999 + "😀")
    expect(page.get_by_text("0 characters left")).to_be_visible()
    field(page).fill("漫" * 4000 + "😀")
    expect(page.get_by_text("1 characters too many")).to_be_visible()
    expect(field(page)).to_have_attribute("aria-invalid", "true")
    field(page).press("Enter")
    field(page).fill("   ")
    field(page).press("Enter")
    ask(page, "short")
    expect(log(page)).to_contain_text("You said: short")
    assert [frame["text"] for frame in server.of_type("user_message")] == ["short"]


def test_on_a_phone_the_panel_is_the_screen(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(browser=PHONE)
    page.get_by_role("button", name="Open the chat").tap()
    panel = page.get_by_role("dialog", name="MangaAssist")
    expect(panel).to_be_visible()
    assert panel.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    expect(field(page)).not_to_be_focused()
    page.get_by_role("button", name="More options").tap()
    expect(page.get_by_role("button", name="New conversation")).to_be_visible()
    expect(page.get_by_role("button", name="Wider window")).to_be_hidden()
    page.keyboard.press("Escape")
    ask(page, "recommend something")
    expect(log(page)).to_contain_text("Shall I stay")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.locator("manga-assist .scroll").evaluate("(it) => it.scrollWidth - it.clientWidth") == 0


def test_japanese_readers_get_japanese(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page", lang="ja")
    page.get_by_role("textbox", name="メッセージ").fill("おすすめを教えてください")
    page.get_by_role("button", name="送信", exact=True).click()
    card = page.get_by_role("article").filter(has_text="葬送のフリーレン")
    expect(card).to_contain_text("￥583")
    expect(card).to_contain_text("在庫あり")
    expect(card).to_contain_text("単行本 · 日本語")
    expect(card.get_by_role("button")).to_have_text("カートに入れる")
    text = page.locator("manga-assist .bar, manga-assist .foot").all_inner_texts()
    assert "スタッフに相談" in " ".join(text)
    page.locator("manga-assist").evaluate("(chat) => chat.setAttribute('lang', 'en')")
    expect(page.get_by_role("button", name="Talk to a person")).to_be_visible()
    expect(log(page)).to_contain_text("葬送のフリーレン")


def test_motion_stops_when_the_reader_asks(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    ask(page, "slow, please")
    expect(log(page)).to_contain_text("One two")
    assert page.locator("manga-assist").evaluate("() => document.getAnimations().length") == 0


def test_an_accent_stays_readable(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page", accent="#ffe45c", title="Bookworm", browser=FOR_AXE)
    expect(page.get_by_role("heading", name="Bookworm")).to_be_visible()
    ask(page, "recommend something")
    field(page).fill("more")
    expect(page.get_by_role("button", name="Send", exact=True)).to_have_css("color", "rgb(0, 0, 0)")
    expect(page.get_by_role("button", name="Send", exact=True)).to_have_css("background-color", "rgb(255, 228, 92)")
    assert page.locator("manga-assist").get_attribute("title") is None
    assert faults(page) == []


def test_the_address_of_a_card_is_never_a_script(open_page: OpenPage, server: ProtocolServer) -> None:
    page = open_page(mode="page")
    ask(page, "hostile")
    card = page.get_by_role("article")
    expect(card).to_be_visible()
    expect(card.get_by_role("link")).to_have_count(0)
    card.get_by_text("<img src=x").first.click()
    assert page.evaluate("window.pwned") is None
