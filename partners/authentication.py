"""Who asks: an API key in ``Authorization: Bearer ma_…``, from where, how often, and what it may do."""

from __future__ import annotations

import ipaddress

from django.http import HttpRequest
from ninja.security import HttpBearer

from partners.keyring import admit
from partners.models import ApiKey, KeySecret
from partners.problems import Problem


class KeyAuth(HttpBearer):
    """A key of the shop's, made in the admin or with `create_api_key`."""

    async def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        admitted = await admit(token)
        if admitted is None:
            return None
        key, usage = admitted
        request.partner_usage = usage  # type: ignore[attr-defined]
        request.partner_key = key  # type: ignore[attr-defined]
        _check_sender(request, key)
        if wait_s := usage.wait_s:
            raise Problem(429, "too-many", "This key's quota is used up for now.", retry_after_s=wait_s)
        return key


def _check_sender(request: HttpRequest, key: ApiKey) -> None:
    origin = request.headers.get("Origin")
    if origin is not None and key.allowed_origins and origin not in key.allowed_origins:
        raise Problem(403, "forbidden", "This key may not be used by pages of this origin.")
    if key.allowed_networks and not is_inside(request.META.get("REMOTE_ADDR", ""), key.allowed_networks):
        raise Problem(403, "forbidden", "This key may not be used from this address.")


def is_inside(address: str, networks: list[str]) -> bool:
    """Behind a trusted proxy (TRUSTED_PROXIES) the server has put the client's own address here."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    # A socket for both families tells an IPv4 client as ::ffff:192.0.2.1.
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(parsed in ipaddress.ip_network(network) for network in networks)


def authorized(request: HttpRequest, scope: str) -> ApiKey:
    key: ApiKey = request.auth  # type: ignore[attr-defined]
    if not key.allows(scope):
        raise Problem(403, "forbidden", f"This key lacks the scope {scope}.")
    return key


def check_again(request: HttpRequest, scope: str) -> None:
    """Sync: the secret as it is now, for a request that took so long that it may have been revoked meanwhile.

    Raises :class:`Problem`: 401, 403.
    """
    secret = KeySecret.objects.find(request.headers.get("Authorization", "").rpartition(" ")[2])
    if secret is None:
        raise Problem(401, "unauthorized", "The key is not in force any more.")
    if not secret.key.allows(scope):
        raise Problem(403, "forbidden", f"This key lacks the scope {scope}.")
