"""The only maker of boto3 clients. Backends call it; nothing else imports boto3.

botocore's own ``AWS_*`` environment (``AWS_ENDPOINT_URL_<SERVICE>`` included) works as it does everywhere.

A backend puts a breaker in front of its client (``breaker.call(…, failures=FAILURES, counts=is_unwell)``) and tells its
callers what went wrong with :func:`in_words`. On the hot path it asks in a bounded executor of its own; workers ask in
the task's thread, of which a topic has one (mangaassist/outbox/lanes.py).
"""

from __future__ import annotations

import threading
from typing import Any, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from mangaassist.concealing import conceal

Path = Literal["hot", "worker"]

# Hot path: Personalize usually answers in about 200 ms; 600 ms is late, with no time for a second try.
_CONFIGS: dict[Path, Config] = {
    "hot": Config(
        connect_timeout=0.2,
        read_timeout=0.6,
        retries={"total_max_attempts": 1},
        max_pool_connections=64,
        tcp_keepalive=True,
    ),
    # The outbox tries again anyway: a service that is gone is to be noticed, not waited for.
    "worker": Config(
        connect_timeout=2,
        read_timeout=10,
        retries={"total_max_attempts": 3, "mode": "standard"},
        tcp_keepalive=True,
    ),
}
_lock = threading.Lock()

FAILURES: tuple[type[Exception], ...] = (BotoCoreError, ClientError)
_UNWELL_STATUS = {401, 403, 429}
_UNWELL_CODE = (
    *("throttl", "throughput", "slowdown", "toomanyrequests", "requestlimit", "limitexceeded"),
    # Services that speak JSON tell of credentials and keys with HTTP 400.
    *("accessdenied", "expiredtoken", "unrecognizedclient", "invalidclienttoken", "signature", "kms"),
)
_MISSING_CODE = ("resourcenotfound", "nonexistentqueue", "queuedoesnotexist")
LONGEST_MESSAGE = 300


def client(service: str, path: Path, *, region: str = "", **overrides: Any) -> Any:
    """A new boto3 client (130-190 ms: keep it). ``path`` picks time-outs and retries.

    ``overrides`` are ``botocore.config.Config`` fields on top, for instance ``read_timeout=5``.
    """
    config = _CONFIGS[path].merge(Config(**overrides)) if overrides else _CONFIGS[path]
    # boto3's default session is not safe to create from two threads at once.
    with _lock:
        return boto3.client(service, region_name=region or None, config=config)


def is_unwell(error: BaseException) -> bool:
    """Whether the service, the network or our credentials fail, and not this one request."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = code_of(error).lower()
        return status >= 500 or status in _UNWELL_STATUS or any(part in code for part in _UNWELL_CODE)
    return not isinstance(error, ParamValidationError)


def is_outage(error: BaseException) -> bool:
    """Whether nothing can be written, whatever it is: all is unwell, or the queue, stream or table is not there."""
    if isinstance(error, ClientError) and any(part in code_of(error).lower() for part in _MISSING_CODE):
        return True
    return is_unwell(error)


def in_words(error: BaseException) -> str:
    """For people: the code and the message, without the credentials that a service may quote in it."""
    if isinstance(error, ClientError):
        message = str(error.response.get("Error", {}).get("Message", ""))
        return conceal(f"{code_of(error)}: {message}")[:LONGEST_MESSAGE]
    return conceal(f"{type(error).__name__}: {error}")[:LONGEST_MESSAGE]


def code_of(error: ClientError) -> str:
    """Such as ``ThrottlingException``."""
    return str(error.response.get("Error", {}).get("Code", "")) or "ClientError"
