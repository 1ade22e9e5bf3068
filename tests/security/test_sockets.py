"""Who may open a socket, with which token: one table of origins, one of tokens; and what frames say of others'."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Callable
from typing import Any

import jwt
import orjson
import pytest
from django.core import signing
from django.test import AsyncClient

from chat.models import Conversation
from chat.tokens import Claims, Shopper, issue_token
from escalation.models import Handoff
from mangaassist.access.sessions import sign_out_everywhere
from mangaassist.dbthreads import in_database
from tests.escalation.desk import Desk
from tests.escalation.people import agent
from tests.journeys.shopper import Socket, token
from tests.security.entrances import CHAT_FRAMES, DESK_FRAMES
from tests.security.world import MARK, held_by
from tests.shop.catalogue import lay_small_catalogue

EMBEDDER = "https://www.shop.example"
IDENTITY_KEY = "an-identity-key-of-at-least-32-bytes"


@pytest.fixture(autouse=True)
def shop(transactional_db: None, settings: Any) -> None:
    settings.WIDGET_ALLOWED_ORIGINS = [EMBEDDER]
    settings.WIDGET_IDENTITY_KEY = IDENTITY_KEY
    lay_small_catalogue()


# --- Origins: (the page's, may it chat, may it open the desk) -------------------------------------------------------

ORIGINS = [
    ("http://testserver", True, True),
    (EMBEDDER, True, False),
    # No browser: it sends no cookie of somebody else's.
    (None, True, True),
    ("null", False, False),
    ("", True, True),
    ("https://evil.example", False, False),
    ("https://testserver", False, False),
    ("http://testserver:81", False, False),
    ("http://testserver.evil.example", False, False),
    ("http://eviltestserver", False, False),
    ("http://testserver/", False, False),
    ("http://TESTSERVER", False, False),
    ("http://www.shop.example", False, False),
    ("https://www.shop.example:8443", False, False),
    ("https://shop.example", False, False),
    ("https://www.shop.example.evil.example", False, False),
    ("http://testserver, https://evil.example", False, False),
]


@pytest.mark.parametrize(("origin", "may_chat", "may_open_desk"), ORIGINS)
async def test_which_pages_may_open_which_socket(origin: str | None, may_chat: bool, may_open_desk: bool) -> None:
    async with Socket(origin=origin) as socket:
        if may_chat:
            assert (await socket.hello(token()))["type"] == "ready"
        else:
            error, closed = await socket.closed_with()
            assert (error and error["code"], closed) == ("forbidden", 4403)
    async with Desk(await in_database(agent), origin=origin or None) as desk:
        if may_open_desk:
            assert (await desk.next("state"))["me"]["name"] == "Aiko"
        else:
            refused, closed = await desk.closed_with()
            assert (refused and refused["code"], closed) == ("forbidden", 4403)


# --- Tokens ---------------------------------------------------------------------------------------------------------


async def begun(session_id: str = "alice", customer_id: str = "") -> str:
    """The id of a conversation of theirs."""
    async with Socket() as socket:
        ready = await socket.hello(token(session_id=session_id, customer_id=customer_id))
    return str(ready["conversation_id"])


def tampered(good: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> str:
    """The same signature over other claims, as django.core.signing packs them."""
    body, *signed = good.split(":")
    claims = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    changed = base64.urlsafe_b64encode(orjson.dumps(change(claims))).rstrip(b"=").decode()
    return ":".join([changed, *signed])


def unsigned_jwt(claims: dict[str, Any]) -> str:
    """Without a signature (RFC 7519, section 6)."""
    return jwt.encode(claims, "", algorithm="none")


def expired(settings: Any) -> str:
    old = token()
    settings.WIDGET_TOKEN_TTL_S = -1
    return old


FORGED: dict[str, Callable[[Any], str]] = {
    "expired": expired,
    "of nobody": lambda settings: "",
    "no token": lambda settings: "a.b.c",
    "of another purpose": lambda settings: signing.dumps({"s": "alice", "c": "", "t": "", "v": "", "x": {}}, salt="x"),
    "of another key": lambda settings: signing.dumps({"s": "alice"}, key="x" * 50, salt="mangaassist.shopper"),
    "another customer": lambda settings: tampered(token(), lambda claims: claims | {"c": "alice"}),
    "another conversation": lambda settings: tampered(token(), lambda claims: claims | {"v": str(uuid.uuid4())}),
    "without signature": lambda settings: token().rpartition(":")[0],
    "an empty signature": lambda settings: token().rpartition(":")[0] + ":",
    "a signature of another token": lambda settings: ":".join(
        [token(customer_id="alice").split(":")[0], *token().split(":")[1:]]
    ),
    "a later time": lambda settings: ":".join([token().split(":")[0], "zzzzzz", token().split(":")[2]]),
    "a JWT with alg none": lambda settings: unsigned_jwt({"s": "alice", "c": "alice", "t": "", "v": "", "x": {}}),
    "an identity instead": lambda settings: jwt.encode(
        {"sub": "alice", "exp": time.time() + 60}, IDENTITY_KEY, algorithm="HS256"
    ),
    "a value of another type": lambda settings: signing.dumps(["alice"], salt="mangaassist.shopper"),
    "very long": lambda settings: "x" * 50_000,
}


@pytest.mark.parametrize("how", FORGED)
async def test_a_token_that_is_not_ours_or_not_of_today_opens_nothing(how: str, settings: Any) -> None:
    forged = FORGED[how](settings)
    async with Socket() as socket:
        await socket.send(type="hello", v=1, token=forged)
        error, closed = await socket.closed_with()
        assert closed == 4401
        assert error is not None
        assert "alice" not in str(error)


REPLAYED: dict[str, dict[str, str]] = {
    "of another guest": {"session_id": "mallory"},
    "of another customer": {"session_id": "mallory", "customer_id": "mallory"},
    "of a customer who knows the session's id": {"session_id": "alice", "customer_id": "mallory"},
    "of the same browser, signed out": {"session_id": "alice"},
}


@pytest.mark.parametrize("how", REPLAYED)
async def test_a_good_token_opens_no_conversation_of_others(how: str) -> None:
    theirs = await begun("alice", "alice")
    told = []
    for wanted in (theirs, str(uuid.uuid4())):
        async with Socket() as socket:
            await socket.send(type="hello", v=1, token=token(**REPLAYED[how]), conversation_id=wanted)
            told.append(await socket.closed_with())
    assert told[0] == told[1]
    assert told[0][1] == 4403
    # A token that names it, which we would never sign for them, begins a conversation of their own.
    async with Socket() as socket:
        ready = await socket.hello(token(**REPLAYED[how], conversation_id=theirs))
        assert (ready["conversation_id"] == theirs, ready["messages"]) == (False, [])


async def test_a_partners_conversation_opens_with_its_own_token_only() -> None:
    theirs = Claims(shopper=Shopper(session_id="s", customer_id="alice", tenant="partner-1"), conversation_id="")
    async with Socket() as socket:
        named = str((await socket.hello(issue_token(theirs)))["conversation_id"])
    others = [
        Shopper(session_id="s", customer_id="alice"),
        Shopper(session_id="s", customer_id="alice", tenant="partner-2"),
    ]
    for other in others:
        async with Socket() as socket:
            await socket.send(type="hello", v=1, token=issue_token(Claims(shopper=other)), conversation_id=named)
            assert (await socket.closed_with())[1] == 4403


async def test_the_token_of_an_erased_conversation_begins_another() -> None:
    erased = await begun()
    await Conversation.objects.filter(pk=erased).adelete()
    async with Socket() as socket:
        ready = await socket.hello(token(session_id="alice", conversation_id=erased))
        assert ready["conversation_id"] != erased
    async with Socket() as socket:
        await socket.send(type="hello", v=1, token=token(session_id="alice"), conversation_id=erased)
        assert (await socket.closed_with())[1] == 4403


async def new_token(client: AsyncClient, **body: str) -> str:
    answer = await client.post("/widget/v1/token", orjson.dumps(body), content_type="application/json")
    assert answer.status_code == 200, answer.content
    return str(answer.json()["token"])


@pytest.mark.parametrize("later", ["signed out", "in as somebody else"])
async def test_after_signing_out_the_next_token_is_a_strangers(later: str, settings: Any) -> None:
    """A token itself lives for a quarter of an hour at most; what it is renewed into knows nothing of the customer."""
    client = AsyncClient()
    last = issue_token(Claims(shopper=Shopper(session_id="s", customer_id="demo-ben")))
    async with Socket() as socket:
        theirs = str((await socket.hello(last))["conversation_id"])
    last = issue_token(Claims(shopper=Shopper(session_id="s", customer_id="demo-ben"), conversation_id=theirs))
    if later == "in as somebody else":
        identity = jwt.encode({"sub": "demo-leo", "exp": time.time() + 60}, IDENTITY_KEY, algorithm="HS256")
        renewed = await new_token(client, previous=last, identity=identity)
    else:
        renewed = await new_token(client, previous=last)
    async with Socket() as socket:
        ready = await socket.hello(renewed)
        assert ready["conversation_id"] != theirs
        assert ready["messages"] == []
    assert settings.WIDGET_TOKEN_TTL_S <= 900


@pytest.mark.parametrize(
    "identity",
    [
        unsigned_jwt({"sub": "alice", "exp": time.time() + 3600}),
        jwt.encode({"sub": "alice", "exp": time.time() + 3600}, "x" * 40, algorithm="HS256"),
        jwt.encode({"sub": "alice", "exp": time.time() - 1}, IDENTITY_KEY, algorithm="HS256"),
        jwt.encode({"sub": "alice"}, IDENTITY_KEY, algorithm="HS256"),
        jwt.encode({"sub": "alice", "exp": time.time() + 3600}, IDENTITY_KEY * 2, algorithm="HS512"),
    ],
    ids=["alg none", "another key", "expired", "for ever", "another algorithm"],
)
async def test_an_identity_that_the_shop_did_not_sign_names_nobody(identity: str) -> None:
    answer = await AsyncClient().post(
        "/widget/v1/token", orjson.dumps({"identity": identity}), content_type="application/json"
    )
    assert answer.status_code == 400
    assert "alice" not in answer.content.decode()


async def test_an_agents_socket_ends_with_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("escalation.consumers.SIGN_OF_LIFE_S", 0.05)
    aiko = await in_database(agent)
    async with Desk(aiko) as desk:
        await desk.next("state")
        await in_database(sign_out_everywhere, await _user(aiko.user_id))
        assert (await desk.closed_with())[1] == 4401
    async with Desk(None) as stranger:
        assert (await stranger.closed_with())[1] == 4401


async def _user(pk: Any) -> Any:
    from django.contrib.auth.models import User

    return await User.objects.aget(pk=pk)


# --- Frames that name somebody else's -------------------------------------------------------------------------------


async def test_what_a_frame_names_of_anothers_is_not_there() -> None:
    """Each frame with an id, of another conversation's and of nothing: the same answer."""
    async with Socket() as alice:
        theirs = (await alice.hello(token(session_id="alice")))["conversation_id"]
        answer = await alice.answer("how much is Berserk volume 1?")
        await alice.send(type="handoff", client_msg_id=str(uuid.uuid4()), reason="x")
        await alice.next("handoff_state")
    handoff = str((await Handoff.objects.aget(conversation_id=theirs)).pk)
    card = answer["cards"][0]["card_id"]
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        "stop.turn_id": (answer["turn_id"], {"type": "stop"}),
        "action.message_id": (answer["message_id"], {"type": "action", "action": "add_to_cart", "card_id": card}),
        "action.handoff_id": (handoff, {"type": "action", "action": "rate_handoff", "csat": 1}),
        "feedback.message_id": (answer["message_id"], {"type": "feedback", "rating": "down"}),
    }
    named = {f"{kind}.{field}" for kind, fields in CHAT_FRAMES.items() for field in fields if kind != "hello"}
    assert set(asked) == named
    async with Socket() as mallory:
        await mallory.hello(token(session_id="mallory"))
        for name, (id, frame) in asked.items():
            told = []
            for wanted in (id, str(uuid.uuid4())):
                client_msg_id = str(uuid.uuid4())
                about = {name.partition(".")[2]: wanted, "client_msg_id": client_msg_id}
                await mallory.send(**frame | about)
                error = await mallory.receive_error()
                told.append(str(error).replace(wanted, "").replace(client_msg_id, ""))
            assert told[0] == told[1], name
    # A hello that goes on where another's conversation was: nothing of it is sent.
    async with Socket() as mallory:
        resume = {"after_message_id": answer["message_id"], "turn_id": answer["turn_id"], "after_seq": 0}
        ready = await mallory.hello(token(session_id="mallory"), resume=resume)
        assert (ready["messages"], ready["active_turn"]) == ([], None)
        await mallory.send(type="ping", t=1)
        assert (await mallory.next("pong"))["t"] == 1
    assert not await Conversation.objects.filter(pk=theirs, feedback__isnull=False).aexists()


