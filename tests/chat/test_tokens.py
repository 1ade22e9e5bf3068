"""Who a shopper is from one token to the next."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from chat.tokens import Claims, Shopper, TokenRefused, issue_token, read_identity, read_token, renew

KEY = "a-shared-secret-of-at-least-32-bytes"


def token(customer_id: str = "", tenant: str = "") -> str:
    shopper = Shopper(session_id="session", customer_id=customer_id, tenant=tenant)
    return issue_token(Claims(shopper=shopper, conversation_id="conversation"))


@pytest.mark.parametrize(
    ("previous", "customer_id", "keeps"),
    [
        (token(), "", True),  # the guest comes back
        (token(), "alice", True),  # the guest signs in
        (token("alice"), "alice", True),  # the customer comes back
        (token("alice"), "", False),  # signed out
        (token("alice"), "bob", False),  # somebody else
        (token(tenant="partner"), "", False),  # a partner's shopper is no guest of ours
        ("forged", "", False),
        ("", "", False),
    ],
)
def test_a_conversation_follows_its_owner_and_nobody_else(previous: str, customer_id: str, keeps: bool) -> None:
    claims = renew(previous, customer_id=customer_id, context={})
    assert claims.shopper.customer_id == customer_id
    assert (claims.conversation_id == "conversation") is keeps
    assert (claims.shopper.session_id == "session") is keeps


def test_an_expired_token_still_tells_who_the_guest_was(settings: Any) -> None:
    old = token()
    settings.WIDGET_TOKEN_TTL_S = -1
    with pytest.raises(TokenRefused):
        read_token(old)
    assert renew(old, customer_id="", context={}).conversation_id == "conversation"


@pytest.mark.parametrize(
    ("claims", "key"),
    [
        ({"sub": "alice"}, KEY),
        ({"exp": time.time() + 60}, KEY),
        ({"sub": "alice", "exp": time.time() - 60}, KEY),
        ({"sub": "", "exp": time.time() + 60}, KEY),
        ({"sub": "x" * 129, "exp": time.time() + 60}, KEY),
        ({"sub": "alice", "exp": time.time() + 60}, "another-secret-that-is-also-long-enough"),
    ],
)
def test_a_bad_identity_is_refused(settings: Any, claims: dict[str, Any], key: str) -> None:
    settings.WIDGET_IDENTITY_KEY = KEY
    with pytest.raises(TokenRefused):
        read_identity(jwt.encode(claims, key, algorithm="HS256"))


def test_a_good_identity_names_the_customer(settings: Any) -> None:
    settings.WIDGET_IDENTITY_KEY = KEY
    assert read_identity(jwt.encode({"sub": "alice", "exp": time.time() + 60}, KEY, algorithm="HS256")) == "alice"
