"""Every command in the documentation is known to some test, and those of manage.py run here as they are written."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mangaassist.embedded import PrivateRedis
from tests.bench.small import SIZES
from tests.docs.pages import PAGES, ROOT, Command, commands
from tests.furnished import furnish

COMMANDS = [command for page in PAGES if page.name != "CHANGELOG.md" for command in commands(page)]
MANAGE = re.compile(r"(?:(?:\.venv/bin/)?python )?manage\.py (.+)")
# What a reader puts in. Square brackets: with and without.
IN_PLACE = {"ID": "alice", "FILE": "shopper.json", "FOLDER": "export"}
# Commands that other tests run: how they begin, and where.
HELD = (
    (r".*manage\.py (backup|restore)\b", "tests/mangaassist/test_backups.py"),
    (r".*manage\.py check --deploy", "tests/security/test_deploy_check.py"),
    (r".*manage\.py settings_reference --write", "tests/mangaassist/test_settings_reference.py"),
    (r"make run", "tests/mangaassist/test_supervisor.py"),
    (r"manage\.py$", "tests/docs/test_commands.py"),
    # This very suite, by whichever way it was started; the checks are run beside it on every change (.ci/run).
    (r"make test|pytest|.*-m pytest tests/", "tests/docs/test_commands.py"),
    (r"make [a-z-]+", "tests/docs/test_commands.py"),
    (r"pip install -r requirements\.txt", "tests/docs/test_commands.py"),
    (r"pip install httpx", "tests/docs/test_commands.py"),
    # The two that only kill are what these tests are, for longer.
    (r"python -m bench chaos", "tests/journeys/test_chaos.py"),
    (r"python -m bench socket_chaos", "tests/journeys/test_socket_chaos.py"),
    (rf"python -m bench (--write )?({'|'.join(SIZES)}|NAME)", "tests/bench/test_each_runs.py"),
    (r"python -m mangaassist\.server", "tests/journeys/web_processes.py"),
    (r"celery ", "tests/docs/test_commands.py"),
    (r".*manage\.py runserver", "tests/mangaassist/test_runserver.py"),
    (r".*manage\.py consume ", "tests/outbox/test_consume.py"),
    (r"(curl .*Idempotency-Key: (open|hooks|nightly)|curl .*/(search|catalog/events|webhooks)|.*create_api_key)",
     "tests/partners/test_quick_start.py"),
    (r"curl .*/api/v1/conversations", "tests/partners/test_quick_start.py"),
    (r"schemathesis ", "tests/partners/test_openapi.py"),
    (r"docker (compose|network) ?", "tests/deploy/test_compose.py"),
    (r"aws cloudformation", "tests/backends/test_aws_template.py"),
)  # fmt: skip
# Of manage.py's those that run for long, need more than a shop, or write into the repository.
NOT_HERE = r"manage\.py (runserver|consume|backup|restore|settings_reference|check --deploy)"
# Django is loaded once for all of them; each says its name before, so that a failure has one.
RUN = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "mangaassist.settings"
from django.core.management import execute_from_command_line
for line in json.loads(sys.argv[1]):
    sys.stderr.write(f"manage.py {' '.join(line)}\\n")
    execute_from_command_line(["manage.py", *line])
"""


def of_manage() -> list[list[str]]:
    """Arguments of every command of manage.py, once each, in the order of the pages."""
    lines: list[list[str]] = []
    for command in COMMANDS:
        for part in command.text.split(" && "):
            if (match := MANAGE.fullmatch(part)) is None or re.search(NOT_HERE, part):
                continue
            for text in (re.sub(r"\s*\[[^\]]*\]", "", match[1]), re.sub(r"[\[\]]", "", match[1])):
                words = [IN_PLACE.get(word, word) for word in shlex.split(text)]
                if words not in lines:
                    lines.append(words)
    # What is taken from others comes last.
    return sorted(lines, key=lambda words: words[0] == "erase_shopper")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.page}: {command.text[:60]}")
def test_every_command_is_held_by_a_test(command: Command) -> None:
    for part in command.text.split(" && "):
        if MANAGE.fullmatch(part) and not re.search(NOT_HERE, part):
            continue
        held = [where for pattern, where in HELD if re.match(pattern, part)]
        assert held, f"{command.page} shows a command that no test runs: {part}"
        assert all((ROOT / where).exists() for where in held)


@pytest.mark.process
def test_the_commands_of_manage_run_as_written(tmp_path: Path) -> None:
    furnish(tmp_path, "demo")
    lines = [
        [word if word not in IN_PLACE.values() else _there(word, tmp_path) for word in line] for line in of_manage()
    ]
    assert len(lines) > 12
    redis = PrivateRedis(tmp_path)
    redis.start()
    try:
        ran = subprocess.run(
            [sys.executable, "-c", RUN, json.dumps(lines)],
            cwd=ROOT,
            env=os.environ | {"DATA_DIR": str(tmp_path), "DEMO": "1"},
            capture_output=True,
            text=True,
            # One that waits for an answer would wait for ever.
            stdin=subprocess.DEVNULL,
            timeout=300,
            check=False,
        )
    finally:
        redis.stop()
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stderr.count("manage.py ") >= len(lines)
    assert json.loads((tmp_path / "shopper.json").read_text())


def _there(word: str, folder: Path) -> str:
    return word if word == "alice" else str(folder / word)


def test_targets_of_make_are_there() -> None:
    """`make help` lists them; a target without a word of help is none for readers."""
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^\s+make ([a-z-]+)", shown, re.MULTILINE))
    named = {match[1] for command in COMMANDS if (match := re.match(r"make ([a-z-]+)", command.text))}
    assert named <= targets
    for target in targets:
        # What it would do, down to the last command.
        told = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stderr


@pytest.mark.parametrize(
    "text", [command.text for command in COMMANDS if command.text.startswith("celery ")], ids=lambda text: text[:60]
)
def test_celery_knows_the_options(text: str, tmp_path: Path) -> None:
    """Celery reads them all before it shows its help and ends."""
    ran = subprocess.run(
        [sys.executable, "-m", *shlex.split(text), "--help"],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
