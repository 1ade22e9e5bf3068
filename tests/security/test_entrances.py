"""Every address, as nobody, as two shoppers, two partners and staff: what belongs to one is for the other as if it were
not there."""

from __future__ import annotations

import re
import uuid
from typing import Any
from urllib.parse import unquote

import orjson
import pytest
from django.contrib import admin
from django.test import Client

from chat.frames import _READERS as CHAT_READERS
from chat.models import Conversation
from chat.routing import websocket_urlpatterns as shop_sockets
from escalation.desk_frames import _READERS as DESK_READERS
from escalation.routing import websocket_urlpatterns as desk_sockets
from partners.models import SCOPES, create_api_key
from partners.webhooks.models import Webhook
from tests.security.entrances import (
    ADMIN_MODELS,
    API,
    CHAT_FRAMES,
    DESK_FRAMES,
    ENTRANCES,
    PARTNERS,
    ROOMS,
    SOCKETS,
    Entrance,
    Who,
    addresses,
)
from tests.security.world import MARKS, ORDER, Shop, furnish, row_of, staff, unknown_like

VISITORS = [each for each in ENTRANCES if each.who in (Who.ANYBODY, Who.SHOPPER)]
# What the addresses with a name in them lead to.
PLACES = {
    "widget/v1/<name>": "widget.js", "covers/<id>.svg": "BERSERK-EN-1", "covers/series/<id>.svg": "berserk",
    "series/<id>/": "berserk", "products/<id>/": "BERSERK-EN-1", "products/<id>/rate/": "BERSERK-EN-1",
    "help/<id>/": "returns",
}  # fmt: skip
# What a form sends that is meant for somebody else's.
FORM = {"asin": "BERSERK-EN-1", "quantity": "1", "value": "5", "customer_id": "first", "text": "where is my parcel?",
        "session_id": "first", "conversation_id": "first", "language": "en", "next": "//evil.example"}  # fmt: skip
LOGIN = "/admin/login/?next="
# Ids and times that differ from one answer to the next of the same.
IDS = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
COUNTED = {"RateLimit", "RateLimit-Remaining", "RateLimit-Reset", "Date", "X-Request-ID"}


@pytest.fixture
def shop(transactional_db: None) -> Shop:
    return furnish()


# --- The table ------------------------------------------------------------------------------------------------------


def test_the_table_knows_every_address_and_no_other() -> None:
    known = [each.address for each in ENTRANCES]
    assert len(known) == len(set(known))
    assert addresses() == set(known)
    assert all(each.why for each in ENTRANCES)


def test_the_table_knows_every_model_of_the_operators_room() -> None:
    assert {model._meta.label_lower for model in admin.site._registry} == set(ADMIN_MODELS)


def test_the_table_knows_every_socket_and_frame() -> None:
    assert {str(each.pattern) for each in (*shop_sockets, *desk_sockets)} == set(SOCKETS)
    assert set(CHAT_READERS) == set(CHAT_FRAMES)
    assert set(DESK_READERS) == set(DESK_FRAMES)


def test_the_table_knows_every_operation_and_its_scope(client: Client) -> None:
    document = client.get("/api/v1/openapi.json").json()
    told = {
        (re.sub(r"\{\w+\}", "<id>", path.lstrip("/")), method.upper())
        for path, methods in document["paths"].items()
        for method in methods
    }
    known = {(each.address, method) for scope in SCOPES for each in API[scope] for method in each.methods.split()}
    assert told == known
    assert set(API) == {"", *SCOPES}


# --- Nobody, and shoppers -------------------------------------------------------------------------------------------


def test_nobody_gets_nothing_but_what_is_for_anybody(shop: Shop) -> None:
    for each in ENTRANCES:
        for method in ("get", "post", "put", "delete"):
            answer = getattr(Client(), method)(each.at(PLACES.get(each.address, uuid.uuid4())))
            about = (each.address, method, answer.status_code)
            if each.who in (Who.STAFF, Who.AGENT, Who.LEAD):
                assert answer.status_code in (302, 405), about
                if answer.status_code == 302:
                    # Who is not signed in need not sign out.
                    assert answer["Location"].startswith(LOGIN) or "logout" in each.address, about
            elif each.who is Who.PARTNER:
                # A method that is none, or the root that is no operation.
                assert answer.status_code in (401, 404, 405), about
                if method.upper() in each.methods.split() and each not in API[""]:
                    assert (answer.status_code, answer.json()["status"]) == (401, 401), about
            else:
                assert answer.status_code < 500 or each.who is Who.PROBE, about
            assert not marks_in(answer), about


