""".ci/run on machines that have this and that: its own shell, with apt-get and make that only note what they are told."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from tests.mangaassist.postgres import INITDB

SCRIPT = Path(settings.BASE_DIR) / ".ci/run"
NOTES = """#!/bin/sh
echo "${0##*/} $*${BROWSER_TESTS:+ browser=$BROWSER_TESTS}${DEPLOY_TESTS:+ deploy=$DEPLOY_TESTS}" >>"$NOTES"
"""
PROGRAMS = ("chromium", "npm", "nginx")
# Where PostgreSQL's server lies outside of PATH, as on Debian, there is nothing of it to install.
POSTGRES = [] if INITDB else ["postgresql"]
ALL = ["chromium", "fontconfig", "fonts-noto-cjk", "nodejs", "npm", *POSTGRES, "nginx-light"]
RUN = [
    "make check",
    "make test browser=required deploy=required",
    "make test-postgres ARGS=tests/shop tests/escalation tests/access tests/knowledge tests/analytics",
]


class Machine:
    def __init__(self, folder: Path) -> None:
        self.bin, self.notes = folder / "bin", folder / "notes"
        self.bin.mkdir()
        for name in ("bash", "dirname", "grep"):
            program = shutil.which(name)
            assert program
            (self.bin / name).symlink_to(program)
        for name in ("apt-get", "make"):
            self.put(name, NOTES)

    def put(self, name: str, script: str) -> None:
        (self.bin / name).write_text(script)
        (self.bin / name).chmod(0o755)

    def run(self, *, user: int = 0) -> subprocess.CompletedProcess[str]:
        self.put("id", f"#!/bin/sh\necho {user}\n")
        return subprocess.run(
            ["bash", SCRIPT],
            env={"PATH": str(self.bin), "NOTES": str(self.notes)},
            check=False,
            capture_output=True,
            text=True,
        )

    def told(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def have_everything(machine: Machine) -> None:
    for name in (*PROGRAMS, "initdb"):
        machine.put(name, "#!/bin/sh\n")
    machine.put("fc-list", "#!/bin/sh\necho /usr/share/fonts/NotoSansCJK-Regular.ttc: Noto Sans CJK JP\n")


def test_a_new_machine_gets_what_all_tests_need(machine: Machine) -> None:
    assert machine.run().returncode == 0
    install = f"apt-get install -y -qq --no-install-recommends {' '.join(ALL)}"
    assert machine.told() == ["apt-get update -qq", install, *RUN]


def test_one_that_has_everything_needs_no_network_and_no_root(machine: Machine) -> None:
    have_everything(machine)
    assert machine.run(user=1000).returncode == 0
    assert machine.told() == RUN


def test_only_what_is_missing_is_installed(machine: Machine) -> None:
    have_everything(machine)
    (machine.bin / "nginx").unlink()
    assert machine.run().returncode == 0
    assert machine.told()[1].endswith("--no-install-recommends nginx-light")


def test_who_is_not_root_is_told_what_to_install(machine: Machine) -> None:
    done = machine.run(user=1000)
    assert done.returncode == 1
    assert done.stderr == f"Install these, or run this as root: {' '.join(ALL)}\n"
    assert machine.told() == []


@pytest.mark.parametrize(("fails", "told"), [("check", RUN[:1]), ("test", RUN[:2]), ("test-postgres", RUN)])
def test_what_fails_is_the_scripts_own_failure(machine: Machine, fails: str, told: list[str]) -> None:
    have_everything(machine)
    machine.put("make", f"{NOTES}[ $1 != {fails} ]\n")
    assert machine.run().returncode != 0
    assert machine.told() == told


def test_it_can_be_started() -> None:
    assert os.access(SCRIPT, os.X_OK)
