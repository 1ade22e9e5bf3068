"""The web server: uvicorn, which on SIGTERM lets the running turns finish before it closes their sockets.

``python -m mangaassist.server [--host H] [--port N | --fd N]``. ``--fd`` is a listening socket of the parent's.
With a bad setting it prints a line per fault and exits with status 78 (EX_CONFIG): to start it again is no use.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
import time
from collections.abc import Sequence
from importlib import import_module

import django
import uvicorn
from django.core.checks import run_checks
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from mangaassist.loading import without_collecting

# Seconds that running turns get to finish, then open connections to close.
DRAIN_S = 20
CLOSE_S = 20
# What a closed socket's peer gets to take the rest, and to say goodbye itself.
LINGER_S = 12.0
# How often uvicorn looks around.
TICK_S = 0.1
# How long a thread may keep the interpreter when another one wants it, seconds. With Python's own 5 ms each of the ten
# statements of a question waits that long for the turns beside it.
SWITCH_S = 0.0005
# Above the protocol's own limit of 64 KiB, so that the application answers first.
LARGEST_FRAME = 131_072


class SocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn closes a connection when all that waits is sent: a peer that takes nothing would keep it for ever."""

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        # The transport is closing; what the peer has not taken by then, it does not want.
        self.loop.call_later(LINGER_S, self.transport.abort)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()


class Server(uvicorn.Server):
    """uvicorn itself would close every socket 20 ms after SIGTERM and lose the turns' tasks."""

    _ticked_at = 0.0

    async def on_tick(self, counter: int) -> bool:
        from mangaassist.instruments import loop_lag_seconds

        now = time.monotonic()
        if self._ticked_at:
            loop_lag_seconds.observe(max(0.0, now - self._ticked_at - TICK_S))
        self._ticked_at = now
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        from knowledge.watching import help_watch

        await super().startup(sockets)
        help_watch().begin()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        from chat.draining import drain
        from knowledge.watching import help_watch

        help_watch().end()
        for server in self.servers:
            server.close()
        await drain(DRAIN_S)
        await super().shutdown(sockets)


def configuration(host: str, port: int) -> uvicorn.Config:
    """What was measured to be best for many idle sockets and streamed turns."""
    from django.conf import settings

    return uvicorn.Config(
        "mangaassist.asgi:application",
        host=host,
        port=port,
        ws=SocketProtocol,
        ws_per_message_deflate=False,
        ws_max_size=LARGEST_FRAME,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        timeout_graceful_shutdown=CLOSE_S,
        loop="uvloop",
        lifespan="off",
        # Whose X-Forwarded-For is believed: REMOTE_ADDR is then the client's own address everywhere.
        forwarded_allow_ips=[str(network) for network in settings.TRUSTED_PROXIES],
        log_config=None,  # Django's LOGGING holds
        access_log=False,
        server_header=False,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m mangaassist.server", description=__doc__.split("\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--fd", type=int, help="a listening socket inherited from the parent")
    options = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mangaassist.settings")
    with without_collecting():
        django.setup()
        faults = [str(each) for each in run_checks() if each.is_serious()]
        if faults:
            print(*faults, sep="\n", file=sys.stderr)
            sys.exit(os.EX_CONFIG)
        import_module("mangaassist.asgi")
    from chat.warm import warm_in_background
    from mangaassist.observing import observe

    observe("web", listens=False)
    warm_in_background()
    sys.setswitchinterval(SWITCH_S)
    server = Server(configuration(options.host, options.port))
    server.run([socket.socket(fileno=options.fd)] if options.fd is not None else None)


if __name__ == "__main__":
    main()
