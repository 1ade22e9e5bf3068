"""Whether what `make run` prepares stands already: then a later start need not load Django to look. Imports no Django.

The preparation leaves ``DATA_DIR/prepared.json`` behind: what it printed, and a fingerprint of all that it depends
on. That is our code and data files, the Python and Django that run them, the settings' variables, and in the
database the applied migrations and the superusers. Whatever differs, it is done again.
"""

from __future__ import annotations

import compileall
import contextlib
import hashlib
import json
import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from mangaassist import environment

BASE_DIR = Path(__file__).resolve().parent.parent
# Not what a running shop is made of.
_ELSEWHERE = {"tests", "bench"}
_CODE = (".py", ".toml", ".gz", ".mo")
_TOLD_BY_THE_DATABASE = (
    "SELECT app, name FROM django_migrations ORDER BY app, name",
    "SELECT username, password FROM auth_user WHERE is_superuser ORDER BY username",
)


def remember(data_dir: Path, database: Path, *, said: Sequence[str], needs: Iterable[Path]) -> None:
    """After a preparation: ``said`` is to be said at every start; without a file of ``needs`` it is done again."""
    # The supervisor gives its processes DATA_DIR whether it was set or not.
    names = sorted(environment.asked.keys() - {"DATA_DIR"})
    record = {
        "database": str(database),
        "names": names,
        "needs": [str(path) for path in needs],
        "said": list(said),
        "fingerprint": fingerprint(data_dir, database, names),
    }
    path = data_dir / "prepared.json"
    draft = path.with_suffix(f".{os.getpid()}")
    # The operator's password is in it: for its owner's eyes only, from the first byte on.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(record, file)
    draft.replace(path)


def forget(data_dir: Path) -> None:
    """Before a preparation, which may be interrupted."""
    (data_dir / "prepared.json").unlink(missing_ok=True)


def recall(data_dir: Path) -> list[str] | None:
    """What is to be said when everything stands; None when it must be prepared (again)."""
    try:
        record = json.loads((data_dir / "prepared.json").read_text())
        found = fingerprint(data_dir, Path(record["database"]), record["names"])
        stands = found == record["fingerprint"] and all(map(os.path.exists, record["needs"]))
        return [str(line) for line in record["said"]] if stands else None
    except (OSError, ValueError, KeyError, TypeError, sqlite3.Error):
        return None


def compile_code() -> None:
    """Where Python writes no bytecode on its own account, every process of every start would compile all of our code.

    Goes to the ``__pycache__`` folders in which pip has put that of the libraries; a folder that cannot be written to
    is left alone.
    """
    if sys.dont_write_bytecode:
        for folder in _packages():
            compileall.compile_dir(folder, quiet=2)


def fingerprint(data_dir: Path, database: Path, names: Iterable[str]) -> str:
    """Of what stands there. ``names``: the settings' variables. Raises ``OSError``, and ``sqlite3.Error`` where
    there is no database of ours.
    """
    digest = hashlib.sha256()
    for part in _parts(data_dir, database, names):
        digest.update(repr(part).encode() + b"\n")
    return digest.hexdigest()


def _parts(data_dir: Path, database: Path, names: Iterable[str]) -> Iterator[object]:
    # The folder as well: a copy of it has a database of its own.
    yield str(data_dir), sys.version, sys.prefix
    yield from ((name, environment.text(name)) for name in names)
    django = find_spec("django")
    for path in _code([Path(django.origin)] if django and django.origin else []):
        state = path.stat()
        yield str(path), state.st_size, state.st_mtime_ns
    # "rw" and not "ro": after a crash SQLite must be let bring its log in. Neither makes a file.
    with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)) as connection:
        for query in _TOLD_BY_THE_DATABASE:
            yield connection.execute(query).fetchall()


def _code(more: Iterable[Path]) -> Iterator[Path]:
    yield BASE_DIR / "requirements.txt"
    yield from more
    for package in _packages():
        for folder, folders, files in os.walk(package):
            folders[:] = sorted(each for each in folders if each != "__pycache__")
            yield from (Path(folder, name) for name in sorted(files) if name.endswith(_CODE))


def _packages() -> list[Path]:
    return sorted(path.parent for path in BASE_DIR.glob("*/__init__.py") if path.parent.name not in _ELSEWHERE)
