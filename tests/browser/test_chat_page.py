"""The full page of the chat, with scripts and without."""

from __future__ import annotations

from typing import Any

import pytest
from django.template.loader import render_to_string
from django.utils import translation
from playwright.sync_api import Browser, expect

from tests.browser.protocol_server import WIDGET, ProtocolServer

pytestmark = pytest.mark.urls("chat.urls")

SAID: list[dict[str, Any]] = [
    {"role": "user", "content": "Is it in stock?"},
    {"role": "assistant", "content": "Yes.\n\nFive left. <b>now</b>"},
    {
        "role": "assistant",
        "content": "**Berserk** is [here](/series/berserk/):\n- one\n- [two](javascript:alert(1))",
        "cards": [
            {"kind": "product", "data": {"title": "Berserk, Vol. 1", "url": "/products/B-1/"}},
            {"kind": "product", "data": {"title": "<i>Bad</i>", "url": "javascript:alert(1)"}},
        ],
    },
]


def show(chromium: Browser, server: ProtocolServer, scripts: bool, messages: list[dict[str, Any]]) -> Any:
    html = render_to_string("chat/page.html", {"messages": messages})
    page = chromium.new_context(java_script_enabled=scripts).new_page()
    page.route("**/chat/", lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
    page.route(
        "**/page.css",
        lambda route: route.fulfill(body=(WIDGET / "page.css").read_text("utf-8"), content_type="text/css"),
    )
    page.goto(f"{server.origin}/chat/")
    return page


def test_without_scripts_it_is_a_form(chromium: Browser, server: ProtocolServer) -> None:
    page = show(chromium, server, False, SAID)
    expect(page.get_by_text("Five left. <b>now</b>")).to_be_visible()
    expect(page.get_by_role("link", name="Back to the shop")).to_have_attribute("href", "/")
    expect(page.locator("strong")).to_have_text("Berserk")
    expect(page.get_by_role("link", name="here")).to_have_attribute("href", "/series/berserk/")
    expect(page.get_by_role("listitem").filter(has_text="one").last).to_have_text("one")
    expect(page.get_by_role("link", name="Berserk, Vol. 1")).to_have_attribute("href", "/products/B-1/")
    expect(page.get_by_text("<i>Bad</i>")).to_be_visible()
    assert page.locator("a[href^=javascript]").count() == 0
    page.get_by_label("Your question").fill("And volume 2?")
    with page.expect_request("**/chat/plain/") as asked:
        page.get_by_role("button", name="Send").click()
    assert asked.value.method == "POST"
    assert "text=And+volume+2" in (asked.value.post_data or "")
    page.context.close()


def test_with_scripts_the_form_gives_way(chromium: Browser, server: ProtocolServer) -> None:
    page = show(chromium, server, True, SAID)
    expect(page.get_by_role("textbox", name="Your message")).to_be_visible()
    expect(page.get_by_label("Your question")).to_be_hidden()
    expect(page.get_by_role("link", name="Back to the shop")).to_be_visible()
    page.context.close()


@pytest.mark.parametrize(("language", "words"), [("en", "Your question"), ("ja", "ご質問")])
def test_it_speaks_the_readers_language(language: str, words: str) -> None:
    with translation.override(language):
        html = render_to_string("chat/page.html", {"messages": []})
    assert f'<html lang="{language}">' in html
    assert words in html
    assert "style=" not in html