async def test_an_agent_gets_nothing_of_what_a_colleague_has() -> None:
    """Colleagues know of each other who has what (docs/security.md); what was said is between two."""
    aiko, bea = await in_database(agent, "aiko"), await in_database(agent, "bea")
    id = await in_database(held_by, aiko)
    more: dict[str, dict[str, Any]] = {
        "assign": {"to": bea.user_id}, "transfer": {"to": bea.user_id}, "close": {"reason": "resolved"},
        "say": {"text": "x"}, "note": {"text": "x"}, "email": {"text": "x"}, "types": {"active": True},
        "find": {"what": "orders"},
    }  # fmt: skip
    before = await Handoff.objects.filter(pk=id).values().aget()
    async with Desk(bea) as desk:
        await desk.next("state")
        for kind, fields in DESK_FRAMES.items():
            if "id" not in fields:
                continue
            told = await desk.ask(kind, id=id, **more.get(kind, {}))
            unknown = await desk.ask(kind, id=str(uuid.uuid4()), **more.get(kind, {}))
            if kind != "types":  # Typing for nobody is no deed.
                assert (told["type"], unknown["type"]) == ("refused", "refused"), (kind, told, unknown)
        assert MARK not in str(desk.frames)
    assert await Handoff.objects.filter(pk=id).values().aget() == before
    async with Desk(aiko) as desk:
        assert MARK in str(await desk.do("look", id=id))
