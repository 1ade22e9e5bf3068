"""`manage.py backup` and `restore` with what they cannot do: one line that says why, status 1, and nothing is lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from tests.furnished import furnish
from tests.learned import share_with
from tests.mangaassist.loaded import Ended, Loaded
from tests.mangaassist.postgres import postgres

pytestmark = pytest.mark.process

NEWER = "INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '9999_next_year', '2030-01-01')"
# Root may do everything, unless it gives that up (setpriv and prlimit: util-linux).
AS_ANYBODY = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.getuid() == 0 else []
# What has nothing to do with the kind of database, and what only a file can suffer.
with_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True, scope="module")


@dataclass
class Database:
    url: str
    data_dir: Path
    # By the command that they are started with.
    loaded: dict[tuple[str, ...], Loaded] = field(default_factory=dict)

    def connect(self) -> AbstractContextManager[sqlite3.Connection | psycopg.Connection]:
        """As somebody else: without transactions of its own."""
        if self.is_sqlite:
            return closing(sqlite3.connect(self.file, isolation_level=None))
        return psycopg.connect(self.url, autocommit=True)

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    @property
    def file(self) -> Path:
        return Path(self.url.removeprefix("sqlite:///"))

    def applied(self) -> list[tuple[str, ...]]:
        with self.connect() as connection:
            return list(connection.execute("SELECT app, name FROM django_migrations ORDER BY id").fetchall())

    def manage(self, *arguments: str, prefix: list[str] | None = None) -> str:
        """What it said, without ``CommandError``; empty when all was well."""
        started_with = tuple(prefix or ())
        if started_with not in self.loaded:
            self.loaded[started_with] = Loaded(self._environment(), started_with)
        return said(self.loaded[started_with].manage(*arguments))

    def manage_alone(self, *arguments: str, prefix: list[str] | None = None, **environment: str) -> str:
        """The same by ``manage.py`` itself."""
        done = subprocess.run(
            [*(prefix or []), sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env=self._environment() | environment,
            check=False,
            capture_output=True,
            text=True,
        )
        return said(Ended(done.returncode, done.stdout, done.stderr))

    def _environment(self) -> dict[str, str]:
        return os.environ | {"DATABASE_URL": self.url, "DATA_DIR": str(self.data_dir), "DEMO": "0"}

    def stop(self) -> None:
        for each in self.loaded.values():
            each.stop()


def said(done: Ended) -> str:
    if not done.returncode:
        return ""
    assert done.returncode == 1
    line, *more = done.stderr.splitlines()
    assert not more
    return line.removeprefix("CommandError: ")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    data_dir = tmp_path_factory.mktemp("data")
    if request.param == "sqlite":
        furnish(data_dir)
        made = Database(f"sqlite:///{data_dir / 'mangaassist.sqlite3'}", data_dir)
        yield made
        made.stop()
    else:
        share_with(data_dir)
        with postgres() as url:
            made = Database(url, data_dir)
            yield made
            made.stop()


@pytest.fixture(scope="module")
def backup(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backups") / "monday"
    assert database.manage("backup", str(path)) == ""
    return path


@pytest.fixture
def unharmed(database: Database) -> Iterator[None]:
    before = database.applied()
    yield
    assert database.applied() == before


# --- What is no backup


def nothing(database: Database, backup: Path, path: Path) -> None:
    pass


def a_folder(database: Database, backup: Path, path: Path) -> None:
    path.mkdir()


def text(database: Database, backup: Path, path: Path) -> None:
    path.write_text("-- SQL\n")


def an_empty_file(database: Database, backup: Path, path: Path) -> None:
    path.touch()


def another_programs(database: Database, backup: Path, path: Path) -> None:
    if database.is_sqlite:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE moz_places (id)")
    else:
        subprocess.run(["pg_dump", "-Fc", "-t", "chat_message", f"--file={path}", database.url], check=True)


def one_cut_off(database: Database, backup: Path, path: Path) -> None:
    path.write_bytes(backup.read_bytes()[:-5000])


def one_of_a_newer_version(database: Database, backup: Path, path: Path) -> None:
    with database.connect() as connection:
        connection.execute(NEWER)
        assert database.manage("backup", str(path)) == ""
        connection.execute("DELETE FROM django_migrations WHERE name = '9999_next_year'")


def one_nobody_may_read(database: Database, backup: Path, path: Path) -> None:
    path.write_bytes(backup.read_bytes())
    path.chmod(0)


@pytest.fixture
def offered(database: Database, backup: Path, tmp_path: Path, make: Callable[[Database, Path, Path], None]) -> Path:
    """The file that ``make`` made of a good backup."""
    path = tmp_path / "file"
    make(database, backup, path)
    return path


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (an_empty_file, "is no backup of a MangaAssist on"),
        (text, "is no backup of a MangaAssist on"),
        (another_programs, "is no backup of a MangaAssist on"),
        (one_cut_off, ""),
        (one_of_a_newer_version, "is of a newer MangaAssist (which has shop.9999_next_year): install that version"),
    ],
)
@pytest.mark.usefixtures("unharmed")
def test_what_is_no_backup_is_not_restored(database: Database, offered: Path, says: str) -> None:
    said = database.manage("restore", "--replace", str(offered))
    assert said
    assert says in said


@with_sqlite
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (nothing, "cannot be read: No such file or directory."),
        (a_folder, "cannot be read: Is a directory."),
        (one_nobody_may_read, "cannot be read: Permission denied."),
    ],
)
@pytest.mark.usefixtures("unharmed")
def test_what_cannot_be_read_is_not_restored(database: Database, offered: Path, says: str) -> None:
    assert says in database.manage("restore", "--replace", str(offered), prefix=AS_ANYBODY)


# --- A database that cannot give way


@contextmanager
def somebody_rests(database: Database) -> Iterator[str]:
    with database.connect() as other:
        other.execute("SELECT count(*) FROM django_migrations").fetchone()
        yield "Another process uses" if database.is_sqlite else "1 other connections to the database"


@contextmanager
def somebody_writes(database: Database) -> Iterator[str]:
    """In PostgreSQL a user whom nobody asks to stop, as one of a monitor would be: only its lock shows."""
    if database.is_sqlite:
        with database.connect() as other:
            other.execute("BEGIN IMMEDIATE")
            yield "locked"
            other.execute("ROLLBACK")
        return
    with database.connect() as owner:
        owner.execute("CREATE ROLE monitor LOGIN SUPERUSER")
    try:
        with psycopg.connect(database.url.replace("shop@", "monitor@")) as other:
            other.execute("LOCK TABLE django_migrations IN ACCESS SHARE MODE")
            yield f"PostgreSQL's process {other.info.backend_pid} has locked a table: end it first."
            other.rollback()
    finally:
        with database.connect() as owner:
            owner.execute("DROP ROLE monitor")


@contextmanager
def somebody_has_locked_it_without_a_log(database: Database) -> Iterator[str]:
    """The lock of SQLite's older kind, which only the copy itself meets."""
    with database.connect() as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN IMMEDIATE")
        yield "locked"
        other.execute("ROLLBACK")