def test_one_shopper_gets_nothing_of_the_others(shop: Shop) -> None:
    """By cookie, by form and by query: no address takes another's id for one's own."""
    bob = shop.browser("second")
    for each in VISITORS:
        address = each.at(PLACES.get(each.address, "first"))
        for method in ("get", "post"):
            answer = getattr(bob, method)(address, FORM)
            assert answer.status_code < 500, (address, method)
            assert not marks_in(answer), (address, method)
            assert "evil.example" not in answer.get("Location", ""), (address, method)


def test_the_first_shopper_sees_their_own(shop: Shop) -> None:
    """Else the marks would be nowhere, and the walks above would find nothing."""
    assert ORDER in shop.browser("first").get("/account/").content.decode()


@pytest.mark.parametrize("claimed", [ORDER, "MA-99999"])
def test_anothers_order_is_answered_like_one_that_is_not(shop: Shop, claimed: str) -> None:
    bob = shop.browser("second")
    bob.post("/chat/plain/", {"text": f"where is order {claimed}?"})
    page = bob.get("/chat/").content.decode()
    assert not any(mark in page.replace(f"where is order {claimed}?", "") for mark in MARKS if mark != claimed)
    answers = Conversation.objects.get(customer_id="second").messages.filter(role="assistant")
    assert "shipped" not in answers.get().content


def test_a_form_of_ours_is_sent_by_no_page_of_others(shop: Shop) -> None:
    """Django's token against cross-site requests, wherever a cookie gives a right. The widget's token is got by pages
    of others on purpose: their origin is checked (tests/security/test_sockets.py)."""
    for who, walked in (("second", VISITORS), ("admin", ROOMS)):
        for each in walked:
            if "POST" not in each.methods or each.address == "widget/v1/token":
                continue
            client = Client(enforce_csrf_checks=True)
            client.cookies = (shop.browser(who) if walked is VISITORS else staff("admin")).cookies
            pk = PLACES.get(each.address) or (row_of(each) if is_of_model(each) else "1")
            answer = client.post(each.at(pk), FORM)
            assert answer.status_code in (403, 405), (each.address, answer.status_code)


# --- Partners -------------------------------------------------------------------------------------------------------


def ask(secret: str, method: str, address: str, body: Any = None) -> Any:
    headers = {"authorization": f"Bearer {secret}"}
    content = b"" if body is None else orjson.dumps(body)
    return Client().generic(method, address, content, content_type="application/json", headers=headers)


def body_of(each: Entrance, theirs: dict[str, str]) -> Any:
    return {
        "api/v1/conversations/<id>/messages": {"text": "hello"},
        "api/v1/conversations/<id>/feedback": {"message_id": theirs["message"], "rating": "up"},
        "api/v1/conversations/<id>/handoff": {},
    }.get(each.address)


def theirs_at(each: Entrance, theirs: dict[str, str]) -> str:
    kind = {"conversations": "conversation", "webhooks": "webhook", "catalog": "job", "orders": "order"}
    return theirs[kind[each.address.split("/")[2]]]


OWNED = [
    (each, method)
    for each in PARTNERS
    if each.takes_id and not each.address.startswith("api/v1/products")
    for method in each.methods.split()
]


