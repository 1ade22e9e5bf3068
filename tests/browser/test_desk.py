"""Shopper and agents side by side in a real browser, on the real shop as `make run` starts it."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.browser.accessibility import FOR_AXE
from tests.browser.desk_page import (
    PASSWORD,
    STAFF,
    ask_for_a_person,
    close,
    empty_the_queue,
    faults,
    in_shell,
    said,
    shopper_says,
    take,
    widget,
)
from tests.browser.looks import PHONE, PICTURES
from tests.mangaassist.running import PATIENT, Running, free_port, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.process

# This machine may be busy: what is waited for here has no limit that it is measured against.
PATIENCE = 30_000

OpenDesk = Callable[..., "Page"]
OpenChat = Callable[..., "Page"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    shop = Running(tmp_path_factory.mktemp("desk"), free_port(), DEMO="1", **PATIENT)
    try:
        shop.wait_for("MangaAssist is ready", within_s=180)
        in_shell(shop, STAFF)
        yield shop
    finally:
        if shop.process.poll() is None:
            shop.stop()


@pytest.fixture(scope="module")
def signed_in(shop: Running, chromium: Browser) -> Callable[[str], Any]:
    """The cookies of an agent who signs in anew: a test may sign out."""

    def sign_in(name: str) -> Any:
        context = chromium.new_context(base_url=f"http://127.0.0.1:{shop.port}", locale="en-US")
        page = context.new_page()
        page.goto("/desk/")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/desk/")
        cookies = context.storage_state()
        context.close()
        return cookies

    return sign_in


@pytest.fixture
def opened(chromium: Browser, shop: Running, signed_in: Callable[[str], Any]) -> Iterator[Callable[..., Page]]:
    """``opened(path, agent, …)``: a page whose console must stay clean (a broken policy is an error there)."""
    from playwright.sync_api import expect

    empty_the_queue(shop)
    expect.set_options(timeout=PATIENCE)
    contexts = []
    faults: list[str] = []

    def open_it(path: str, agent: str = "", *, browser: dict[str, Any] | None = None) -> Page:
        options: dict[str, Any] = {
            "locale": "en-US",
            "viewport": {"width": 1360, "height": 860},
            "reduced_motion": "reduce",
        }
        if agent:
            options["storage_state"] = signed_in(agent)
        context = chromium.new_context(**options | {"base_url": f"http://127.0.0.1:{shop.port}"} | (browser or {}))
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text) if complains(message) else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(path)
        return page

    yield open_it
    for context in contexts:
        context.close()
    expect.set_options(timeout=8000)
    assert faults == []


def complains(message: Any) -> bool:
    """Of a cut connection and of a page that says 403 the browser itself speaks."""
    own = ("WebSocket", "ERR_", "status of 403")
    return message.type == "error" and not any(word in message.text for word in own)


@pytest.fixture
def desk(opened: Callable[..., Page]) -> OpenDesk:
    def open_desk(agent: str = "aiko", **options: Any) -> Page:
        from playwright.sync_api import expect

        page = opened("/desk/", agent, **options)
        expect(page.locator("#connection")).to_have_attribute("data-state", "connected")
        return page

    return open_desk


@pytest.fixture
def chat(opened: Callable[..., Page]) -> OpenChat:
    def open_chat(**options: Any) -> Page:
        return opened("/chat/", **options)

    return open_chat


def test_from_the_question_to_the_rating(desk: OpenDesk, chat: OpenChat) -> None:
    from playwright.sync_api import expect

    agent, shopper = desk(browser={"viewport": {"width": 1280, "height": 900}}), chat()
    shopper_says(shopper, "is Berserk volume 3 in stock?")
    expect(widget(shopper).get_by_role("article").first).to_be_visible()
    ask_for_a_person(shopper)
    expect(agent.locator("#queue .row")).to_contain_text("Guest")
    expect(agent).to_have_title(re.compile(r"^\(1\) Desk"))
    take(agent)
    # What was said before is there, with the card; the summary stands beside it.
    expect(said(agent, "is Berserk volume 3 in stock?")).to_be_visible()
    expect(agent.locator("#log .card")).to_contain_text("$11.99")
    expect(agent.locator("#package")).to_contain_text("is Berserk volume 3 in stock?")
    expect(widget(shopper).locator(".banner")).to_contain_text("Aiko")
    # Typing both ways.
    agent.get_by_role("textbox", name="Your reply").press_sequentially("Hello!")
    expect(widget(shopper).get_by_text("Aiko is typing")).to_be_visible()
    agent.keyboard.press("Enter")
    expect(widget(shopper).locator(".log, [role=log]").get_by_text("Hello!").first).to_be_visible()
    widget(shopper).locator("textarea:visible").first.press_sequentially("one mo")
    expect(agent.get_by_text("The shopper is typing…")).to_be_visible()
    shopper_says(shopper, "one moment")
    expect(said(agent, "one moment")).to_be_visible()
    # A product, found and sent with words.
    agent.get_by_role("tab", name="Products").click()
    agent.get_by_role("searchbox").fill("berserk 4")
    found = agent.locator("#found li").filter(has_text="Berserk, Vol. 4")
    expect(found).to_contain_text("$")
    found.get_by_role("button", name="Add to reply").click()
    agent.get_by_role("textbox", name="Your reply").fill("Volume 4 as well?")
    agent.get_by_role("button", name="Send").click()
    card = widget(shopper).get_by_role("article").filter(has_text="Berserk, Vol. 4")
    expect(card).to_contain_text("$")
    # A note is for agents; the shopper comes back and reads everything else.
    agent.get_by_role("button", name="Note", exact=True).click()
    agent.get_by_role("textbox", name="Your note").fill("likes the deluxe edition")
    agent.get_by_role("button", name="Save note").click()
    expect(said(agent, "likes the deluxe edition")).to_be_visible()
    agent.get_by_role("tab", name="Hand-over").click()
    expect(agent.locator("#package")).to_contain_text("In stock? · answered")
    PICTURES.mkdir(parents=True, exist_ok=True)
    agent.screenshot(path=PICTURES / "desk-light-en.png")
    shopper.reload()
    expect(widget(shopper).get_by_text("Volume 4 as well?").first).to_be_visible()
    expect(widget(shopper).get_by_text("deluxe")).to_have_count(0)
    # The end and the opinion.
    close(agent)
    widget(shopper).get_by_role("radio", name="Very good").or_(
        widget(shopper).get_by_role("button", name="Very good")
    ).first.click()
    widget(shopper).get_by_role("button", name="Send", exact=True).first.click()
    expect(agent.locator("#talk-state")).to_contain_text("gave 5 of 5")
    expect(agent.locator("#mine .row")).to_have_count(0)
    lead = desk("leo")
    lead.get_by_role("link", name="Metrics").click()
    expect(lead.get_by_role("rowheader", name="Aiko")).to_be_visible()
    expect(lead.locator(".tiles")).to_contain_text("5.0")


PACKAGE = """
from chat.models import Conversation
from escalation.handoffs import open_handoff
conversation = Conversation.objects.create(session_id="guest-of-the-package")
open_handoff(conversation_id=str(conversation.pk), customer_id="", reason="", language="en", summary="", lines=[], priority=2,
    package={"summary": {"en": "Asks for a <b>refund</b>.", "ja": "返金のご相談。"}, "asked": ["where is my order?"], "tried": [{"text": "where is my order?", "intent": "order_status", "outcome": "failed"}],
    "shown": [{"asin": "X", "title": "Monster, Vol. 1"}], "notes": [{"id": "MA-1", "status": "shipped"}],
    "sentiment": "upset", "ages_known": True, "quiz": {"score": 3, "of": None}, "empty": ""})
