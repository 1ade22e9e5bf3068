"""Signatures of Standard Webhooks 1.0 (https://www.standardwebhooks.com, "Signature scheme").

``webhook-signature`` holds ``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body``, once for each secret in
force, with a space between. A secret is ``whsec_`` and the base64 of 32 bytes.

No secret is stored: it is made of SECRET_KEY and of a salt in the database, so that neither alone signs anything.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

from django.utils.crypto import salted_hmac

PREFIX = "whsec_"


def new_salt() -> str:
    return secrets.token_hex(16)


def secret_of(salt: str) -> str:
    """What the partner knows."""
    return PREFIX + base64.b64encode(_key(salt)).decode()


def fingerprint_of(salt: str) -> str:
    """By which it is known whether SECRET_KEY is still the one that the partner's secret was made with."""
    return hashlib.sha256(_key(salt)).hexdigest()[:16]


def signature(salts: Iterable[str], id: str, timestamp: int, body: bytes) -> str:
    """``timestamp``: seconds since the epoch. One signature for each secret."""
    content = b".".join((id.encode(), str(timestamp).encode(), body))
    made = (hmac.new(_key(salt), content, hashlib.sha256).digest() for salt in salts)
    return " ".join(f"v1,{base64.b64encode(each).decode()}" for each in made)


def _key(salt: str) -> bytes:
    return salted_hmac("partners.webhooks", salt, algorithm="sha256").digest()
