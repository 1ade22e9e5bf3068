"""Typed reading of environment variables for mangaassist/settings/.

A bad value never raises here: it is remembered in ``faults`` and the default is used, so that one start shows
every fault at once (mangaassist/checks.py turns them into system-check errors).
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mangaassist.addresses import Network, read_networks

faults: list[str] = []


@dataclass(frozen=True, slots=True)
class Variable:
    """What may be written, in words, and what holds when nothing is."""

    kind: str
    default: str


# All variables that were read, by name.
asked: dict[str, Variable] = {}


def read_file(path: Path) -> None:
    """Variables of a ``.env`` file (``NAME=value`` lines, ``#`` comments); what is already set stays."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    for number, line in enumerate(lines, start=1):
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if not name or name.startswith("#"):
            continue
        if not separator or not name.strip().isidentifier():
            faults.append(f"{path.name}, line {number}: not NAME=value.")
            continue
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        os.environ.setdefault(name.strip(), value)


def text(name: str, default: str = "", *, kind: str = "text", shown: str = "") -> str:
    """``kind`` and ``shown`` (the default, where it is none of text) are for the reference of all variables."""
    known = asked.get(name)
    # Some are read at two places: who knows more about it is right.
    if known is None or (known.kind == "text" and not known.default):
        asked[name] = Variable(kind, shown or default)
    return os.environ.get(name, "").strip() or default


def password_in(name: str) -> str:
    """The password of an address, as it is used; empty when there is none, or none that can be read."""
    try:
        return unquote(urlsplit(text(name)).password or "")
    except ValueError:
        return ""


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name, default, kind="list, by commas").split(",") if word.strip()]


def networks(name: str) -> list[Network]:
    """A comma-separated list of addresses and networks."""
    text(name, kind="addresses and networks, by commas")
    try:
        return read_networks(words(name))
    except ValueError as error:
        faults.append(f"{name} must be addresses or networks such as 10.0.0.0/8: {error}.")
        return []


# Loopback, private use (RFC 1918), and the same of IPv6 (RFC 4193).
PRIVATE_NETWORKS = read_networks(["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1", "fc00::/7"])


def endpoint(name: str) -> str:
    """An http(s) address, or empty. It may hold a key, hence a fault does not quote it."""
    value = text(name, kind="http(s) address")
    try:
        parts = urlsplit(value)
        readable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        readable = False
    if value and not readable:
        faults.append(f"{name} must look like https://host:port/.")
        return ""
    return value


