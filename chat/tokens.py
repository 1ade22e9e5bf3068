"""Who a shopper is: short signed tokens, renewed while the page is open.

A token says which guest session, which signed-in customer (proved by the shop's own JWT or by our session),
which conversation, and which page. It is no secret store: it is signed, not encrypted.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import Any

import jwt
from django.conf import settings
from django.core import signing

_SALT = "mangaassist.shopper"


class TokenRefused(Exception):
    """The token or identity is malformed, forged or too old; the text may be shown to a developer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shopper:
    """``customer_id`` is empty for guests; ``tenant`` names the partner that vouches for them, if one does."""

    session_id: str
    customer_id: str = ""
    tenant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token carries. ``context`` is a validated page context (chat.context)."""

    shopper: Shopper
    conversation_id: str = ""
    context: dict[str, Any] = field(default_factory=dict)


def new_session_id() -> str:
    return secrets.token_urlsafe(16)


def issue_token(claims: Claims) -> str:
    return signing.dumps(
        {
            "s": claims.shopper.session_id,
            "c": claims.shopper.customer_id,
            "t": claims.shopper.tenant,
            "v": claims.conversation_id,
            "x": claims.context,
        },
        salt=_SALT,
    )


def read_token(token: str, *, max_age_s: int | None = None) -> Claims:
    """Raises :class:`TokenRefused`. Default age limit: ``settings.WIDGET_TOKEN_TTL_S``."""
    try:
        body = signing.loads(token, salt=_SALT, max_age=max_age_s or settings.WIDGET_TOKEN_TTL_S)
        return Claims(
            shopper=Shopper(session_id=body["s"], customer_id=body["c"], tenant=body["t"]),
            conversation_id=body["v"],
            context=body["x"],
        )
    except signing.SignatureExpired as error:
        raise TokenRefused("The token has expired.") from error
    except (signing.BadSignature, KeyError, TypeError, ValueError) as error:
        raise TokenRefused("The token is not valid.") from error


def read_identity(token: str) -> str:
    """The customer id (``sub``) of a JWT that the shop signed with ``WIDGET_IDENTITY_KEY`` (HS256, RFC 7519)."""
    if not settings.WIDGET_IDENTITY_KEY:
        raise TokenRefused("Identity tokens are not configured.")
    try:
        claims = jwt.decode(
            token, settings.WIDGET_IDENTITY_KEY, algorithms=["HS256"], options={"require": ["sub", "exp"]}
        )
    except jwt.PyJWTError as error:
        raise TokenRefused(f"The identity token is not valid: {error}.") from error
    customer_id = claims["sub"]
    if not isinstance(customer_id, str) or not 0 < len(customer_id) <= 128:
        raise TokenRefused("The identity token's sub must be 1 to 128 characters.")
    return customer_id


def renew(previous: str, *, customer_id: str, context: dict[str, Any], guest_id: str = "") -> Claims:
    """The claims of the next token: a guest keeps session and conversation, also through signing in.

    Signing out, or in as somebody else, starts afresh: the last customer's conversation stays theirs.
    ``guest_id``: how our own pages know this guest already.
    """
    fresh = Claims(shopper=Shopper(session_id=guest_id or new_session_id(), customer_id=customer_id), context=context)
    try:
        last = read_token(previous, max_age_s=settings.WIDGET_TOKEN_RENEWAL_S)
    except TokenRefused:
        return fresh
    if last.shopper.tenant or (last.shopper.customer_id and last.shopper.customer_id != customer_id):
        return fresh
    return replace(last, shopper=replace(last.shopper, customer_id=customer_id), context=context)
