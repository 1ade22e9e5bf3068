"""One POST to a partner's receiver, that can neither be led astray nor kept: see partners.webhooks.destinations.

No redirects, no proxies, no cookies, no connection that is used again; certificates are verified against the name.
One deadline for all of it, from the name to the answer, however slowly the bytes drip.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpcore
from django.conf import settings

from partners.webhooks.destinations import DestinationRefused, Resolve, public_addresses, read_url, resolve_name

# Only the status counts; so much of a body is read, so that a polite receiver can end its sentence.
MOST_READ = 64 * 1024
_FAILURES = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, ssl.SSLError, OSError)


@dataclass(frozen=True, slots=True)
class Answer:
    """``status``: of HTTP; None when none came. ``error``: empty when it is taken. ``retry_after_s``: if it asks."""

    status: int | None
    error: str
    retry_after_s: int | None = None

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def _default_context() -> ssl.SSLContext:
    return httpcore.default_ssl_context()


@dataclass(frozen=True)
class Sender:
    """Thread-safe. ``resolve`` and ``context``: of the system, and the authorities that browsers trust."""

    resolve: Resolve = resolve_name
    context: ssl.SSLContext = field(default_factory=_default_context)

    def post(self, url: str, headers: Mapping[bytes | str, bytes | str], body: bytes) -> Answer:
        """Never raises for what the receiver does or its address is."""
        backend = _Guarded(self.resolve, time.monotonic() + settings.WEBHOOK_TIMEOUT_S)
        try:
            read_url(url)
            with (
                httpcore.ConnectionPool(ssl_context=self.context, network_backend=backend, retries=0) as pool,
                pool.stream(
                    "POST", url, headers=headers, content=body, extensions={"timeout": backend.timeouts()}
                ) as response,
            ):
                _read_a_little(response)
                return _answer(response)
        except DestinationRefused as refusal:
            return Answer(None, f"The address {refusal}.")
        except httpcore.TimeoutException:
            return Answer(None, f"No answer within {settings.WEBHOOK_TIMEOUT_S:g} seconds.")
        except _FAILURES as error:
            return Answer(None, f"{type(error).__name__}: {error}"[:200])


def _read_a_little(response: httpcore.Response) -> None:
    """The status has come: whatever follows it, or does not, changes nothing."""
    read = 0
    try:
        for chunk in response.iter_stream():
            read += len(chunk)
            if read >= MOST_READ:
                return
    except _FAILURES:
        return


def _answer(response: httpcore.Response) -> Answer:
    status = response.status
    if 200 <= status < 300:
        return Answer(status, "")
    if 300 <= status < 400:
        return Answer(status, f"{status}: redirects are not followed.")
    asked = {name.lower(): value for name, value in response.headers}.get(b"retry-after", b"")
    retry_after_s = int(asked) if asked.isdigit() and len(asked) < 7 else None
    return Answer(status, f"The receiver answered {status}.", retry_after_s)


class _Guarded(httpcore.NetworkBackend):
    """Connects to checked addresses only, before the deadline (of ``time.monotonic()``) only."""

    def __init__(self, resolve: Resolve, deadline: float) -> None:
        self._resolve = resolve
        self._deadline = deadline
        self._system = httpcore.SyncBackend()

    def timeouts(self) -> dict[str, float]:
        left = self.left()
        return {"connect": left, "read": left, "write": left, "pool": left}

    def left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = public_addresses(host, self._resolve)
        for last, address in enumerate(addresses, start=1 - len(addresses)):
            try:
                # Half of the time each, so that one dead address does not hide a living one.
                left = self.left() if last == 0 else self.left() / 2
                return _Timed(self._system.connect_tcp(address, port, left, None, socket_options), self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if last == 0:
                    raise
        raise OSError("the name has no address")

    def connect_unix_socket(self, path: str, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        raise httpcore.ConnectError("no place for a webhook")

    def sleep(self, seconds: float) -> None:
        raise httpcore.ConnectError("nothing is tried twice here")


class _Timed(httpcore.NetworkStream):
    """A stream whose every step has only what is left of the whole."""

    def __init__(self, stream: httpcore.NetworkStream, backend: _Guarded) -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._backend.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._backend.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, self._backend.left()), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
