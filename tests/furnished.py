"""Data folders as a first start leaves them: prepared once for all test processes of a run, copied for each shop.

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

from tests.learned import share_with

ROOT = Path(__file__).resolve().parent.parent
# Where they lie: the workers of a run inherit it from the process that starts them.
VARIABLE = "FURNISHED_FOLDERS"
# What belongs to one running shop.
NOT_COPIED = shutil.ignore_patterns("lock", "prepared.json", "*.sock")


def furnish(data_dir: Path, *, demo: bool) -> None:
    """Makes ``data_dir`` what it is after the first start, with the demo shop or without."""
    shutil.copytree(_folder(demo), data_dir, symlinks=True, ignore=NOT_COPIED, dirs_exist_ok=True)


def lay_database(path: Path) -> None:
    """An SQLite database with all tables and the operator."""
    shutil.copy(_folder(False) / "mangaassist.sqlite3", path)


def folders() -> Path:
    """Made at the first call, and gone with this process."""
    if VARIABLE not in os.environ:
        os.environ[VARIABLE] = tempfile.mkdtemp(prefix="ma-test-furnished-")
        atexit.register(shutil.rmtree, os.environ[VARIABLE], ignore_errors=True)
    return Path(os.environ[VARIABLE])


def _folder(demo: bool) -> Path:
    folder = folders() / ("demo" if demo else "empty")
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            draft = folder.with_suffix(".draft")
            shutil.rmtree(draft, ignore_errors=True)
            _prepare(draft, demo)
            draft.rename(folder)
    return folder


def _prepare(data_dir: Path, demo: bool) -> None:
    from mangaassist.embedded import PrivateRedis

    share_with(data_dir)
    redis = PrivateRedis(data_dir)
    redis.start()
    try:
        outside = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
        subprocess.run(
            [sys.executable, "manage.py", "demo", "--prepare"],
            cwd=ROOT,
            env=outside | {"DATA_DIR": str(data_dir), "DEMO": str(int(demo))},
            check=True,
            stdout=subprocess.DEVNULL,
        )
    finally:
        redis.stop()
