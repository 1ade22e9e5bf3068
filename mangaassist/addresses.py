"""The network address that a limit counts by: what nobody can choose freely."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Network = IPv4Network | IPv6Network
# Who has an IPv6 address has all of its /64.
_IPV6_PREFIX = 64


def address_of(scope: Any, *, trusted: Collection[Network]) -> str:
    """Whose connection an ASGI scope is; empty when nobody says (a Unix socket without a proxy's word).

    ``X-Forwarded-For`` is believed only as far as proxies of ours wrote it: from its end, up to the first address
    that is no trusted proxy's. What stands before came from the client.
    """
    peer = _read((scope.get("client") or ("",))[0])
    if peer is not None and not _in(peer, trusted):
        return _counted(peer)
    said = b",".join(value for name, value in scope.get("headers", ()) if name.lower() == b"x-forwarded-for")
    for entry in reversed(said.decode("latin-1").split(",")):
        hop = _read(entry.strip())
        if hop is None:
            break
        peer = hop
        if not _in(hop, trusted):
            break
    return _counted(peer) if peer is not None else ""


def read_networks(words: Collection[str]) -> list[Network]:
    """Addresses and networks as typed (``10.0.0.0/8``, ``127.0.0.1``). Raises ``ValueError``."""
    return [ip_network(word, strict=False) for word in words]


def lies_in(address: str, networks: Collection[Network]) -> bool:
    """False for what is no address."""
    read = _read(address)
    return read is not None and _in(read, networks)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _in(address: IPv4Address | IPv6Address, networks: Collection[Network]) -> bool:
    return any(address in network for network in networks)


def _counted(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((address, _IPV6_PREFIX), strict=False))