"""


def test_the_package_is_readable_whatever_it_holds(desk: OpenDesk, shop: Running) -> None:
    from playwright.sync_api import expect

    in_shell(shop, PACKAGE)
    agent = desk(browser={"locale": "ja-JP"})
    agent.locator("#queue .row").filter(has_text="至急").click()
    facts = agent.locator("#package")
    expect(facts.locator(".summary")).to_have_text("返金のご相談。")
    facts.get_by_text("英語").first.click()
    for text in (
        "Asks for a <b>refund</b>.",
        "where is my order?",
        "Monster, Vol. 1",
        "注文 MA-1 · 発送済み",
        "お怒り・ご不安",
        "はい",
        "Score",
    ):
        expect(facts.get_by_text(text)).to_be_visible()
    # Each question with what it was taken for and what came of it, once.
    expect(facts.get_by_text("注文 · 失敗")).to_be_visible()
    for absent in ("Intent", "order_status", "Empty", "Of"):
        expect(facts.get_by_text(absent, exact=True)).to_have_count(0)
    agent.locator("#close").click()
    agent.locator("#close-dialog [value=ok]").click()
    expect(agent.locator("#queue .row")).to_have_count(0)


WRITTEN = """
from escalation.models import Handoff
from escalation.summaries import keep_summary
keep_summary(str(Handoff.objects.open().get().pk), {"en": "The shopper <i>wants</i> their money back."}, by="openai qwen")
"""


def test_a_models_summary_appears_while_one_reads_and_says_who_wrote_it(desk: OpenDesk, shop: Running) -> None:
    from playwright.sync_api import expect

    in_shell(shop, PACKAGE)
    agent = desk()
    agent.locator("#queue .row").click()
    expect(agent.locator("#package .summary")).to_have_text("Asks for a <b>refund</b>.")
    agent.get_by_role("button", name="Note", exact=True).click()
    agent.locator("#text").fill("half a note")
    in_shell(shop, WRITTEN)
    written = agent.locator(".fact-written")
    expect(written.locator(".summary")).to_have_text("The shopper <i>wants</i> their money back.")
    expect(written).to_contain_text("Written by a model (openai qwen)")
    expect(agent.locator(".fact-summary")).to_contain_text("Asks for a <b>refund</b>.")
    expect(agent.locator(".fact-summary")).to_contain_text("own rules")
    expect(agent.locator("#text")).to_be_focused()
    expect(agent.locator("#text")).to_have_value("half a note")
    expect(agent.locator("#jump")).to_be_hidden()


def test_the_page_opens_what_its_address_names(desk: OpenDesk, opened: Callable[..., Page], shop: Running) -> None:
    """As the link of a task in Amazon Connect does: ``/desk/#<handoff id>``."""
    from playwright.sync_api import expect

    in_shell(shop, PACKAGE)
    agent = desk()
    agent.locator("#queue .row").click()
    expect(agent).to_have_url(re.compile(r"/desk/#[0-9a-f-]{36}$"))
    other = opened(f"/desk/#{urlsplit(agent.url).fragment}", "ben")
    expect(other.locator("#package .summary")).to_have_text("Asks for a <b>refund</b>.")


