"""Every state of the chat: axe finds nothing, nothing is cut off, and its picture lies in var/pictures."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import FOR_AXE, violations
from tests.browser.conftest import OpenPage
from tests.browser.looks import PHONE, PICTURES, SCHEMES
from tests.browser.protocol_server import ProtocolServer
from tests.browser.widget_states import Walk


def picture(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")


def faults(page: Page) -> list[str]:
    """What axe finds in the widget (the page around it is the test's own)."""
    return violations(page, "manga-assist")


def misplaced(page: Page) -> list[str]:
    """What is cut off, runs out of the panel or the screen, or is too small for a finger."""
    found: list[str] = page.evaluate(
        """() => {
            const root = document.querySelector("manga-assist").shadowRoot;
            const seen = [...root.querySelectorAll("*")].filter((node) => node.checkVisibility());
            const name = (node) => `${node.localName}.${node.className} “${node.textContent.trim().slice(0, 30)}”`;
            const faults = [];
            const screen = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth > screen) faults.push("the page scrolls sideways");
            for (const node of seen) {
                const box = node.getBoundingClientRect();
                if (node.matches(".scroll") && node.scrollWidth > node.clientWidth) faults.push("the log scrolls sideways");
                if (node.matches(".panel, .bar, .foot, .launcher, .menu") && box.width) {
                    if (box.left < -1 || box.right > screen + 1 || box.top < -1 || box.bottom > innerHeight + 1)
                        faults.push(`outside: ${name(node)}`);
                }
                if (!node.matches("button:not(.launcher), .badge, .card-title, .balloon, legend, .greeting")) continue;
                if (node.closest(".unseen")) continue;
                if (node.scrollWidth > node.clientWidth + 1 && node.clientWidth) faults.push(`cut off: ${name(node)}`);
                if (node.matches("button") && box.width && Math.min(box.width, box.height) < 43.9)
                    faults.push(`small: ${name(node)} ${box.width}x${box.height}`);
            }
            return faults;
        }"""
    )
    return found


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_axe_finds_nothing_in_any_state_light_or_dark(open_page: OpenPage, server: ProtocolServer, lang: str) -> None:
    # axe itself sets inline styles while it measures.
    page = open_page(browser=FOR_AXE, lang=lang)
    found: dict[str, list[str]] = {}
    for state in Walk(page, server, lang):
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            expect(page.locator("manga-assist .root")).to_have_attribute("data-theme", scheme)
            picture(page, f"{state}-{scheme}-{lang}")
            found[f"{state}, {scheme}"] = faults(page)
    assert {state: each for state, each in found.items() if each} == {}


@pytest.mark.parametrize(
    ("lang", "direction", "browser"),
    [
        ("ja", "ltr", PHONE),
        ("en", "rtl", PHONE),
        ("en", "ltr", {"viewport": {"width": 640, "height": 480}, "device_scale_factor": 2}),
        ("ja", "ltr", {"forced_colors": "active"}),
    ],
    ids=["phone", "right-to-left", "twice-the-size", "forced-colours"],
)
def test_no_state_is_cut_off(
    open_page: OpenPage,
    server: ProtocolServer,
    request: pytest.FixtureRequest,
    lang: str,
    direction: str,
    browser: dict[str, Any],
) -> None:
    page = open_page(browser=browser, lang=lang)
    page.evaluate("(direction) => (document.documentElement.dir = direction)", direction)
    found: dict[str, list[str]] = {}
    for state in Walk(page, server, lang):
        picture(page, f"{state}-{request.node.callspec.id}")
        found[state] = misplaced(page)
    assert {state: each for state, each in found.items() if each} == {}