@pytest.mark.parametrize(("each", "method"), OWNED, ids=[f"{method} {each.address}" for each, method in OWNED])
def test_what_one_partner_has_is_not_there_for_another(shop: Shop, each: Entrance, method: str) -> None:
    theirs, body = theirs_at(each, shop.theirs), body_of(each, shop.theirs)
    unknown = "MA-99999" if theirs == ORDER else str(uuid.uuid4())
    query = "?customer_id=second" if theirs == ORDER else ""
    before = rows()
    one, none = (ask(shop.second[1], method, each.at(id) + query, body) for id in (theirs, unknown))
    assert (one.status_code, none.status_code) == (404, 404)
    assert told(one, theirs) == told(none, unknown)
    assert rows() == before
    # A key without the scope learns not even that.
    narrow = create_api_key("Narrow", ["events"])[1]
    one, none = (ask(narrow, method, each.at(id) + query, body) for id in (theirs, unknown))
    assert (one.status_code, none.status_code) == (403, 403)
    assert told(one, theirs) == told(none, unknown)
    # The owner's own request is answered: the refusals above are no accident.
    mine = ask(shop.first[1], method, each.at(theirs) + query.replace("second", "first"), body)
    assert mine.status_code in (200, 201, 202, 204), mine.content


def told(answer: Any, id: str) -> tuple[str, dict[str, str]]:
    """The answer but for the id that was asked for and what is counted."""
    body = IDS.sub("", answer.content.decode().replace(id, ""))
    return body, {name: value for name, value in answer.headers.items() if name not in COUNTED}


def rows() -> list[Any]:
    hooks = Webhook.objects.order_by("pk").values_list("pk", "is_active", "failures")
    return [*hooks, *Conversation.objects.order_by("pk").values_list("pk", "state", "updated_at")]


def test_a_partners_lists_and_answers_hold_nothing_of_another(shop: Shop) -> None:
    asked: list[tuple[str, str, Any]] = [
        ("GET", "/api/v1/webhooks", None),
        ("GET", "/api/v1/recommendations?session_id=first", None),
        ("GET", f"/api/v1/search?q={MARKS[0]}", None),
        ("POST", "/api/v1/conversations", {"customer_id": "second"}),
    ]
    for method, address, body in asked:
        answer = ask(shop.second[1], method, address, body)
        assert answer.status_code in (200, 201), (address, answer.content)
        assert not marks_in(answer), address


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_opens_what_its_scope_names_and_nothing_else(shop: Shop, scope: str) -> None:
    secret = create_api_key("Narrow", [scope])[1]
    for needed in SCOPES:
        for each in API[needed]:
            for method in each.methods.split():
                answer = ask(secret, method, each.at(uuid.uuid4()) + "?customer_id=x&q=x", {})
                about = (needed, each.address, method, answer.content[:200])
                assert (answer.status_code == 403) is (needed != scope) or answer.status_code in (415, 422), about


# --- Staff ----------------------------------------------------------------------------------------------------------


def is_of_model(each: Entrance) -> bool:
    parts = each.address.split("/")
    return each.takes_id and len(parts) > 3 and f"{parts[1]}.{parts[2]}" in ADMIN_MODELS


@pytest.mark.parametrize("group", ["", "agent"])
def test_who_may_not_see_a_record_does_not_learn_whether_there_is_one(shop: Shop, group: str) -> None:
    client, found = staff(group), []
    for each in filter(is_of_model, ROOMS):
        there = row_of(each)
        for method in ("get", "post"):
            one, none = (getattr(client, method)(each.at(pk)) for pk in (there, unknown_like(there)))
            refused = each.why.startswith("a redirect") or one.status_code in (403, 405)
            same = plain(one) == plain(none)
            if one.status_code != none.status_code or not refused or not same:
                found.append((each.address, method, one.status_code, none.status_code))
    assert found == []


def plain(answer: Any) -> str:
    """Without the ids that are in it, and what is made anew for each page."""
    text = unquote(answer.content.decode() + answer.get("Location", ""))
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)
    return re.sub(r"(/admin/\w+/\w+/)[^/\"?&]+/", r"\1", text)


def test_the_desk_is_for_agents_and_its_figures_for_leads(shop: Shop) -> None:
    for group, desk, figures in (("", 403, 403), ("operator", 403, 403), ("agent", 200, 403), ("agent lead", 200, 200)):
        client = staff(group)
        assert (client.get("/desk/").status_code, client.get("/desk/metrics/").status_code) == (desk, figures), group


def marks_in(answer: Any) -> list[str]:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    text = body.decode(errors="replace") + str(dict(answer.headers))
    return [mark for mark in MARKS if mark in text]
