"""Whose connection it is, for limits: never what the client writes itself."""

from __future__ import annotations

from typing import Any

import pytest

from mangaassist.addresses import address_of, read_networks

PROXIES = read_networks(["10.0.0.0/8", "fd00::/8", "127.0.0.1"])

# peer, X-Forwarded-For (one entry per header), the address that counts
SCOPES: list[tuple[str | None, list[str], str]] = [
    ("203.0.113.7", [], "203.0.113.7"),
    # Nobody of ours wrote that.
    ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
    ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
    # The client wrote the first, our proxies the others.
    ("10.0.0.1", ["1.2.3.4, 198.51.100.1"], "198.51.100.1"),
    ("10.0.0.1", ["1.2.3.4, 198.51.100.1, 10.0.0.9"], "198.51.100.1"),
    ("10.0.0.1", ["1.2.3.4", "198.51.100.1"], "198.51.100.1"),
    # Nonsense ends what is believed.
    ("10.0.0.1", ["198.51.100.1, unknown"], "10.0.0.1"),
    ("10.0.0.1", ["198.51.100.1, nonsense, 10.0.0.9"], "10.0.0.9"),
    ("10.0.0.1", [""], "10.0.0.1"),
    ("10.0.0.1", [], "10.0.0.1"),
    # One household has a /64, and may not be many.
    ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
    ("fd00::1", ["2001:db8:1:2:ffff::"], "2001:db8:1:2::/64"),
    ("::ffff:203.0.113.7", [], "203.0.113.7"),
    # A Unix socket: whoever connects there is ours.
    (None, ["1.2.3.4, 198.51.100.1"], "198.51.100.1"),
    (None, [], ""),
]


@pytest.mark.parametrize(("peer", "forwarded", "expected"), SCOPES)
def test_the_address_that_counts(peer: str | None, forwarded: list[str], expected: str) -> None:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope: dict[str, Any] = {"client": (peer, 4711) if peer else None, "headers": headers}
    assert address_of(scope, trusted=PROXIES) == expected