def test_two_agents_click_at_once(desk: OpenDesk, chat: OpenChat) -> None:
    from playwright.sync_api import expect

    pages = {"Aiko": desk("aiko"), "Ben": desk("ben")}
    ask_for_a_person(chat())
    for page in pages.values():
        page.locator("#queue .row").click()
        expect(page.get_by_role("button", name="Take", exact=True)).to_be_visible()
    for page in pages.values():  # Both clicks are under way before either page has heard of the other's.
        page.evaluate("() => { document.getElementById('take').click(); document.getElementById('take').click(); }")
    expect(pages["Aiko"].locator("#mine .row").or_(pages["Aiko"].locator("#trouble:not(:empty)")).first).to_be_visible()
    winner = "Aiko" if pages["Aiko"].locator("#mine .row").count() else "Ben"
    loser = "Ben" if winner == "Aiko" else "Aiko"
    expect(pages[winner].locator("#mine .row")).to_have_count(1)
    expect(pages[winner].locator("#trouble")).to_be_empty()
    expect(pages[loser].locator("#trouble")).to_contain_text(
        re.compile(f"{winner} has taken|Somebody was faster|Somebody else")
    )
    expect(pages[loser].locator("#queue .row")).to_have_count(0)
    expect(pages[loser].get_by_role("textbox", name="Your reply")).to_be_hidden()
    # Handed on by hand.
    pages[winner].get_by_role("button", name="Transfer…").click()
    pages[winner].get_by_role("dialog").get_by_label(re.compile(loser)).check()
    pages[winner].get_by_role("dialog").get_by_role("button", name="Give").click()
    expect(pages[loser].locator("#mine .row")).to_have_count(1)
    expect(pages[winner].locator("#mine .row")).to_have_count(0)
    pages[loser].locator("#mine .row").click()
    close(pages[loser])


