"""The real shop in a real browser: pages, widget, server, worker, as `make run` starts them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.accessibility import FOR_AXE, violations
from tests.browser.looks import PICTURES, SCHEMES
from tests.learned import share_with
from tests.mangaassist.open_shop import open_shop

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("shop")
    share_with(folder)
    with open_shop(folder) as shop:
        yield f"http://127.0.0.1:{shop.port}"


@pytest.fixture
def visit(chromium: Browser, address: str) -> Iterator[Page]:
    """A page whose console must stay clean: a CSP violation is an error there."""
    context = chromium.new_context(base_url=address, locale="en-US", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert not faults, faults


def ask(page: Page, text: str, expected: str) -> None:
    from playwright.sync_api import expect

    box = page.locator("manga-assist textarea:visible")
    box.fill(text)
    box.press("Enter")
    expect(page.locator("manga-assist").get_by_text(re.compile(expected)).first).to_be_visible(timeout=15_000)


def test_a_shopper_asks_beside_a_series_and_buys_from_the_card(visit: Page) -> None:
    from playwright.sync_api import expect

    visit.goto("/series/vinland-saga/")
    expect(visit.get_by_role("heading", level=1)).to_have_text("Vinland Saga")
    visit.locator("manga-assist").get_by_role("button").first.click()
    ask(visit, "is volume 2 in stock?", r"Vinland Saga, Vol\. 2")
    visit.locator("manga-assist").get_by_role("button", name=re.compile("add to cart", re.I)).first.click()
    expect(visit.locator("manga-assist").get_by_text(re.compile("in your cart")).first).to_be_visible(timeout=15_000)
    visit.goto("/cart/")
    expect(visit.get_by_role("rowheader", name=re.compile(r"Vinland Saga, Vol\. 2"))).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_scrolls_sideways(visit: Page, width: int) -> None:
    visit.set_viewport_size({"width": width, "height": 900})
    for path in ("/", "/search/?q=vinland", "/series/vinland-saga/", "/cart/", "/help/", "/sign-in/", "/chat/"):
        visit.goto(path)
        needed, offered = visit.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert needed <= offered, path


def test_a_demo_shopper_sees_their_orders(visit: Page) -> None:
    from playwright.sync_api import expect

    visit.goto("/sign-in/")
    visit.get_by_role("button", name=re.compile("Ben")).click()
    expect(visit.get_by_role("link", name="Ben")).to_be_visible()
    visit.goto("/chat/")
    ask(visit, "where is my order?", r"MA-\d+")


def test_japanese_pages_and_answers(visit: Page) -> None:
    from playwright.sync_api import expect

    visit.goto("/")
    visit.get_by_role("button", name="日本語").click()
    expect(visit.locator("html")).to_have_attribute("lang", "ja")
    visit.goto("/chat/")
    ask(visit, "鬼滅の刃の１巻の在庫はありますか", "鬼滅の刃 1")


def test_without_scripts_the_form_answers(chromium: Browser, address: str) -> None:
    from playwright.sync_api import expect

    context = chromium.new_context(base_url=address, java_script_enabled=False, locale="en-US")
    page = context.new_page()
    page.goto("/chat/")
    page.locator("textarea[name=text]").fill("who wrote Monster?")
    page.locator("form[action*=plain] button").first.click()
    expect(page.get_by_text("Naoki Urasawa").first).to_be_visible()
    context.close()


# What a shopper sees of the shop.
PAGES = ["/", "/search/?q=vinland", "/series/vinland-saga/", "/cart/", "/account/", "/chat/"]
SHIFTS = """
    window.shifted = 0;
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
"""


def furnish(page: Page) -> list[str]:
    """Signs a shopper with orders in and puts a volume into the cart → the addresses of :data:`PAGES` and the volume."""
    page.goto("/sign-in/")
    page.locator("form[action*='sign-in/as'] button").nth(1).click()
    page.goto("/series/vinland-saga/")
    product = page.locator("a[href*='/products/']").first.get_attribute("href")
    assert product
    page.goto(product)
    page.locator("form[action*='cart/add'] button").first.click()
    return [*PAGES, product]


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_moves_while_a_page_loads_and_no_script_holds_it_up(
    chromium: Browser, address: str, width: int
) -> None:
    context = chromium.new_context(base_url=address, locale="en-US", viewport={"width": width, "height": 844})
    page = context.new_page()
    paths = furnish(page)
    page.add_init_script(SHIFTS)
    shifts: dict[str, float] = {}
    holding: dict[str, list[str]] = {}
    for path in paths:
        page.goto(path, wait_until="load")
        page.wait_for_function("document.fonts.status === 'loaded'")
        page.wait_for_timeout(300)
        shifts[path] = page.evaluate("window.shifted")
        holding[path] = page.evaluate(
            """() => [
                ...[...document.scripts].filter((it) => it.type !== "module" && !it.defer && !it.async).map((it) => it.outerHTML),
                ...performance.getEntriesByType("resource")
                    .filter((it) => it.initiatorType === "script" && it.renderBlockingStatus === "blocking")
                    .map((it) => it.name),
            ]"""
        )
    context.close()
    assert {path: shift for path, shift in shifts.items() if shift >= 0.01} == {}
    assert {path: scripts for path, scripts in holding.items() if scripts} == {}


@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
def test_axe_finds_nothing_on_any_page_light_or_dark(chromium: Browser, address: str, locale: str) -> None:
    context = chromium.new_context(
        base_url=address,
        locale=locale,
        viewport={"width": 390, "height": 844},
        reduced_motion="reduce",
        **FOR_AXE,
    )
    page = context.new_page()
    PICTURES.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[str]] = {}
    for path in furnish(page):
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == locale[:2]
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.screenshot(
                path=PICTURES / f"shop-{path.strip('/?').split('/')[0] or 'home'}-{scheme}-{locale[:2]}.png"
            )
            found[f"{path}, {scheme}"] = violations(page)
    context.close()
    assert {name: each for name, each in found.items() if each} == {}
