"""The real server on loopback, in this process, so that it shares the test's database; and the documents' commands run against it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

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


def outputs_of(commands: Sequence[list[str]], secret: str, folder: Path) -> list[str]:
    """What commands of the documents say, run in ``folder`` with ``SHOP`` and ``KEY`` of a live shop."""
    with live_server() as address:
        return [
            subprocess.run(
                command,
                cwd=folder,
                env=os.environ | {"SHOP": address, "KEY": secret},
                capture_output=True,
                text=True,
                timeout=120,
                check=True,
            ).stdout
            for command in commands
        ]