@contextmanager
def it_is_not_sound(database: Database) -> Iterator[str]:
    with database.connect() as other:
        other.execute("PRAGMA journal_mode = DELETE")
    kept = database.file.read_bytes()
    database.file.write_bytes(b"no database" * 1000)
    yield "The database does not answer: file is not a database."
    database.file.write_bytes(kept)


@pytest.mark.parametrize("state", [somebody_rests, somebody_writes])
@pytest.mark.usefixtures("unharmed")
def test_a_database_in_use_is_not_replaced(
    database: Database, backup: Path, state: Callable[[Database], AbstractContextManager[str]]
) -> None:
    with state(database) as says:
        assert says in database.manage("restore", "--replace", str(backup))


@with_sqlite
@pytest.mark.parametrize("state", [somebody_has_locked_it_without_a_log, it_is_not_sound])
@pytest.mark.usefixtures("unharmed")
def test_a_file_that_cannot_be_written_now_stays(
    database: Database, backup: Path, state: Callable[[Database], AbstractContextManager[str]]
) -> None:
    with state(database) as says:
        assert says in database.manage("restore", "--replace", str(backup))


@with_sqlite
@pytest.mark.usefixtures("unharmed")
def test_a_database_is_not_restored_from_itself(database: Database) -> None:
    assert "is the database itself" in database.manage("restore", "--replace", str(database.file))


@pytest.mark.usefixtures("unharmed")
def test_who_may_not_write_the_database_does_not(database: Database, backup: Path) -> None:
    if database.is_sqlite:
        database.data_dir.chmod(0o500)
        database.file.chmod(0o400)
        try:
            answer = database.manage("restore", "--replace", str(backup), prefix=AS_ANYBODY)
        finally:
            database.data_dir.chmod(0o700)
            database.file.chmod(0o600)
    else:
        with database.connect() as owner:
            owner.execute("CREATE ROLE reader LOGIN IN ROLE pg_read_all_data")
            answer = database.manage_alone(
                "restore", "--replace", str(backup), DATABASE_URL=database.url.replace("shop@", "reader@")
            )
            owner.execute("DROP ROLE reader")
    assert "readonly" in answer or "must be owner" in answer


# --- Places where no backup can be written, and what cannot be backed up


@with_sqlite
def test_a_place_where_nothing_can_be_written_is_named_and_nothing_is_left(
    database: Database, backup: Path, tmp_path: Path
) -> None:
    kept = backup.read_bytes()
    locked = tmp_path / "locked"
    locked.mkdir(0o500)
    for path, says in (
        (backup, "is there already: choose another name."),
        (tmp_path, "is there already: choose another name."),
        (tmp_path / "nowhere" / "x", "cannot be written: No such file or directory."),
        (backup / "x", "cannot be written: Not a directory."),
        (locked / "x", "cannot be written: Permission denied."),
    ):
        assert says in database.manage("backup", str(path), prefix=AS_ANYBODY)
    assert backup.read_bytes() == kept
    assert list(tmp_path.rglob("*")) == [locked]


def test_a_disk_that_fills_leaves_no_half_backup(database: Database, tmp_path: Path) -> None:
    assert database.manage_alone("backup", str(tmp_path / "x"), prefix=["prlimit", "--fsize=50000"])
    assert not list(tmp_path.iterdir())


def test_a_database_that_is_not_there_is_not_backed_up(database: Database, tmp_path: Path) -> None:
    assert database.manage_alone("backup", str(tmp_path / "x"), DATABASE_URL=f"{database.url}-of-another")
    assert not list(tmp_path.iterdir())


def test_a_database_that_nobody_else_may_read_is_not_waited_for(database: Database, tmp_path: Path) -> None:
    with database.connect() as other:
        if database.is_sqlite:
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
            other.execute("BEGIN EXCLUSIVE")
        else:
            other.execute("BEGIN")
            other.execute("LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE")
        assert "lock" in database.manage("backup", str(tmp_path / "x"))
        other.execute("ROLLBACK")
    assert not list(tmp_path.iterdir())
