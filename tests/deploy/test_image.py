"""Dockerfile and .dockerignore, as far as they can be judged without building."""

from __future__ import annotations

import json
import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.test import Client

FOLDER = Path(settings.BASE_DIR)
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
NGINX = (FOLDER / "deploy" / "nginx" / "default.conf").read_text()
# All that a running MangaAssist is made of.
IN_THE_IMAGE = {
    *("caching", "chat", "escalation", "knowledge", "mangaassist", "partners", "recommendations", "shop", "storefront"),
    *("locale", "static", "templates", "manage.py", "requirements.txt", "deploy", "LICENSE"),
}


def instructions() -> list[tuple[str, str]]:
    """(instruction, its arguments), continued lines joined."""
    text = re.sub(r"(?m)^#.*\n", "", (FOLDER / "Dockerfile").read_text()).replace("\\\n", " ")
    return [
        (name, rest.strip()) for line in text.splitlines() if line.strip() for name, _, rest in [line.partition(" ")]
    ]


def arguments(instruction: str) -> list[str]:
    return [rest for name, rest in instructions() if name == instruction]


def ignored(path: str) -> bool:
    """By .dockerignore: a pattern is for the whole path from the top, or for any folder after ``**/``."""
    patterns = [line for line in (FOLDER / ".dockerignore").read_text().split("\n") if line and line[0] != "#"]
    parts = Path(path).parts
    heads = ["/".join(parts[:number]) for number in range(1, len(parts) + 1)]
    return any(
        fnmatch(name, pattern.removeprefix("**/"))
        for pattern in patterns
        for name in (parts if pattern.startswith("**/") else heads)
    )


def test_every_base_is_pinned() -> None:
    (base,) = arguments("ARG")
    assert re.fullmatch(r"BASE=python:3\.\d+\.\d+-slim-[a-z]+", base)
    assert {each.split()[0] for each in arguments("FROM")} == {"${BASE}"}
    for name, service in COMPOSE.items():
        assert re.fullmatch(r"(mangaassist|[a-z]+:\d+(\.\d+)*)", service["image"]), name


def test_it_runs_as_a_user_without_rights_whom_orchestrators_can_check() -> None:
    (user,) = arguments("USER")
    assert int(user) > 0
    assert any(f"useradd --uid {user} " in run for run in arguments("RUN"))
    last = instructions()[[name for name, _ in instructions()].index("USER") :]
    assert not {"RUN", "COPY", "ADD"} & {name for name, _ in last}


def test_packages_are_few_and_leave_no_lists_behind() -> None:
    for run in arguments("RUN"):
        if "apt-get install" in run:
            assert "--no-install-recommends" in run
            assert "rm -rf /var/lib/apt/lists/*" in run
        if "pip install" in run:
            assert "--no-cache-dir" in run


def test_its_postgresql_client_can_dump_the_server() -> None:
    client = re.search(r"postgresql-client-(\d+)", " ".join(arguments("RUN")))
    assert client is not None
    assert int(client[1]) >= int(COMPOSE["postgres"]["image"].partition(":")[2])


def test_what_it_copies_is_in_the_context() -> None:
    for copied in arguments("COPY"):
        source, *_ = copied.split()
        if copied.startswith("--from=build"):
            continue
        assert (FOLDER / source).exists()
        assert not ignored(source)


def test_the_context_holds_what_runs_and_no_secret() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=FOLDER, check=False, capture_output=True, text=True).stdout
    if not listed:
        pytest.skip("no git checkout")
    assert {path.partition("/")[0] for path in listed.splitlines() if not ignored(path)} == IN_THE_IMAGE
    for path in (".env", ".env.production", "var/secret_key", ".git/config", "shop/__pycache__/feed.cpython-311.pyc"):
        assert ignored(path), path


def test_ports_and_addresses_of_health_are_those_that_answer() -> None:
    (port,) = arguments("EXPOSE")
    (command,) = arguments("CMD")
    assert json.loads(command) == COMPOSE["web"]["command"]
    assert json.loads(command)[-1] == port
    (check,) = arguments("HEALTHCHECK")
    assert f"http://127.0.0.1:{port}/healthz" in check
    assert f"server web:{port};" in NGINX
    (published,) = COMPOSE["nginx"]["ports"]
    inside = published.rpartition(":")[2]
    assert f"listen {inside};" in NGINX
    assert COMPOSE["nginx"]["healthcheck"]["test"][-1] == "http://127.0.0.1/healthz"
    # By no host's name, as an orchestrator asks.
    assert Client(headers={"host": "10.0.0.7:8000"}).get("/healthz").status_code == 200


def test_what_must_last_lies_on_a_volume() -> None:
    (folder,) = arguments("VOLUME")
    assert f"DATA_DIR={folder}" in " ".join(arguments("ENV"))
    for name, each in COMPOSE.items():
        if each["image"] == "mangaassist":
            assert each["volumes"] == [f"data:{folder}"], name
