"""Signatures, judged by the arithmetic of the specification and not by our own code."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from partners.webhooks.signing import fingerprint_of, new_salt, secret_of, signature


def test_it_is_hmac_sha256_of_id_timestamp_and_body() -> None:
    salt, body = new_salt(), b'{"test": 2432232314}'
    key = base64.b64decode(secret_of(salt).removeprefix("whsec_"))
    mac = hmac.new(key, b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330." + body, hashlib.sha256).digest()
    made = signature([salt], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == "v1," + base64.b64encode(mac).decode()


def test_a_secret_is_32_bytes_and_every_salt_has_its_own() -> None:
    first, second = secret_of(new_salt()), secret_of(new_salt())
    assert first != second
    assert first.startswith("whsec_")
    # The specification asks for 24 to 64 bytes.
    assert len(base64.b64decode(first.removeprefix("whsec_"), validate=True)) == 32


def test_each_secret_in_force_signs() -> None:
    old, new = new_salt(), new_salt()
    one, two = signature([new, old], "m", 1, b"{}").split(" ")
    assert (one, two) == (signature([new], "m", 1, b"{}"), signature([old], "m", 1, b"{}"))


def test_the_database_alone_signs_nothing(settings: Any) -> None:
    salt = new_salt()
    secret, fingerprint = secret_of(salt), fingerprint_of(salt)
    settings.SECRET_KEY = "another-key-than-the-one-it-was-made-with"
    assert secret_of(salt) != secret
    assert fingerprint_of(salt) != fingerprint
