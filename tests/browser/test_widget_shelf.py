"""Titles side by side: turned over by mouse and by keyboard, in both directions of reading."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.protocol_server import ProtocolServer
from tests.browser.test_widget_conversation import ask, wait_until
from tests.browser.test_widget_states import picture

# At the beginning, at the end, and how far it has been scrolled (pixels, whatever the direction).
POSITION = """(row) => {
    const [at, most] = [Math.abs(row.scrollLeft), row.scrollWidth - row.clientWidth];
    return [at < 4, at > most - 4, at];
}"""


def arrow(page: Page, name: str) -> Locator:
    return page.locator("manga-assist").get_by_role("button", name=name, exact=True)


def points(button: Locator) -> str:
    """Where the drawn arrow looks: the icon's own is to the left."""
    turned = button.locator(".icon").evaluate("(icon) => getComputedStyle(icon).transform")
    return "left" if turned == "none" else "right"


@pytest.fixture(params=["ltr", "rtl"])
def page(open_page: OpenPage, server: ProtocolServer, request: pytest.FixtureRequest) -> Page:
    page = open_page(mode="page")
    page.evaluate("(direction) => (document.documentElement.dir = direction)", request.param)
    ask(page, "recommend something")
    expect(page.locator("manga-assist .scrolls .tiles")).to_be_visible()
    picture(page, f"shelf-{request.param}")
    return page


@pytest.mark.parametrize("how", ["mouse", "keyboard"])
def test_previous_and_next_turn_over_the_titles(page: Page, how: str) -> None:
    row = page.locator("manga-assist .tiles")
    back, on = arrow(page, "Previous titles"), arrow(page, "Next titles")

    def press(button: Locator, key: str) -> None:
        if how == "mouse":
            button.click()
        else:
            button.focus()
            page.keyboard.press(key)

    expect(back).to_be_disabled()
    press(on, "Enter")
    wait_until(page, lambda: row.evaluate(POSITION)[2] > 50)
    expect(back).to_be_enabled()
    for _ in range(10):
        if on.is_disabled():
            break
        before = row.evaluate(POSITION)[2]
        press(on, " ")
        wait_until(page, lambda before=before: row.evaluate(POSITION)[2] > before)  # type: ignore[misc]
        page.wait_for_timeout(100)
    assert row.evaluate(POSITION)[1]
    expect(on).to_be_disabled()
    for _ in range(10):
        if back.is_disabled():
            break
        before = row.evaluate(POSITION)[2]
        press(back, "Enter")
        wait_until(page, lambda before=before: row.evaluate(POSITION)[2] < before)  # type: ignore[misc]
        page.wait_for_timeout(100)
    assert row.evaluate(POSITION)[0]


def test_the_arrows_point_the_way_that_is_read(page: Page) -> None:
    is_rtl = page.evaluate("document.documentElement.dir") == "rtl"
    assert points(arrow(page, "Next titles")) == ("left" if is_rtl else "right")
    assert points(arrow(page, "Previous titles")) == ("right" if is_rtl else "left")


def test_words_run_as_their_own_letters_do(page: Page) -> None:
    """But stand where the page's do."""
    is_rtl = page.evaluate("document.documentElement.dir") == "rtl"
    for words in (".chip", ".card-title > *", ".card-meta", ".who"):
        found = page.locator(f"manga-assist {words}")
        for number in range(found.count()):
            expect(found.nth(number)).to_have_css("unicode-bidi", "plaintext")
    for words in (".names h2", ".who", ".card-title"):
        # The box of the words, not of the line that they stand in.
        left, right = page.locator(f"manga-assist {words}").first.evaluate(
            """(line) => {
                const [words, range] = [line.getBoundingClientRect(), document.createRange()];
                range.selectNodeContents(line);
                const said = range.getBoundingClientRect();
                return [said.left - words.left, words.right - said.right];
            }"""
        )
        assert (right < left) if is_rtl else (left <= right), words