def test_the_web_process_dies_and_no_word_is_lost(desk: OpenDesk, chat: OpenChat, shop: Running) -> None:
    from playwright.sync_api import expect

    agent, shopper = desk(), chat()
    ask_for_a_person(shopper)
    take(agent)
    os.kill(shop.children()["web"], signal.SIGKILL)
    expect(agent.locator("#connection")).to_have_attribute("data-state", "lost")
    agent.get_by_role("textbox", name="Your reply").fill("Are you still there?")
    agent.keyboard.press("Enter")
    expect(said(agent, "Are you still there?")).to_be_visible()
    expect(widget(shopper).get_by_text("Are you still there?").first).to_be_visible()
    expect(agent.locator("#connection")).to_have_attribute("data-state", "connected")
    expect(said(agent, "Are you still there?")).to_have_count(1)
    expect(agent.locator("#log .unsent")).to_have_count(0)
    shopper_says(shopper, "yes, I am")
    expect(said(agent, "yes, I am")).to_be_visible()
    close(agent)


def test_a_word_under_way_outlives_the_page_and_is_said_once(desk: OpenDesk, chat: OpenChat, shop: Running) -> None:
    from playwright.sync_api import expect

    agent, shopper = desk(), chat()
    ask_for_a_person(shopper)
    take(agent)
    web, address = shop.children()["web"], agent.url
    os.kill(web, signal.SIGSTOP)
    agent.get_by_role("textbox", name="Your reply").fill("Written before the reload")
    agent.keyboard.press("Enter")
    expect(agent.locator("#log .unsent")).to_have_count(1)
    # The page goes before the word has come anywhere, and the process that would have read it as well.
    agent.goto("about:blank")
    os.kill(web, signal.SIGKILL)
    until(lambda: shop.children().get("web", web) != web and not shop.not_ready(), "the shop is there again")
    agent.goto(address)
    expect(said(agent, "Written before the reload")).to_have_count(1)
    expect(agent.locator("#log .unsent")).to_have_count(0)
    expect(widget(shopper).get_by_text("Written before the reload").first).to_be_visible()
    agent.get_by_role("textbox", name="Your reply").fill("half a sen")
    kept = "[sessionStorage['desk-drafts'], sessionStorage['desk-unsent']].join()"
    assert "half a sen" in agent.evaluate(kept)
    assert "before the reload" not in agent.evaluate(kept)
    close(agent)
    agent.get_by_role("button", name="Sign out").click()
    agent.wait_for_url("**/logout/")
    assert "half a sen" not in agent.evaluate(kept)


