"""Where one MangaAssist runs, as its supervisor needs to know it. Imports no Django, so that it starts at once.

Reads ``HOST``, ``PORT``, ``DATA_DIR``, ``DATABASE_URL``, ``REDIS_URL``, ``METRICS_PORT``, the profile, and which
backends take what comes from outside.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from mangaassist import environment

BASE_DIR = Path(__file__).resolve().parent.parent


class CannotStart(Exception):
    """The text is one line that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """A process that takes what comes from outside: ``manage.py consume TOPIC``.

    ``role``: the variable that names the backend; ``aws``: its value in the aws profile. In the embedded profile
    nothing comes from outside. The process is needed ``only`` for these backends, or for all ``unless`` it is one of
    those; and where a variable names its ``queue``, only when that or the backend's option ``queue_option`` is set.
    """

    topic: str
    role: str
    aws: str
    only: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    queue: str = ""
    queue_option: str = ""

    def is_needed(self, *, aws: bool) -> bool:
        backend = environment.text(self.role, self.aws if aws else "")
        if not backend or not self._has_queue():
            return False
        backend = SHORT_NAMES.get(backend, backend)
        return backend in self.only if self.only else backend not in self.unless

    def _has_queue(self) -> bool:
        if not self.queue or environment.text(self.queue):
            return True
        return bool(self.queue_option and environment.options(f"{self.role}_OPTIONS").get(self.queue_option))


# Backends may be given by their dotted paths; those that matter here (mangaassist/settings/roles.py has all).
SHORT_NAMES = {
    "mangaassist.outbox.backends.database.DatabaseQueue": "database",
    "mangaassist.outbox.backends.database_stream.DatabaseStream": "database",
    "knowledge.backends.s3.S3Source": "s3",
    "escalation.backends.connect.Connect": "connect",
}


CONSUMERS = (
    Consumer(topic="feedback", role="FEEDBACK_QUEUE", aws="sqs", unless=("database",)),
    Consumer(topic="reindex", role="REINDEX_STREAM", aws="kinesis", unless=("database",)),
    Consumer(
        topic="knowledge-events",
        role="KNOWLEDGE_SOURCE",
        aws="s3",
        only=("s3",),
        queue="KNOWLEDGE_EVENTS_QUEUE_URL",
        queue_option="events_queue_url",
    ),
    Consumer(
        topic="handoff-events", role="HANDOFF", aws="connect", only=("connect",), queue="CONNECT_EVENTS_QUEUE_URL"
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where one MangaAssist runs."""

    host: str
    port: int
    data_dir: Path
    private_redis: bool
    # SQLite's file; None: another database.
    database: Path | None = None
    # What comes from outside, each with a process of its own.
    consumed: tuple[str, ...] = ()
    # The first of those on which processes without a web server answer /metrics; 0: they do not.
    metrics_port: int = 0

    @classmethod
    def from_environment(cls) -> Site:
        """Raises :class:`CannotStart`."""
        port = int(environment.number("PORT", 8000, low=1, high=65535))
        metrics_port = int(environment.number("METRICS_PORT", 0, low=0, high=65_000))
        if environment.faults:
            raise CannotStart(" ".join(environment.faults))
        aws = environment.text("MANGAASSIST_PROFILE") == "aws"
        data_dir = Path(environment.text("DATA_DIR", str(BASE_DIR / "var"))).resolve()
        return cls(
            host=environment.text("HOST", "127.0.0.1"),
            port=port,
            data_dir=data_dir,
            private_redis=not environment.text("REDIS_URL"),
            database=_sqlite_file(environment.text("DATABASE_URL"), data_dir),
            consumed=tuple(each.topic for each in CONSUMERS if each.is_needed(aws=aws)),
            metrics_port=metrics_port,
        )

    def metrics_port_of(self, program: str) -> int:
        """The worker's is the first; 0 for what has none."""
        listening = ("worker", "batch", "beat", *self.consumed)
        return self.metrics_port + listening.index(program) if self.metrics_port and program in listening else 0

    @property
    def reachable_host(self) -> str:
        """A host that answers on this machine: every-address hosts are for listening only."""
        return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  # nosec B104  # not listened on

    @property
    def url(self) -> str:
        host = f"[{self.reachable_host}]" if ":" in self.reachable_host else self.reachable_host
        return f"http://{host}:{self.port}/"

    def listen(self) -> socket.socket:
        """The listening socket. It is the supervisor's, so that a shopper waits, not fails, while web restarts."""
        try:
            family, *_, address = socket.getaddrinfo(
                self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            return socket.create_server(address[:2], family=family, backlog=2048)
        except OSError as error:
            # socket.create_server() adds the address to strerror, which the line has already.
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            raise CannotStart(
                f"Cannot listen on {self.host} port {self.port} ({reason}): "
                f"stop the program that uses it, or choose another port: PORT={self.port + 1} make run"
            ) from error


def _sqlite_file(database_url: str, data_dir: Path) -> Path | None:
    if not database_url:
        return data_dir / "mangaassist.sqlite3"
    scheme, _, path = database_url.partition(":///")
    return BASE_DIR / unquote(path.partition("?")[0]) if scheme == "sqlite" else None
