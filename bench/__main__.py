"""``python -m bench [name …]``: runs the modules of this folder that have a ``run`` and prints their tables.

Everything happens in a temporary folder: a private Redis, a SQLite file, no network. A run of all of them puts its
tables into docs/benchmarks.md, each in the place of the one before; a run of some only prints, and does so with
``--write``. Those that kill or count for minutes run by their name only; ``load`` starts a whole shop of its own and
has options (``--help``).
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import platform
import sys
import tempfile
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import bench
from bench.report import put_into_report
from bench.tables import Table

METHOD = """# Benchmarks

Written by `make bench` and, for what kills or counts for minutes, by `python -m bench --write NAME` (Python {python},
{system}, {cores} CPU cores, Redis {redis}). Each table says when it was measured.

How to read it: contestants of a table take turns within the same run, in random order, and figures are medians.
**Ratios to the baseline of the same table carry over to other machines; microseconds do not.** Redis listens on
a unix socket of the same machine, so a network adds its round trip to every row alike and brings ratios closer
to 1. The database is SQLite. Other load on the machine during the run makes everything slower and the medians
a little less exact.
"""


def main(names: list[str]) -> int:
    """0: all ran; 1: some failed (the others' tables are printed); 2: an unknown name."""
    if names[:1] == ["load"]:
        from bench.load import main as load

        return load(names[1:])
    into_report = "--write" in names
    names = [name for name in names if name != "--write"]
    modules = all_modules()
    unknown = sorted(set(names) - set(modules))
    if unknown:
        sys.stderr.write(f"Unknown: {', '.join(unknown)}. There are: {', '.join(modules)}.\n")
        return 2
    with laboratory():
        return run_all(names or modules, write=not names, into_report=into_report)


def all_modules() -> list[str]:
    """Those of this folder by name; with an underscore: programs of another environment."""
    return [module.name for module in pkgutil.iter_modules(bench.__path__) if not module.name.startswith("_")]


@contextmanager
def laboratory() -> Iterator[None]:
    """A folder, a Redis and a migrated database of our own, and Django set up for them; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="ma-bench-") as folder:
        os.environ |= {
            "DATA_DIR": folder,
            "DJANGO_SETTINGS_MODULE": "mangaassist.settings",
            "MANGAASSIST_PROFILE": "embedded",
            "LOG_LEVEL": "ERROR",
            # The baselines too must be able to finish.
            "REDIS_TIMEOUT_S": "10",
            # How fast a shopper may type is not what is measured.
            "SOCKET_FRAMES_PER_S": "100000",
            "SOCKET_QUESTIONS_PER_S": "10000",
        }
        for name in ("REDIS_URL", "DATABASE_URL"):
            os.environ.pop(name, None)
        from mangaassist.embedded import PrivateRedis

        server = PrivateRedis(Path(folder))
        server.start()
        try:
            import django

            django.setup()
            from django.core.management import call_command

            call_command("migrate", verbosity=0)
            yield
        finally:
            server.stop()


def run_all(names: Iterable[str], *, write: bool, into_report: bool) -> int:
    """In a :func:`laboratory`, which they share; a failing one does not stop the rest."""
    tables: list[Table] = []
    failed = 0
    for name in names:
        try:
            module = importlib.import_module(f"bench.{name}")
            run = getattr(module, "run", None)
            if run is None or (write and getattr(module, "BY_NAME_ONLY", False)):
                continue
            sys.stderr.write(f"bench: {name}\n")
            found = run()
        except Exception:
            traceback.print_exc()
            failed += 1
            continue
        for table in [found] if isinstance(found, Table) else found:
            tables.append(table)
            sys.stdout.write(table.markdown() + "\n")
            sys.stdout.flush()
    if write or into_report:
        # With a failure the page's other tables may be of another machine: its head stays theirs.
        put_into_report(tables, datetime.now(UTC).date(), header() if write and not failed else "")
    return 1 if failed else 0


def header() -> str:
    from mangaassist.redis import sync_client

    info = sync_client("cache").info("server")
    return METHOD.format(
        python=platform.python_version(),
        system=platform.system(),
        cores=os.cpu_count(),
        redis=info["redis_version"],
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
