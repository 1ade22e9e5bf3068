"""The real server on loopback, in this process, so that it shares the test's database."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mangaassist.server import Server, configuration


@contextmanager
def live_server() -> Iterator[str]:
    """→ its address, such as http://127.0.0.1:4711."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = configuration("127.0.0.1", 0)
        config.loop = "asyncio"
        server = Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)