def is_installed(module: str) -> bool:
    """Without loading it."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def boolean(name: str, default: bool) -> bool:
    value = text(name, kind="0 or 1", shown=str(int(default))).lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    faults.append(f"{name}={value!r} is not a yes or no (use 1 or 0).")
    return default


def number(name: str, default: float, *, low: float, high: float) -> float:
    value = text(name, kind=f"number, {low:.15g} to {high:.15g}", shown=f"{default:.15g}")
    if not value:
        return default
    try:
        parsed = float(value)
    except ValueError:
        faults.append(f"{name}={value!r} is not a number.")
        return default
    if not low <= parsed <= high:
        faults.append(f"{name}={value} must be between {low:g} and {high:g}.")
        return default
    return parsed


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name, default, kind=" or ".join(f"`{each}`" for each in allowed))
    if value not in allowed:
        faults.append(f"{name}={value!r} is unknown; choose one of {', '.join(allowed)}.")
        return default
    return value


def zone(name: str, default: str) -> str:
    """A time zone by its IANA name."""
    value = text(name, default, kind="time zone")
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        faults.append(f"{name}={value!r} is no time zone: write it like Asia/Tokyo.")
        return default
    return value


# Whose first words are taken by other pages.
_TAKEN = frozenset(
    "account api cart chat covers desk favicon.ico healthz help i18n metrics products readyz search series sign-in "
    "sign-out static widget ws".split()
)


def room_path(name: str, default: str) -> str:
    """A path of our own pages such as ``admin/`` or ``back/room/``: no slash before it, one behind it."""
    value = text(name, default, kind="path").strip("/")
    if not re.fullmatch(r"[A-Za-z0-9_\-]+(?:/[A-Za-z0-9_\-]+)*", value):
        faults.append(f"{name} must be a path of letters, digits, - and _, such as back-office/.")
        return default
    if value.partition("/")[0] in _TAKEN:
        faults.append(f"{name}={value!r} is taken by other pages: choose another first word.")
        return default
    return f"{value}/"


def options(name: str) -> dict[str, Any]:
    """A JSON object, for ``<ROLE>_OPTIONS``."""
    value = text(name, kind="JSON object")
    if not value:
        return {}
    try:
        parsed = json.loads(value)
    except json.JSONDecodeError as error:
        faults.append(f"{name} is not JSON: {error}.")
        return {}
    if not isinstance(parsed, dict):
        faults.append(f"{name} must be a JSON object.")
        return {}
    return parsed


REDIS_DATABASES = ("cache", "broker", "channels", "streams")


def redis_urls(base: str) -> dict[str, str]:
    """One URL per Redis database from ``REDIS_URL``: the cache takes its database, the others the next three.

    ``REDIS_BROKER_URL``, ``REDIS_CHANNELS_URL`` and ``REDIS_STREAMS_URL`` give one of them a server of its own.
    """
    urls = {name: _redis_url("REDIS_URL", base, offset) for offset, name in enumerate(REDIS_DATABASES)}
    for name in REDIS_DATABASES[1:]:
        own = text(f"REDIS_{name.upper()}_URL")
        if own:
            urls[name] = _redis_url(f"REDIS_{name.upper()}_URL", own, 0)
    return urls


BROKER_SCHEMES = ("redis", "rediss", "redis+socket", "sqs")


def broker_url(default: str) -> str:
    """``CELERY_BROKER_URL`` in Celery's spelling: Redis, or ``sqs://`` for Amazon SQS.

    Keys have no place in it: AWS' libraries find them themselves, and an address is logged.
    """
    url = text("CELERY_BROKER_URL")
    if not url:
        return default
    url = celery_url(url)
    try:
        parts = urlsplit(url)
        readable = parts.scheme in BROKER_SCHEMES and parts.port != 0
    except ValueError:  # a port that is no number
        readable = False
    if not readable or (parts.scheme in {"redis", "rediss"} and not parts.hostname):
        faults.append("CELERY_BROKER_URL must look like redis://host:6379/1, rediss://…, unix:///path?db=1 or sqs://.")
        return default
    if parts.scheme == "sqs" and (parts.netloc or parts.path or parts.query):
        faults.append(
            "CELERY_BROKER_URL must be sqs:// and no more: AWS' libraries find keys and addresses themselves "
            "(AWS_ENDPOINT_URL_SQS for another one)."
        )
        return default
    return url


def celery_url(redis_url: str) -> str:
    """The same server in Celery's spelling."""
    if not redis_url.startswith("unix:"):
        return redis_url
    path, _, database = redis_url.removeprefix("unix://").partition("?db=")
    return f"redis+socket://{path}?virtual_host={database}"


def _redis_url(variable: str, base: str, offset: int) -> str:
    """``base`` with its database moved on by ``offset``."""
    try:
        parts = urlsplit(base)
        first = parse_qs(parts.query).get("db", ["0"])[0] if parts.scheme == "unix" else parts.path.strip("/")
        database = int(first or 0) + offset
        readable = parts.scheme in {"redis", "rediss", "unix"} and parts.port != 0
    except ValueError:  # a database or a port that is no number
        readable = False
    if not readable:
        fault = f"{variable} must look like redis://host:6379/0, rediss://… or unix:///path?db=0."
        if fault not in faults:
            faults.append(fault)
        return f"redis://127.0.0.1:6379/{offset}"
    if parts.scheme == "unix":
        return f"unix://{parts.path}?db={database}"
    return urlunsplit(parts._replace(path=f"/{database}"))
