"""The form without scripts and the widget's token keep to the limits of sockets."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from chat.models import Conversation, Message

pytestmark = pytest.mark.usefixtures("transactional_db")


def questions() -> list[str]:
    return list(Message.objects.filter(role=Message.Role.USER).order_by("id").values_list("content", flat=True))


def id_of_form(page: str) -> str:
    found = re.search(r'name="client_msg_id" value="([0-9a-f-]{36})"', page)
    assert found
    return found[1]


def test_a_double_click_asks_once_and_a_new_page_asks_anew() -> None:
    visitor = Client()
    for asked in (["hello"], ["hello", "thanks"]):
        form = {"text": asked[-1], "client_msg_id": id_of_form(visitor.get("/chat/").content.decode())}
        of_the_page = {name: cookie.value for name, cookie in visitor.cookies.items()}
        for _ in range(2):
            # Both clicks are sent with the cookies that the page came with.
            visitor = Client()
            visitor.cookies.load(of_the_page)
            assert visitor.post("/chat/plain/", form).status_code == 302
        assert questions() == asked
    assert Conversation.objects.count() == 1
    form["client_msg_id"] = id_of_form(visitor.get("/chat/").content.decode())
    visitor.post("/chat/plain/", form)
    assert questions() == ["hello", "thanks", "thanks"]


@pytest.mark.parametrize(
    "client_msg_id", ["", "x", "0" * 36, "1' OR 1", "\x00", "9b2e0f4c-6f1d-4a57-8f55-0d6a3c1f7f10\n"]
)
def test_an_id_that_is_none_is_no_reason_not_to_answer(client_msg_id: str) -> None:
    visitor = Client()
    assert visitor.post("/chat/plain/", {"text": "hello", "client_msg_id": client_msg_id}).status_code == 302
    assert questions() == ["hello"]


def test_a_question_that_comes_too_soon_keeps_its_words_and_is_not_stored(settings: Any) -> None:
    settings.SOCKET_QUESTIONS_PER_S = 0.05  # and a burst of one
    visitor = Client()
    for text in ("hello", "thanks"):
        assert visitor.post("/chat/plain/", {"text": text}).status_code == 302
    refused = visitor.post("/chat/plain/", {"text": "<too> soon"})
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 20
    page = refused.content.decode()
    assert "please wait a moment" in page
    assert "&lt;too&gt; soon</textarea>" in page
    assert questions() == ["hello", "thanks"]


def test_one_network_does_not_begin_conversations_without_end(settings: Any) -> None:
    settings.ADDRESS_HELLOS_PER_S = 0.1  # and a burst of two
    answers = [Client().post("/chat/plain/", {"text": "hello"}).status_code for _ in range(3)]
    assert answers == [302, 302, 429]
    assert Conversation.objects.count() == 2


def test_one_network_gets_so_many_tokens(settings: Any) -> None:
    settings.ADDRESS_HELLOS_PER_S = 0.1
    sessions = Session.objects.count()

    def ask(address: str) -> Any:
        return Client(REMOTE_ADDR=address).post("/widget/v1/token", "{}", content_type="application/json")

    assert [ask("203.0.113.7").status_code for _ in range(2)] == [200, 200]
    refused = ask("203.0.113.7")
    assert (refused.status_code, refused.json()["error"]) == (429, "rate")
    assert 1 <= int(refused.headers["Retry-After"]) <= 10
    assert ask("203.0.113.8").status_code == 200
    assert Session.objects.count() <= sessions + 3