def test_everything_by_keyboard(desk: OpenDesk, chat: OpenChat) -> None:
    from playwright.sync_api import expect

    agent, shopper = desk(), chat()
    ask_for_a_person(shopper)
    expect(agent.locator("#queue .row")).to_be_visible()
    press = agent.keyboard.press
    press("?")
    expect(agent.get_by_role("dialog", name="Keys and settings")).to_be_visible()
    press("Escape")
    expect(agent.get_by_role("dialog")).to_have_count(0)
    press("j")
    expect(agent.locator("#queue .row")).to_be_focused()
    press("t")
    reply = agent.get_by_role("textbox", name="Your reply")
    expect(reply).to_be_focused()
    agent.keyboard.type("/la")
    expect(agent.locator("#ready li")).to_contain_text("/late")
    press("Enter")
    expect(reply).to_have_value("Sorry for the delay with order . Aiko")
    press("Shift+Enter")
    agent.keyboard.type("More soon")
    press("Enter")
    expect(widget(shopper).get_by_text("More soon").first).to_be_visible()
    expect(reply).to_be_focused()
    press("Escape")
    press("n")
    agent.keyboard.type("by keyboard")
    press("Control+Enter")
    expect(said(agent, "by keyboard")).to_be_visible()
    press("Escape")
    press("/")
    agent.keyboard.type("berserk 1")
    # What is found of the whole, and not of the words on the way there.
    expect(agent.locator("#found")).to_have_attribute("aria-busy", "false")
    expect(agent.locator("#found li").first).to_be_visible()
    press("Tab")
    press("Tab")
    press("Tab")
    expect(agent.locator("#found button").first).to_be_focused()
    press("Enter")
    expect(agent.locator("#attached .card")).to_contain_text("Berserk, Vol. 1")
    press("Enter")
    expect(widget(shopper).get_by_role("article").filter(has_text="Berserk, Vol. 1")).to_be_visible()
    press("Escape")
    press("c")
    expect(agent.get_by_role("dialog", name="Close the conversation")).to_be_visible()
    press("ArrowDown")
    press("Enter")
    expect(agent.locator("#talk-state")).to_contain_text("The shopper did not answer")
    # Single keys can be switched off (WCAG 2.1.4).
    agent.get_by_role("button", name="Keys and settings").click()
    agent.get_by_label("Single keys").uncheck()
    press("Enter")
    expect(agent.get_by_role("dialog")).to_have_count(0)
    agent.locator("#talk-title").focus()
    press("?")
    expect(agent.get_by_role("dialog")).to_have_count(0)


def test_the_enter_that_settles_a_conversion_does_not_send(desk: OpenDesk, chat: OpenChat) -> None:
    from playwright.sync_api import expect

    agent = desk()
    ask_for_a_person(chat())
    take(agent)
    reply = agent.get_by_role("textbox", name="Your reply")
    reply.focus()
    keys = agent.context.new_cdp_session(agent)
    keys.send("Input.imeSetComposition", {"text": "かんじ", "selectionStart": 3, "selectionEnd": 3})
    agent.keyboard.press("Enter")
    keys.send("Input.insertText", {"text": "漢字"})
    reply.evaluate(
        """(field) => field.dispatchEvent(
            new KeyboardEvent("keydown", { key: "Enter", keyCode: 229, bubbles: true, cancelable: true }))"""
    )
    expect(reply).to_have_value(re.compile("漢字"))
    expect(agent.locator("#log .agent")).to_have_count(0)
    agent.keyboard.press("Enter")
    expect(said(agent, "漢字")).to_be_visible()
    close(agent)


