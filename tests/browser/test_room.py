"""The operator's room in a real browser: overview and conversation page, for eyes, keyboards and screen readers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.accessibility import FOR_AXE, violations
from tests.browser.looks import PICTURES, SCHEMES
from tests.browser.room import furnish_room, signed_in
from tests.mangaassist.open_shop import open_shop

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.process


@dataclass
class Room:
    address: str
    talk: str

    @property
    def pages(self) -> dict[str, str]:
        return {
            "overview": "/admin/overview/",
            "month": "/admin/overview/?period=month",
            "conversations": "/admin/chat/conversation/",
            "conversation": f"/admin/chat/conversation/{self.talk}/change/",
            "feedback": "/admin/chat/feedback/",
            "unanswered": "/admin/analytics/unansweredquestion/",
            "settings": "/admin/chat/assistantsettings/",
        }


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with open_shop(tmp_path_factory.mktemp("shop") / "data") as shop:
        address = f"http://127.0.0.1:{shop.port}"
        yield Room(address, furnish_room(shop.data_dir, address, turns=3_000))


@pytest.fixture
def ada(chromium: Browser, room: Room) -> Iterator[Page]:
    """An admin's page, whose console must stay clean."""
    faults: list[str] = []
    with signed_in(chromium, room.address, "ada", locale="en-US", viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        yield page
    assert not faults, faults


def unfold(page: Page) -> None:
    """Opens whatever is folded, with the traces that are fetched then."""
    from playwright.sync_api import expect

    traces = page.locator("details[data-src] .ma-trace-place")
    many = traces.count()
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    expect(page.locator(".ma-trace-place > .ma-trace-of")).to_have_count(many)


@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
def test_axe_finds_nothing_light_or_dark(chromium: Browser, room: Room, locale: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[str]] = {}
    options: dict[str, Any] = {"locale": locale, "viewport": {"width": 1280, "height": 900}, **FOR_AXE}
    with signed_in(chromium, room.address, "ada", **options) as context:
        page = context.new_page()
        for name, path in room.pages.items():
            opened = page.goto(path)
            assert opened is not None
            assert opened.ok, path
            assert page.locator("html").get_attribute("lang") == locale[:2]
            unfold(page)
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                page.screenshot(path=PICTURES / f"room-{name}-{scheme}-{locale[:2]}.png")
                found[f"{name}, {scheme}"] = violations(page)
    # The name of Django's own search field is a picture's, and it has a description besides.
    faults = {
        name: [each for each in all_of_it if each != "label-title-only: #searchbar"]
        for name, all_of_it in found.items()
    }
    assert {name: each for name, each in faults.items() if each} == {}


def test_nothing_scrolls_sideways_on_a_phone(ada: Page, room: Room) -> None:
    ada.set_viewport_size({"width": 390, "height": 844})
    wide = {}
    for name, path in room.pages.items():
        ada.goto(path)
        unfold(ada)
        wide[name] = ada.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert {name: more for name, more in wide.items() if more > 0} == {}


def test_every_plot_says_the_same_in_words(ada: Page, room: Room) -> None:
    """A table with a caption, and the arrow keys go from point to point."""
    ada.goto(room.pages["month"])
    plots = ada.locator("[data-plot]:has([data-shapes])")
    assert plots.count() >= 3
    for plot in plots.all():
        assert (plot.locator("table caption").text_content() or "").strip()
        assert plot.locator("tbody tr").count() >= 2
        assert plot.locator("svg:not([aria-hidden=true])").count() == 0
    shapes = plots.first.locator("[data-shapes]")
    shapes.focus()
    shapes.press("ArrowLeft")
    last = plots.first.locator("tbody tr").last.locator("th, td").all_text_contents()
    told = plots.first.locator("[data-tip]").inner_text()
    assert all(text.strip() in told for text in last)
    shapes.press("Escape")
    assert not plots.first.locator("[data-tip]").is_visible()


def press_until(page: Page, selector: str) -> None:
    """Goes there with the Tab key."""
    for _ in range(250):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"The keyboard does not come to {selector}")


def test_a_turn_is_replayed_beside_its_old_answer_by_keyboard(ada: Page, room: Room) -> None:
    from playwright.sync_api import expect

    ada.goto(room.pages["conversation"])
    press_until(ada, "details[data-src] > summary")
    ada.keyboard.press("Enter")
    expect(ada.locator(".ma-trace-place .ma-trace-of").first).to_be_visible()
    press_until(ada, "form[action*='/replay/'] button")
    ada.keyboard.press("Enter")
    expect(ada.get_by_role("heading", level=2, name="Then")).to_be_visible()
    expect(ada.get_by_role("heading", level=2, name="Now")).to_be_visible()
    # A price or the stock may have changed, the author of a series has not.
    assert "Naoki Urasawa" in ada.locator(".ma-beside").first.inner_text()


@pytest.mark.parametrize("name", ["overview", "conversation"])
def test_the_tab_key_comes_to_everything(ada: Page, room: Room, name: str) -> None:
    ada.goto(room.pages[name])
    unfold(ada)
    ada.evaluate(
        """() => {
            const operable = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
            window.ahead = new Set([...document.querySelectorAll(operable)].filter(
                (node) => node.checkVisibility({ visibilityProperty: true }) && !node.disabled));
            document.addEventListener("focusin", ({ target }) => window.ahead.delete(target));
        }"""
    )
    many = ada.evaluate("window.ahead.size")
    assert many > 20
    for _ in range(many + 5):
        ada.keyboard.press("Tab")
    assert ada.evaluate("[...window.ahead].map((node) => node.outerHTML.slice(0, 200))") == []


def test_a_message_is_redacted_by_keyboard(ada: Page, room: Room) -> None:
    from playwright.sync_api import expect

    ada.goto(room.pages["conversation"])
    said = ada.locator(".ma-said", has_text="something cheaper, under 10 dollars").first.get_attribute("id")
    press_until(ada, f"#{said} .ma-redact > summary")
    ada.keyboard.press("Enter")
    press_until(ada, f"#{said} .ma-redact button")
    ada.keyboard.press("Enter")
    expect(ada.locator(f"#{said}").get_by_text("redacted", exact=True)).to_be_visible()
    expect(ada.locator(f"#{said}")).not_to_contain_text("something cheaper")


def test_an_operator_sees_no_more_than_she_may(chromium: Browser, room: Room) -> None:
    with signed_in(chromium, room.address, "olga") as context:
        page = context.new_page()
        page.goto("/admin/")
        assert page.get_by_role("heading", level=1).count() == 1
        refused = page.goto("/admin/auth/user/")
        assert refused is not None
        assert refused.status == 403
