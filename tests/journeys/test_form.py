"""The form without scripts through the real ASGI application, where requests of one browser run side by side."""

from __future__ import annotations

import asyncio
import re
from http.cookies import SimpleCookie
from urllib.parse import urlencode

import pytest
from channels.testing import HttpCommunicator

from chat.models import Conversation, Message
from mangaassist.asgi import application
from tests.journeys.shopper import PATIENCE_S

pytestmark = pytest.mark.usefixtures("shop")


class Browser:
    """One that keeps cookies and runs no scripts."""

    def __init__(self) -> None:
        self.cookies = SimpleCookie()

    async def load(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        """(status, page)"""
        cookies = "; ".join(f"{name}={each.coded_value}" for name, each in self.cookies.items())
        headers = [(b"host", b"testserver"), (b"cookie", cookies.encode())]
        headers.append((b"content-type", b"application/x-www-form-urlencoded"))
        request = HttpCommunicator(application, method, path, urlencode(form or {}).encode(), headers)
        response = await request.get_response(timeout=PATIENCE_S)
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
