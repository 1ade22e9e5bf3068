"""Data folders as a first start leaves them: prepared once for all test processes of a run, copied for each shop.

The first one to ask prepares (and learns); whoever asks meanwhile waits for it.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from tests.learned import share_with

ROOT = Path(__file__).resolve().parent.parent
# Where they lie: the workers of a run inherit it from the process that starts them.
VARIABLE = "FURNISHED_FOLDERS"
# What belongs to one running shop.
NOT_COPIED = shutil.ignore_patterns("lock", "prepared.json", "*.sock")


# Imported rather than run by `demo --prepare`: the few products of tests.shop.catalogue.
SMALL_SHOP = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.shop.catalogue import load_small_catalogue
load_small_catalogue()
"""
# Prints the fingerprint of a start with these variables (mangaassist.prepared).
FINGERPRINT = """
import json, sys
from pathlib import Path
from mangaassist.prepared import fingerprint
print(fingerprint(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])))
"""
Furniture = Literal["empty", "demo", "small"]


def furnish(data_dir: Path, furniture: Furniture = "empty") -> None:
    """Makes ``data_dir`` what it is after the first start: without a shop, with the demo shop or with the small one."""
    shutil.copytree(_folder(furniture), data_dir, symlinks=True, ignore=NOT_COPIED, dirs_exist_ok=True)


def remember_prepared(data_dir: Path, environment: Mapping[str, str]) -> None:
    """A start of this furnished folder, with these variables, need not prepare it once more: it stands."""
    original = _folder("demo" if environment.get("DEMO") == "1" else "empty")
    record = json.loads((original / "prepared.json").read_text().replace(str(_draft(original)), str(data_dir)))
    command = [sys.executable, "-c", FINGERPRINT, str(data_dir), record["database"], json.dumps(record["names"])]
    done = subprocess.run(command, cwd=ROOT, env=dict(environment), check=True, stdout=subprocess.PIPE, text=True)
    (data_dir / "prepared.json").write_text(json.dumps(record | {"fingerprint": done.stdout.strip()}))


def lay_database(path: Path) -> None:
    """An SQLite database with all tables and the operator."""
    shutil.copy(_folder("empty") / "mangaassist.sqlite3", path)


def folders() -> Path:
    """Made at the first call, and gone with this process."""
    if VARIABLE not in os.environ:
        os.environ[VARIABLE] = tempfile.mkdtemp(prefix="ma-test-furnished-")
        atexit.register(shutil.rmtree, os.environ[VARIABLE], ignore_errors=True)
    return Path(os.environ[VARIABLE])


def _draft(folder: Path) -> Path:
    return folder.with_suffix(".draft")


def _folder(furniture: Furniture) -> Path:
    folder = folders() / furniture
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            draft = _draft(folder)
            shutil.rmtree(draft, ignore_errors=True)
            _prepare(draft, furniture)
            draft.rename(folder)
    return folder


def _prepare(data_dir: Path, furniture: Furniture) -> None:
    from mangaassist.embedded import PrivateRedis

    command = ["manage.py", "demo", "--prepare"]
    if furniture == "small":
        furnish(data_dir)
        command = ["-c", SMALL_SHOP]
    share_with(data_dir)
    redis = PrivateRedis(data_dir)
    redis.start()
    try:
        outside = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
        subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=outside | {"DATA_DIR": str(data_dir), "DEMO": str(int(furniture == "demo"))},
            check=True,
            stdout=subprocess.DEVNULL,
        )
    finally:
        redis.stop()
