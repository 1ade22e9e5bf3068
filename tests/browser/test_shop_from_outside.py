"""The real shop's widget on other sites, in two tabs, and while the web process dies under it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import jwt
import pytest
from playwright.sync_api import expect

from shop.demo.shoppers import DEMO_SHOPPERS
from tests.backends.openai_fake import FakeOpenAI, answer, fake_openai
from tests.browser.accessibility import FOR_AXE, violations
from tests.browser.partner_page import partner_site
from tests.browser.test_widget_conversation import wait_until
from tests.mangaassist.running import PATIENT, Running, free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.process

IDENTITY_KEY = "an identity key that is long enough for HS256"


@dataclass(frozen=True)
class Outside:
    shop: Running
    model: FakeOpenAI
    origin: str
    partner: str  # may embed the widget
    stranger: str  # the same pages, under a name that may not


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    shop_port, site_port = free_port(), free_port()
    origin = f"http://127.0.0.1:{shop_port}"
    identity = jwt.encode({"sub": DEMO_SHOPPERS[0].customer_id, "exp": time.time() + 3600}, IDENTITY_KEY, "HS256")
    typed = "require-trusted-types-for 'script'; trusted-types 'none'"
    sources = (
        f"script-src {origin}; style-src {origin}; img-src {origin}; connect-src {origin} ws://127.0.0.1:{shop_port}"
    )
    element = f'<script type="module" src="{origin}/widget/v1/widget.js"></script><manga-assist identity="{identity}">'
    frame = f'<script type="module" src="{origin}/widget/v1/frame.js"></script><manga-assist-frame title="Books">'
    pages = {
        "/element": (f"{element}</manga-assist>", f"default-src 'none'; {sources}; {typed}"),
        "/frame": (
            f"{frame}</manga-assist-frame>",
            f"default-src 'none'; script-src {origin}; frame-src {origin}; {typed}",
        ),
        "/plain": (
            f'<iframe src="{origin}/widget/v1/frame?lang=ja" title="Books" width="400" height="600"></iframe>',
            f"default-src 'none'; frame-src {origin}",
        ),
    }
    with fake_openai() as model, partner_site(site_port, pages):
        model.pieces = answer("Here is what the shelves say. ", "Enjoy your reading.")
        shop = Running(
            tmp_path_factory.mktemp("shop"),
            shop_port,
            DEMO="1",
            WIDGET_ALLOWED_ORIGINS=f"http://localhost:{site_port}",
            WIDGET_IDENTITY_KEY=IDENTITY_KEY,
            GENERATOR="openai",
            OPENAI_BASE_URL=model.url,
            OPENAI_MODEL="test",
            OPENAI_API_KEY="test",
            **PATIENT,
        )
        try:
            shop.wait_for("MangaAssist is ready", within_s=180)
            yield Outside(shop, model, origin, f"http://localhost:{site_port}", f"http://127.0.0.1:{site_port}")
        finally:
            if shop.process.poll() is None:
                shop.stop()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(locale="en-US", viewport={"width": 1200, "height": 900})
    yield context
    context.close()


def visit(context: BrowserContext, address: str, faults: list[str] | None = None) -> Page:
    page = context.new_page()
    if faults is not None:
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(address)
    return page


def ask(page: Page, text: str) -> None:
    field = page.locator("manga-assist textarea:visible").first
    field.fill(text)
    field.press("Enter")


def test_an_element_on_another_site_knows_the_shopper_by_the_sites_word(
    context: BrowserContext, outside: Outside
) -> None:
    faults: list[str] = []
    page = visit(context, f"{outside.partner}/element", faults)
    page.get_by_role("button", name="Open the chat").click()
    ask(page, "where is my order?")
    expect(page.get_by_role("article").filter(has_text="MA-").first).to_be_visible(timeout=20_000)
    assert [fault for fault in faults if "favicon" not in fault] == []


def test_a_frame_on_another_site_obeys_and_tells_it(context: BrowserContext, outside: Outside) -> None:
    faults: list[str] = []
    page = visit(context, f"{outside.partner}/frame", faults)
    page.evaluate(
        """() => {
            window.heard = [];
            for (const name of ["open", "ready", "message", "close"])
                addEventListener(`manga-assist:${name}`, (event) => heard.push([name, event.target.localName]));
        }"""
    )
    frame = page.frame_locator("iframe")
    launcher = frame.get_by_role("button", name="Open the chat with Books")
    expect(launcher).to_be_visible(timeout=20_000)
    expect(page.locator("iframe")).to_have_css("width", "108px")
    page.evaluate("document.querySelector('manga-assist-frame').ask('where is my order?')")
    expect(frame.get_by_role("dialog", name="Books")).to_be_visible()
    expect(page.locator("iframe")).to_have_css("width", "440px")
    wait_until(page, lambda: "message" in [name for name, _ in page.evaluate("heard")])
    page.evaluate("document.querySelector('manga-assist-frame').setAttribute('lang', 'ja')")
    expect(frame.get_by_role("button", name="スタッフに相談")).to_be_visible()
    page.evaluate("document.querySelector('manga-assist-frame').close()")
    expect(page.locator("iframe")).to_have_css("width", "108px")
    names = [name for name, _ in page.evaluate("heard")]
    assert names[0] == "open"
    assert names[-1] == "close"
    assert {name for _, name in page.evaluate("heard")} == {"manga-assist-frame"}
    assert [fault for fault in faults if "favicon" not in fault] == []


def test_a_plain_frame_needs_no_script_of_the_site(context: BrowserContext, outside: Outside) -> None:
    page = visit(context, f"{outside.partner}/plain")
    expect(page.frame_locator("iframe").get_by_role("textbox", name="メッセージ")).to_be_visible(timeout=20_000)


def test_a_site_that_may_not_gets_neither(context: BrowserContext, outside: Outside) -> None:
    page = visit(context, f"{outside.stranger}/element")
    page.get_by_role("button", name="Open the chat").click()
    # Without CORS the browser does not even let the page know why.
    expect(page.get_by_text("The connection dropped. Reconnecting…")).to_be_visible(timeout=20_000)
    for path in ("frame", "plain"):
        page = visit(context, f"{outside.stranger}/{path}")
        page.wait_for_timeout(1500)
        expect(page.frame_locator("iframe").locator("manga-assist")).to_have_count(0)


def test_the_documentation_changes_the_widget_beside_it(context: BrowserContext, outside: Outside) -> None:
    faults: list[str] = []
    page = visit(context, f"{outside.origin}/widget/v1/docs", faults)
    page.get_by_label("title", exact=True).fill('The "Shop"')
    page.get_by_label("position", exact=True).select_option("left")
    page.get_by_label("--manga-assist-radius").fill("0")
    page.get_by_label("--manga-assist-offset-block").fill("50")
    launcher = page.get_by_role("button", name='Open the chat with The "Shop"')
    place = launcher.bounding_box()
    assert place is not None
    assert (place["x"], place["y"] + place["height"]) == (20, 900 - 50)
    code = page.locator("#snippet")
    expect(code).to_contain_text('<manga-assist title="The &quot;Shop&quot;" position="left"></manga-assist>')
    expect(code).to_contain_text("--manga-assist-radius: 0px;")
    page.get_by_role("radio", name="Iframe (scripts").check()
    expect(code).to_contain_text("<manga-assist-frame")
    page.get_by_role("radio", name="Plain iframe").check()
    expect(code).to_contain_text(f"{outside.origin}/widget/v1/frame?title=The+%22Shop%22&amp;position=left")
    page.get_by_role("button", name="Run open()").click()
    expect(page.get_by_role("log", name="Events just heard")).to_contain_text("manga-assist:open {}")
    expect(page.get_by_role("dialog", name='The "Shop"')).to_have_css("border-radius", "0px")
    documented = set(page.locator("[aria-labelledby=attributes] code").all_inner_texts())
    known = page.evaluate("customElements.get('manga-assist').observedAttributes")
    assert set(known) - {"style"} <= documented
    assert faults == []


def test_the_documentation_tries_what_only_a_new_widget_reads(context: BrowserContext, outside: Outside) -> None:
    faults: list[str] = []
    page = visit(context, f"{outside.origin}/widget/v1/docs", faults)
    code, heard = page.locator("#snippet"), page.get_by_role("log", name="Events just heard")
    page.get_by_label("--manga-assist-z-index").fill("7")
    expect(page.locator("manga-assist")).to_have_css("z-index", "7")
    page.get_by_label("launcher-icon", exact=True).fill("📚")
    expect(page.locator("manga-assist [slot=launcher-icon]")).to_have_text("📚")
    page.get_by_label("manga-assist:product-click").check()
    page.get_by_label("ask(text)").fill("how much is Monster volume 1?")
    page.get_by_role("button", name="Run ask(text)").click()
    card = page.get_by_role("article").first
    expect(card).to_be_visible(timeout=20_000)
    card.get_by_role("link").first.click()
    expect(heard).to_contain_text("manga-assist:product-click")
    assert page.url.endswith("/docs")  # prevented
    page.get_by_label("mode", exact=True).select_option("page")
    expect(page.get_by_role("region", name="MangaAssist")).to_contain_text("how much is Monster volume 1?")
    page.get_by_label("nav", exact=True).fill("Back to us")
    expect(page.get_by_role("link", name="Back to us")).to_be_visible()
    page.get_by_label("identity", exact=True).fill("no.such.token")
    page.get_by_label("identity", exact=True).blur()
    expect(code).to_contain_text('mode="page" identity="no.such.token">')
    expect(code).to_contain_text('<a slot="nav" href="/">Back to us</a>')
    expect(code).to_contain_text("--manga-assist-z-index: 7;")
    page.get_by_role("radio", name="Plain iframe").check()
    expect(code).to_contain_text("/widget/v1/frame?mode=page")
    expect(code).not_to_contain_text("no.such.token")
    page.get_by_label("endpoint", exact=True).fill("/nowhere/")
    page.get_by_label("endpoint", exact=True).blur()
    page.get_by_label("plain", exact=True).fill("Write to us")
    expect(page.get_by_text("Write to us", exact=True)).to_be_visible(timeout=20_000)
    assert [each for each in faults if "nowhere" not in each and "400" not in each] == []


@pytest.mark.parametrize(("path", "locale"), [("docs", "en-US"), ("docs", "ja-JP"), ("frame", "ja-JP")])
def test_axe_finds_nothing_on_the_widgets_own_pages(
    chromium: Browser, outside: Outside, path: str, locale: str
) -> None:
    scheme: Literal["dark", "light"] = "dark" if locale == "ja-JP" else "light"
    context = chromium.new_context(locale=locale, color_scheme=scheme, **FOR_AXE)
    page = visit(context, f"{outside.origin}/widget/v1/{path}")
    expect(page.locator("manga-assist .root")).to_be_attached()
    assert violations(page) == []
    context.close()


def test_two_tabs_see_one_conversation(context: BrowserContext, outside: Outside) -> None:
    first = visit(context, f"{outside.origin}/chat/")
    ask(first, "who wrote Monster?")
    expect(first.locator("manga-assist .thumb").first).to_be_visible(timeout=20_000)
    second = visit(context, f"{outside.origin}/chat/")
    expect(second.get_by_role("log")).to_contain_text("who wrote Monster?")
    ask(second, "and how many volumes does it have?")
    expect(second.locator("manga-assist .thumb")).to_have_count(4, timeout=20_000)
    expect(first.locator("manga-assist .thumb")).to_have_count(4, timeout=20_000)
    for page in (first, second):
        expect(page.get_by_role("log").get_by_text("and how many volumes does it have?", exact=True)).to_have_count(1)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "told to go"])
def test_a_web_process_that_ends_in_the_middle_of_an_answer(
    context: BrowserContext, outside: Outside, number: signal.Signals
) -> None:
    page = visit(context, f"{outside.origin}/chat/")
    ask(page, "who wrote Monster?")
    expect(page.locator("manga-assist .thumb").first).to_be_visible(timeout=20_000)
    outside.model.reached.clear()
    outside.model.go.clear()
    ask(page, "recommend me something like Monster")
    assert outside.model.reached.wait(60)
    web = outside.shop.children()["web"]
    os.kill(web, number)
    time.sleep(0.3)
    outside.model.go.set()
    # Answered, or honestly failed with a way to ask again: once, and nobody waits on.
    ends = page.locator("manga-assist .entry.assistant:not(.streaming) .entry-foot").nth(1)
    expect(ends).to_be_visible(timeout=40_000)
    expect(page.locator("manga-assist .typing")).to_be_empty()
    expect(page.get_by_role("button", name="Stop the answer")).to_be_hidden()
    expect(page.get_by_role("log").get_by_text("recommend me something like Monster", exact=True)).to_have_count(1)
    outside.shop.wait_for("MangaAssist is ready")
    ask(page, "who wrote Berserk?")
    expect(page.get_by_role("article").filter(has_text="Berserk, Vol. 1")).to_be_visible(timeout=40_000)
    expect(page.locator("manga-assist .entry.assistant")).to_have_count(3)
    expect(page.locator("manga-assist .notice")).to_be_empty()
