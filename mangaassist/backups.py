"""The whole database in one file, and back: PostgreSQL's custom format (pg_dump), or SQLite's own file.

Everything that must last is in the database, but for the secret key and the files of DATA_DIR (docs/deployment.md).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import redis as redis_client
from django.conf import settings
from django.db import OperationalError, connection

from mangaassist import embedded
from mangaassist.redis import sync_client

# A table that every database of ours has.
_SIGN = "django_migrations"


class BackupError(Exception):
    """The text is one line that says what to do."""


def back_up(path: Path) -> None:
    """Writes ``path``, for its owner's eyes only; readers and writers go on meanwhile. Raises :class:`BackupError`."""
    if path.exists():
        raise BackupError(f"{path} is there already: choose another name.")
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror}.") from error
    try:
        if connection.vendor == "sqlite":
            _dump_sqlite(draft)
        else:
            _dump_postgres(draft)
        # Whole, or not there.
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def restore(path: Path, *, replace: bool = False) -> None:
    """Makes the database what it was; all or nothing of it. What the caches know is forgotten.

    ``replace``: also where the database has tables already. No other process of ours may run.
    Raises :class:`BackupError`.
    """
    if not path.is_file():
        raise BackupError(f"There is no file {path}.")
    check = _check_sqlite if connection.vendor == "sqlite" else _check_postgres
    check(path)
    try:
        with connection.cursor() as cursor:
            is_empty = not connection.introspection.table_names(cursor)
    except OperationalError as error:
        raise BackupError(f"The database does not answer: {error}") from error
    if not (replace or is_empty):
        raise BackupError("The database is not empty: with --replace all that is in it gives way to the backup.")
    with _nobody_else():
        if connection.vendor == "sqlite":
            _load_sqlite(path)
        else:
            _load_postgres(path)
        # Rebuilt from the database. What lies there may be younger than the backup.
        try:
            sync_client("cache").flushdb()
        except redis_client.RedisError as error:
            raise BackupError(
                "The database is restored, but Redis does not answer: empty it (FLUSHALL) before the first start."
            ) from error


@contextmanager
def _nobody_else() -> Iterator[None]:
    """Refuses beside running processes; starts the private Redis where there is one."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user"
                " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            (others,) = cursor.fetchone()
        if others:
            raise BackupError(f"{others} other connections to the database: stop web, workers, beat, consumers.")
    connection.close()
    if not settings.PRIVATE_REDIS:
        yield
        return
    redis = embedded.PrivateRedis(Path(settings.DATA_DIR))
    try:
        redis.start()
    except embedded.DataDirInUse as error:
        raise BackupError(f"MangaAssist runs in {settings.DATA_DIR}: stop it first.") from error
    except embedded.RedisUnavailable as error:
        raise BackupError(str(error)) from error
    try:
        yield
    finally:
        redis.stop()


# --- SQLite: its online backup (https://sqlite.org/backup.html)


def _dump_sqlite(draft: Path) -> None:
    _copy_sqlite(_database(), draft)
    # One file and no others beside it, whoever reads it.
    with closing(sqlite3.connect(draft)) as copy:
        copy.execute("PRAGMA journal_mode = DELETE")


def _load_sqlite(path: Path) -> None:
    _copy_sqlite(path, _database())


def _copy_sqlite(from_: Path, to: Path) -> None:
    try:
        with closing(_open_sqlite(from_)) as source, closing(sqlite3.connect(to)) as target:
            source.backup(target)
    except sqlite3.Error as error:
        raise BackupError(f"{from_} cannot be copied to {to}: {error}.") from error


def _check_sqlite(path: Path) -> None:
    try:
        with closing(_open_sqlite(path)) as source:
            (found,) = source.execute("SELECT count(*) FROM sqlite_master WHERE name = ?", [_SIGN]).fetchone()
            (state,) = source.execute("PRAGMA quick_check").fetchone()
    except sqlite3.Error:
        found, state = 0, ""
    if not found or state != "ok":
        raise BackupError(f"{path} is no backup of a MangaAssist on SQLite.")


def _open_sqlite(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def _database() -> Path:
    return Path(connection.settings_dict["NAME"])


# --- PostgreSQL


def _dump_postgres(draft: Path) -> None:
    _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={draft}", *_where())


def _load_postgres(path: Path) -> None:
    _run(
        *("pg_restore", "--no-owner", "--no-privileges", "--clean", "--if-exists"),
        *("--single-transaction", "--exit-on-error", *_where(), str(path)),
    )


def _check_postgres(path: Path) -> None:
    try:
        contents = _run("pg_restore", "--list", str(path))
    except BackupError as error:
        raise BackupError(f"{path} is no backup of a MangaAssist on PostgreSQL ({error})") from error
    if f"TABLE DATA public {_SIGN} " not in contents:
        raise BackupError(f"{path} is no backup of a MangaAssist on PostgreSQL.")


def _where() -> Sequence[str]:
    """The server and the database, as arguments that pg_dump and pg_restore share."""
    _, *arguments, name = connection.client.settings_to_cmd_args_env(connection.settings_dict, [])[0]
    return [*arguments, f"--dbname={name}"]


def _run(program: str, *arguments: str) -> str:
    """What it printed. The password is in its environment: every user of the machine may read arguments."""
    if shutil.which(program) is None:
        raise BackupError(f"{program} is not installed (Debian: postgresql-client).")
    _, variables = connection.client.settings_to_cmd_args_env(connection.settings_dict, [])
    done = subprocess.run(
        [program, *arguments], env=os.environ | (variables or {}), capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"]
        raise BackupError(f"{program}: {said[0]}")
    return done.stdout