def test_on_a_phone_one_pane_at_a_time(desk: OpenDesk, chat: OpenChat) -> None:
    from playwright.sync_api import expect

    agent, shopper = desk(browser=PHONE), chat()
    ask_for_a_person(shopper)
    agent.locator("#queue .row").tap()
    expect(agent.locator("#lists")).to_be_hidden()
    agent.get_by_role("button", name="Take", exact=True).tap()
    reply = agent.get_by_role("textbox", name="Your reply")
    expect(reply).to_be_editable()
    agent.get_by_role("button", name="Details").tap()
    expect(agent.locator("#talk")).to_be_hidden()
    agent.get_by_role("tab", name="Products").tap()
    agent.get_by_role("searchbox").fill("yotsuba 1")
    agent.locator("#found button").first.tap()
    expect(agent.locator("#attached .card")).to_be_visible()
    agent.get_by_role("button", name="Send").tap()
    expect(widget(shopper).get_by_role("article").first).to_be_visible()
    assert agent.evaluate("document.documentElement.scrollWidth") == 390
    agent.get_by_role("button", name="Queue", exact=True).tap()
    expect(agent.locator("#mine .row")).to_be_visible()
    agent.locator("#mine .row").tap()
    expect(agent.locator("#talk")).to_be_visible()
    agent.go_back()
    expect(agent.locator("#lists")).to_be_visible()
    agent.locator("#mine .row").tap()
    close(agent)


# --- For everybody (WCAG 2.2 AA) --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "browser",
    [
        {"color_scheme": "light"},
        {"color_scheme": "dark", "locale": "ja-JP"},
        {**PHONE, "color_scheme": "light", "locale": "ja-JP"},
    ],
    ids=["desktop-light", "desktop-dark-ja", "phone-light-ja"],
)
def test_axe_finds_nothing(desk: OpenDesk, chat: OpenChat, browser: dict[str, Any]) -> None:
    from playwright.sync_api import expect

    agent, shopper = desk("leo", browser=browser | FOR_AXE), chat()
    assert faults(agent) == []
    shopper_says(shopper, "is Berserk volume 3 in stock?")
    expect(widget(shopper).get_by_role("article").first).to_be_visible()
    ask_for_a_person(shopper)
    expect(agent.locator("#queue .row")).to_be_visible()
    assert faults(agent) == []
    agent.locator("#queue .row").click()
    expect(agent.locator("#log .card")).to_be_visible()
    assert faults(agent) == []
    agent.locator("#take").click()
    expect(agent.locator("#text")).to_be_editable()
    agent.locator("#mode-note").click()
    agent.locator("#text").fill("a note")
    agent.locator("#send").click()
    expect(agent.locator("#log .note")).to_be_visible()
    agent.locator("#mode-reply").click()
    agent.locator("#text").fill("hello")
    agent.locator("#send").click()
    expect(agent.locator("#log .agent:not(.unsent)")).to_be_visible()
    agent.locator("#text").fill("/")
    expect(agent.locator("#ready li").first).to_be_visible()
    assert faults(agent) == []
    agent.locator("#text").fill("")
    if agent.locator("#to-about").is_visible():
        agent.locator("#to-about").click()
    agent.locator("#tab-products").click()
    agent.locator("#query").fill("berserk")
    expect(agent.locator("#found li").first).to_be_visible()
    assert faults(agent) == []
    agent.locator("#found button").first.click()
    expect(agent.locator("#attached .card")).to_be_visible()
    assert faults(agent) == []
    agent.locator("#close").click()
    expect(agent.locator("#close-dialog")).to_be_visible()
    assert faults(agent) == []
    agent.locator("#close-dialog [value=ok]").click()
    expect(agent.locator("#mine .row")).to_have_count(0)
    agent.goto("/desk/metrics/")
    assert faults(agent) == []


def test_who_is_no_agent_reads_why(opened: Callable[..., Page], shop: Running) -> None:
    """And the demo's operator, a superuser, is a lead at once."""
    from playwright.sync_api import expect

    operator = json.loads(Path(shop.data_dir, "operator.json").read_text())
    page = opened("/desk/", browser=FOR_AXE)
    page.get_by_label("Username").fill(operator["name"])
    page.get_by_label("Password").fill(operator["password"])
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name="Metrics")).to_be_visible()
    agent = opened("/desk/metrics/", "ben", browser=FOR_AXE)
    expect(agent.get_by_role("heading", level=1)).to_have_text("These figures are for leads")
    assert faults(agent) == []
