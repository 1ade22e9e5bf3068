"""Data folders as a first start leaves them, or with the tests' small catalogue: prepared once for all test processes of
a run, copied for each shop.

The first one to ask prepares (and learns); whoever asks meanwhile waits for it.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

from tests.learned import share_with

ROOT = Path(__file__).resolve().parent.parent
Kind = Literal["empty", "demo", "small"]
SMALL_CATALOGUE = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.shop.catalogue import load_small_catalogue
load_small_catalogue()
"""
# Where they lie: the workers of a run inherit it from the process that starts them.
VARIABLE = "FURNISHED_FOLDERS"
# What belongs to one running shop.
NOT_COPIED = shutil.ignore_patterns("lock", "prepared.json", "*.sock")


def furnish(data_dir: Path, *, demo: bool) -> None:
    """Makes ``data_dir`` what it is after the first start, with the demo shop or without."""
    shutil.copytree(
        _folder("demo" if demo else "empty"), data_dir, symlinks=True, ignore=NOT_COPIED, dirs_exist_ok=True
    )


def lay_database(path: Path) -> None:
    """An SQLite database with all tables and the operator."""
    shutil.copy(_folder("empty") / "mangaassist.sqlite3", path)


def stock(data_dir: Path) -> None:
    """Makes ``data_dir`` a shop with the small catalogue of the tests."""
    shutil.copytree(_folder("small"), data_dir, symlinks=True, ignore=NOT_COPIED, dirs_exist_ok=True)


def folders() -> Path:
    """Made at the first call, and gone with this process."""
    if VARIABLE not in os.environ:
        os.environ[VARIABLE] = tempfile.mkdtemp(prefix="ma-test-furnished-")
        atexit.register(shutil.rmtree, os.environ[VARIABLE], ignore_errors=True)
    return Path(os.environ[VARIABLE])


def _folder(kind: Kind) -> Path:
    folder = folders() / kind
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            draft = folder.with_suffix(".draft")
            shutil.rmtree(draft, ignore_errors=True)
            share_with(draft)
            if kind == "small":
                _run(draft, "-c", SMALL_CATALOGUE)
            else:
                _run(draft, "manage.py", "demo", "--prepare", DEMO=str(int(kind == "demo")))
            draft.rename(folder)
    return folder


def _run(data_dir: Path, *command: str, **environment: str) -> None:
    from mangaassist.embedded import PrivateRedis

    redis = PrivateRedis(data_dir)
    redis.start()
    try:
        outside = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
        subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=outside | {"DATA_DIR": str(data_dir)} | environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    finally:
        redis.stop()
