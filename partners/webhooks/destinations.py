"""Where a webhook may go: partners choose its address, so it must lead nowhere inside our own network.

An address is https at a public name. The name is resolved by us, each of its addresses is checked, and the connection
goes to the very address that was checked (partners.webhooks.sending): what the name says a moment later is of no use
to anybody. See OWASP, "Server-Side Request Forgery Prevention"; the networks are those of IANA's special-purpose
registries (RFC 6890).
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from django.conf import settings

# Name → its addresses, as text. Raises ``OSError``.
Resolve = Callable[[str], list[str]]

LONGEST_URL = 2048
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_REST = r"(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
# Of JSON Schema as well. A name that ends in letters cannot be read as a number, as 0x7f.1 and 2130706433 can.
URL_PATTERN = rf"^https://({_LABEL}\.)+([a-z]{{2,63}}|xn--[a-z0-9-]{{1,58}}[a-z0-9])(:(443|8443))?{_REST}$"
_URL = re.compile(URL_PATTERN)
_LOOPBACK_URL = re.compile(rf"^https?://(127\.0\.0\.1|\[::1\]|localhost|{_LABEL}(\.{_LABEL})*)(:[0-9]{{1,5}})?{_REST}$")
# Names that mean a place inside of some network (RFC 6761, RFC 6762, RFC 8375, RFC 9476, ICANN's .internal).
_INSIDE = frozenset({"localhost", "local", "internal", "intranet", "lan", "home", "corp", "test", "invalid", "onion"})
_REFUSED_V4 = [
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",  # private
        "100.64.0.0/10",  # carriers' shared space
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, with the clouds' metadata
        "168.63.129.16/32",  # Azure's own
        "192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",  # protocols, documentation
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarks
        "224.0.0.0/4", "240.0.0.0/4",  # multicast, reserved, broadcast
    )
]  # fmt: skip
# All that is global unicast today. Outside of it: loopback, mapped and compatible IPv4, NAT64, unique local,
# link-local, multicast.
_GLOBAL_V6 = ip_network("2000::/3")
_REFUSED_V6 = [
    ip_network(text)
    for text in (
        "2001::/23",  # Teredo, benchmarks, ORCHID
        "2001:db8::/32", "3fff::/20",  # documentation
        "2002::/16",  # 6to4: carries any IPv4 address inside
    )
]  # fmt: skip


class DestinationRefused(ValueError):
    """Says why; for the partner's eyes."""


@dataclass(frozen=True, slots=True)
class Destination:
    host: str
    port: int


def read_url(url: str) -> Destination:
    """Raises :class:`DestinationRefused`."""
    if len(url) > LONGEST_URL:
        raise DestinationRefused(f"must have at most {LONGEST_URL} characters")
    if settings.WEBHOOK_LOOPBACK and _LOOPBACK_URL.fullmatch(url):
        return _parts(url)
    if not _URL.fullmatch(url):
        raise DestinationRefused(
            "must be https:// with a public name in lower case, port 443 or 8443, and no user or fragment"
        )
    found = _parts(url)
    if found.host.rsplit(".", 1)[1] in _INSIDE or found.host.endswith(".home.arpa"):
        raise DestinationRefused("must be a public name")
    return found


def _parts(url: str) -> Destination:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise DestinationRefused("has no port that can be") from error
    if not parts.hostname or len(parts.hostname) > 253:
        raise DestinationRefused("must have a name of at most 253 characters")
    return Destination(parts.hostname, port)


def resolve_name(host: str) -> list[str]:
    """By the system's resolver. Raises ``OSError``."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError("not a name") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def public_addresses(host: str, resolve: Resolve = resolve_name) -> list[str]:
    """Where the name leads now. Raises ``OSError`` when it leads nowhere, and :class:`DestinationRefused` when even one
    of its addresses is none of the public network's."""
    found = resolve(host)
    if not found:
        raise OSError("the name has no address")
    for text in found:
        if not is_public(text):
            # The address stays unsaid: names of our own network are none of a partner's business.
            raise DestinationRefused("leads to an address that is not public")
    return found


def is_public(text: str) -> bool:
    """Loopback as well where WEBHOOK_LOOPBACK says so."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if settings.WEBHOOK_LOOPBACK and address.is_loopback:
        return True
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    return _is_public_v6(address)


def _is_public_v6(address: IPv6Address) -> bool:
    return address.scope_id is None and address in _GLOBAL_V6 and not any(address in network for network in _REFUSED_V6)
