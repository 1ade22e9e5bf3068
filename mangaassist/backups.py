"""The whole database in one file, and back: PostgreSQL's custom format (pg_dump), or SQLite's own file.

Everything that must last is in the database, but for the secret key and the files of DATA_DIR (docs/deployment.md).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import redis as redis_client
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

from mangaassist import embedded
from mangaassist.redis import sync_client

# A table that every database of ours has.
_SIGN = "django_migrations"
# A migration, by its app's label and its name.
_Migration = tuple[str, str]
# So long is waited for somebody's lock. A copy that goes on may take as long as it needs.
LOCK_S = 5.0
# Our restore, in PostgreSQL's list of what runs.
_RESTORING = "mangaassist restore"


class BackupError(Exception):
    """The text is one line that says what to do."""


def back_up(path: Path) -> None:
    """Writes ``path``, for its owner's eyes only; readers and writers go on meanwhile. Raises :class:`BackupError`."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        if path.exists():
            raise BackupError(f"{path} is there already: choose another name.")
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
    try:
        path.open("rb").close()
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}.") from error
    of = _migrations_in_sqlite if connection.vendor == "sqlite" else _migrations_in_postgres
    _refuse_newer(path, of(path))
    try:
        with connection.cursor() as cursor:
            is_empty = not connection.introspection.table_names(cursor)
    except DatabaseError as error:
        raise BackupError(f"The database does not answer: {str(error).strip()}.") from error
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


def _refuse_newer(path: Path, applied: set[_Migration]) -> None:
    disk = MigrationLoader(None).disk_migrations
    known = {*disk, *(replaced for each in disk.values() for replaced in each.replaces)}
    if unknown := [each for each in applied if each not in known]:
        app, name = max(unknown, key=lambda each: each[1])
        raise BackupError(f"{path} is of a newer MangaAssist (which has {app}.{name}): install that version first.")


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
    database = _database()
    if database.exists():
        if path.samefile(database):
            raise BackupError(f"{path} is the database itself.")
        _refuse_open_sqlite(database)
    _copy_sqlite(path, database)


def _refuse_open_sqlite(database: Path) -> None:
    """Refuses where anybody else is connected, even one who rests: only the last one can leave the write-ahead log
    (https://sqlite.org/pragma.html#pragma_journal_mode). The next connection of ours comes back to it.
    """
    try:
        with closing(sqlite3.connect(database, timeout=LOCK_S)) as only:
            only.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        raise BackupError(f"Another process uses {database}: stop it first ({error}).") from error


def _copy_sqlite(from_: Path, to: Path) -> None:
    give_up_at = time.monotonic() + LOCK_S

    def look(status: int, remaining: int, pages: int) -> None:
        """After each try. Left alone, sqlite3 tries without end."""
        if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED} and time.monotonic() > give_up_at:
            raise sqlite3.OperationalError("somebody has locked it")

    try:
        with closing(_open_sqlite(from_)) as source, closing(sqlite3.connect(to, timeout=0)) as target:
            source.backup(target, progress=look)
    except sqlite3.Error as error:
        raise BackupError(f"{from_} cannot be copied to {to}: {error}.") from error


def _migrations_in_sqlite(path: Path) -> set[_Migration]:
    """Of a sound file."""
    try:
        with closing(_open_sqlite(path)) as source:
            applied = set(source.execute(f"SELECT app, name FROM {_SIGN}"))  # noqa: S608  # nosec B608  # our own
            (state,) = source.execute("PRAGMA quick_check").fetchone()
    except sqlite3.Error:
        applied, state = set(), ""
    if not applied or state != "ok":
        raise BackupError(f"{path} is no backup of a MangaAssist on SQLite.")
    return applied


def _open_sqlite(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def _database() -> Path:
    return Path(connection.settings_dict["NAME"])


# --- PostgreSQL


def _dump_postgres(draft: Path) -> None:
    try:
        _run(
            *("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={draft}"),
            *(f"--lock-wait-timeout={LOCK_S:.0f}s", *_where()),
        )
    except BackupError as error:
        if "statement timeout" in str(error):
            raise BackupError("Somebody has locked a table: end that first (pg_stat_activity names it).") from error
        raise


def _load_postgres(path: Path) -> None:
    over, holders = threading.Event(), list[int]()
    watch = threading.Thread(target=_give_up_locked, args=(over, holders))
    watch.start()
    try:
        _run(
            *("pg_restore", "--no-owner", "--no-privileges", "--clean", "--if-exists"),
            *("--single-transaction", "--exit-on-error", *_where(), str(path)),
            PGAPPNAME=_RESTORING,
        )
    except BackupError as error:
        if holders:
            raise BackupError(f"PostgreSQL's process {holders[0]} has locked a table: end it first.") from error
        raise
    finally:
        over.set()
        watch.join()


def _give_up_locked(over: threading.Event, holders: list[int]) -> None:
    """Ends a restore that waits for somebody's lock, and notes whose: pg_restore would wait without end (it takes back
    whatever lock_timeout it is given).
    """
    try:
        while not over.wait(1):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT (pg_blocking_pids(pid))[1], pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = %s AND usename = current_user AND datname = current_database()"
                    " AND wait_event_type = 'Lock' AND clock_timestamp() - query_start > make_interval(secs => %s)",
                    [_RESTORING, LOCK_S],
                )
                holders += [holder for holder, _ in cursor.fetchall()]
    finally:
        connection.close()


def _migrations_in_postgres(path: Path) -> set[_Migration]:
    try:
        rows = _run("pg_restore", "--data-only", f"--table={_SIGN}", "--file=-", str(path)).splitlines()
    except BackupError as error:
        raise BackupError(f"{path} is no backup of a MangaAssist on PostgreSQL ({error})") from error
    start = next((at for at, row in enumerate(rows, 1) if row.startswith(f"COPY public.{_SIGN} (id, app, name,")), None)
    if start is None:
        raise BackupError(f"{path} is no backup of a MangaAssist on PostgreSQL.")
    fields = (row.split("\t") for row in rows[start : rows.index("\\.", start)])
    return {(app, name) for _, app, name, _ in fields}


def _where() -> Sequence[str]:
    """The server and the database, as arguments that pg_dump and pg_restore share."""
    _, *arguments, name = connection.client.settings_to_cmd_args_env(connection.settings_dict, [])[0]
    return [*arguments, f"--dbname={name}"]


def _run(program: str, *arguments: str, **more: str) -> str:
    """What it printed. The password is in its environment (beside ``more``): all users may read arguments."""
    if shutil.which(program) is None:
        raise BackupError(f"{program} is not installed (Debian: postgresql-client).")
    _, variables = connection.client.settings_to_cmd_args_env(connection.settings_dict, [])
    done = subprocess.run(
        [program, *arguments], env=os.environ | (variables or {}) | more, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"]
        raise BackupError(f"{program}: {said[0]}")
    return done.stdout
