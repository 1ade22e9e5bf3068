"""A real Chromium and a stand-in server; a test whose page breaks its Content-Security-Policy or throws fails."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tests.browser.protocol_server import ProtocolServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
REQUIRED = os.environ.get("BROWSER_TESTS") == "required"
# The browser tools are in requirements-dev.txt only.
if not REQUIRED and not (find_spec("playwright") and find_spec("axe_playwright_python")):
    collect_ignore_glob = ["test_*.py"]

OpenPage = Callable[..., "Page"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in str(item.path).replace(os.sep, "/"):
            item.add_marker(pytest.mark.browser)


# Not for the session: Playwright's event loop would stay behind in the thread that runs the async tests.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        if REQUIRED:
            pytest.fail("BROWSER_TESTS=required, but there is no chromium on PATH (or in $CHROMIUM).")
        pytest.skip("no chromium on PATH")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=8000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def protocol_server() -> Iterator[ProtocolServer]:
    server = ProtocolServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(protocol_server: ProtocolServer) -> ProtocolServer:
    protocol_server.reset()
    return protocol_server


@pytest.fixture
def open_page(chromium: Browser, server: ProtocolServer) -> Iterator[OpenPage]:
    """``open_page(mode="page", …attributes of the element)`` shows the widget on a page with a strict policy, without motion."""
    contexts = []
    complaints: list[str] = []

    def open_it(*, path: str = "/", browser: dict[str, Any] | None = None, **attributes: str) -> Page:
        still = {"viewport": {"width": 1100, "height": 820}, "reduced_motion": "reduce"}
        context = chromium.new_context(**{**still, **(browser or {})})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if _complains(message) else None)
        query = urlencode({name.replace("_", "-"): value for name, value in attributes.items()})
        page.goto(f"{server.origin}{path}?{query}")
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


def _complains(message: Any) -> bool:
    """Of a cut connection the browser itself speaks; everything else is a fault of ours."""
    return message.type == "error" and "WebSocket" not in message.text and "ERR_" not in message.text
