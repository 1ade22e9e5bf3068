"""The form without scripts through the real ASGI application, where requests of one browser run side by side."""

from __future__ import annotations

import asyncio
import re
from http.cookies import SimpleCookie
from urllib.parse import urlencode

import pytest
from channels.testing import HttpCommunicator

from chat.models import Conversation, Message
from chat.runner import runner
from mangaassist.asgi import application
from tests.journeys.shopper import PATIENCE_S

pytestmark = pytest.mark.usefixtures("shop")


class Browser:
    """One that keeps cookies and runs no scripts."""

    def __init__(self) -> None:
        self.cookies = SimpleCookie()
        self.headers: dict[str, str] = {}

    async def load(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        """(status, page); a redirect is not followed."""
        cookies = "; ".join(f"{name}={each.coded_value}" for name, each in self.cookies.items())
        headers = [(b"host", b"testserver"), (b"cookie", cookies.encode())]
        headers.append((b"content-type", b"application/x-www-form-urlencoded"))
        request = HttpCommunicator(application, method, path, urlencode(form or {}).encode(), headers)
        response = await request.get_response(timeout=PATIENCE_S)
        self.headers = {name.decode().lower(): value.decode() for name, value in response["headers"]}
        for name, value in response["headers"]:
            if name.lower() == b"set-cookie":
                self.cookies.load(value.decode())
        return response["status"], response["body"].decode()


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found
    return found[1]


async def test_clicks_at_the_same_moment_begin_one_conversation_and_ask_once() -> None:
    browser = Browser()
    _, page = await browser.load("GET", "/chat/")
    form = {name: field(page, name) for name in ("csrfmiddlewaretoken", "client_msg_id")} | {"text": "hello"}
    answers = await asyncio.gather(*(browser.load("POST", "/chat/plain/", form) for _ in range(4)))
    assert [status for status, _ in answers] == [302] * 4
    questions = Message.objects.filter(role=Message.Role.USER)
    assert [message.content async for message in questions] == ["hello"]
    assert await Conversation.objects.acount() == 1
    # Whichever answer's cookie the browser has kept, it goes on in that conversation.
    _, page = await browser.load("GET", "/chat/")
    assert page.count('<li class="user">') == 1
    assert page.count('<li class="assistant">') == 1
    again = form | {"text": "thanks", "client_msg_id": field(page, "client_msg_id")}
    await browser.load("POST", "/chat/plain/", again)
    assert [message.content async for message in questions.order_by("id")] == ["hello", "thanks"]
    assert await Conversation.objects.acount() == 1


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process drains, as at its end; the next one serves when the test sets it back."""
    monkeypatch.setattr(runner, "draining", True)


@pytest.mark.usefixtures("ends")
async def test_a_process_that_ends_begins_no_turn_and_the_next_one_asks_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    browser = Browser()
    _, page = await browser.load("GET", "/chat/")
    form = {name: field(page, name) for name in ("csrfmiddlewaretoken", "client_msg_id")}
    status, _ = await browser.load("POST", "/chat/plain/", form | {"text": "<hello> はじめまして"})
    assert (status, browser.headers["location"], browser.headers["connection"]) == (303, "/chat/plain/", "close")
    for _ in range(2):
        status, page = await browser.load("GET", "/chat/plain/")
        assert (status, browser.headers["retry-after"], browser.headers["connection"]) == (503, "2", "close")
        assert '<meta http-equiv="refresh" content="2">' in page
        assert "&lt;hello&gt; はじめまして</textarea>" in page
        # Whoever sends it by hand asks the same question.
        assert field(page, "client_msg_id") == form["client_msg_id"]
    assert not await Message.objects.aexists()
    monkeypatch.setattr(runner, "draining", False)
    for _ in range(2):
        # Loaded again, it is not asked again.
        assert (await browser.load("GET", "/chat/plain/"))[0] == 302
        assert browser.headers["location"] == "/chat/"
    _, page = await browser.load("GET", "/chat/")
    assert page.count('<li class="user">') == page.count('<li class="assistant">') == 1
    assert [message.content async for message in Message.objects.filter(role=Message.Role.USER)] == [
        "<hello> はじめまして"
    ]


@pytest.mark.usefixtures("ends")
@pytest.mark.parametrize("text", ["", "x" * 4001, "\x00"])
async def test_what_is_no_question_is_none_at_a_process_end_either(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser()
    _, page = await browser.load("GET", "/chat/")
    form = {"csrfmiddlewaretoken": field(page, "csrfmiddlewaretoken"), "client_msg_id": "x", "text": text}
    assert (await browser.load("POST", "/chat/plain/", form))[0] == 303
    monkeypatch.setattr(runner, "draining", False)
    assert (await browser.load("GET", "/chat/plain/"))[0] == 302
    assert not await Message.objects.aexists()


async def test_without_a_question_the_form_s_address_leads_to_the_page() -> None:
    browser = Browser()
    assert (await browser.load("GET", "/chat/plain/"))[0] == 302
    assert browser.headers["location"] == "/chat/"
