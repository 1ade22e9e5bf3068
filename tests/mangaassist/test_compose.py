"""compose.yaml runs what `make run` runs, with settings that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from mangaassist.supervisor import BATCH_WORKER, CONSUMERS, WORKER

FOLDER = Path(settings.BASE_DIR)
COMPOSE = (FOLDER / "compose.yaml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
# Of other images, and of compose itself.
NOT_OURS = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "CELERY_SKIP_CHECKS"}


@pytest.mark.parametrize("consumer", CONSUMERS, ids=lambda consumer: consumer.topic)
def test_everything_that_comes_from_outside_has_its_service(consumer: Any) -> None:
    service = SERVICES[f"consume-{consumer.topic}"]
    assert service["command"] == ["python", "manage.py", "consume", consumer.topic]
    # A queue's own address, if it has one, decides; else the profile.
    assert service["profiles"] == [consumer.topic if consumer.queue else "aws"]
    assert service["restart"] == "unless-stopped"


def compose_profiles(variables: dict[str, str]) -> set[str]:
    """What Compose makes of the line in .env.example; of its interpolation these two forms are used."""

    def value(found: re.Match[str]) -> str:
        name, form, other = found.groups()
        given = variables.get(name, "")
        return (given or other) if form == ":-" else (given and other)

    *_, line = (FOLDER / ".env.example").read_text().splitlines()
    names, _, profiles = line.partition("=")
    assert names == "COMPOSE_PROFILES"
    return set(re.sub(r"\$\{(\w+)(:[-+])([^}]*)\}", value, profiles).split(","))


@pytest.mark.parametrize("profile", ["", "embedded", "aws"])
@pytest.mark.parametrize("queues", [(), ("KNOWLEDGE_EVENTS_QUEUE_URL",), ("CONNECT_EVENTS_QUEUE_URL",)])
def test_one_variable_picks_the_consumers_of_compose_as_of_make_run(
    monkeypatch: pytest.MonkeyPatch, profile: str, queues: tuple[str, ...]
) -> None:
    every = {"MANGAASSIST_PROFILE", *(name for each in CONSUMERS for name in (each.role, each.queue) if name)}
    variables = {"MANGAASSIST_PROFILE": profile, **dict.fromkeys(queues if profile == "aws" else (), "https://sqs/q")}
    for name in every:
        monkeypatch.setenv(name, variables.get(name, ""))
    active = compose_profiles(variables)
    started = {
        name.removeprefix("consume-") for name, each in SERVICES.items() if active & set(each.get("profiles", []))
    }
    assert started == {each.topic for each in CONSUMERS if each.is_needed(aws=profile == "aws")}


def test_workers_are_those_of_make_run() -> None:
    assert SERVICES["worker"]["command"] == ["celery", "--app", "mangaassist", *WORKER]
    assert SERVICES["worker-batch"]["command"] == ["celery", "--app", "mangaassist", *BATCH_WORKER]


def test_every_variable_is_one_that_the_settings_read() -> None:
    named = {name for each in SERVICES.values() for name in each.get("environment", {})}
    named |= set(re.findall(r"\$\{(\w+)", COMPOSE))
    code = "".join((FOLDER / "mangaassist" / f"{name}.py").read_text() for name in ("settings", "supervisor"))
    assert {name for name in named - NOT_OURS if f'"{name}"' not in code} == set()


def test_only_the_web_server_is_asked_for_its_health() -> None:
    ours = {name: each for name, each in SERVICES.items() if each.get("image") == "mangaassist"}
    assert {name for name, each in ours.items() if not each.get("healthcheck", {}).get("disable")} == {"web"}


def test_the_image_does_not_run_as_root_and_has_no_secret() -> None:
    lines = (FOLDER / "Dockerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("USER")] == ["USER mangaassist"]
    assert {".env", "var", ".git"} <= set((FOLDER / ".dockerignore").read_text().split())
