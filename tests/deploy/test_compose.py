"""compose.yaml runs what `make run` runs, with settings that exist; test_deployment.py runs most of it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from mangaassist.health.heartbeat import QUEUES
from mangaassist.site import CONSUMERS
from mangaassist.supervisor import BATCH_WORKER, WORKER

FOLDER = Path(settings.BASE_DIR)
COMPOSE = (FOLDER / "compose.yaml").read_text()
FILE: dict[str, Any] = yaml.safe_load(COMPOSE)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
OURS = {name: each for name, each in SERVICES.items() if each.get("image") == "mangaassist"}
# Of PostgreSQL's image, and of Celery.
NOT_OURS = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "CELERY_SKIP_CHECKS"}
DOCS = (FOLDER / "docs" / "deployment.md").read_text()


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
    pages = [*(FOLDER / "mangaassist" / "settings").glob("*.py"), FOLDER / "mangaassist" / "site.py"]
    code = "".join(page.read_text() for page in pages)
    assert {name for name in named - NOT_OURS if f'"{name}"' not in code} == set()


def test_no_secret_has_a_default() -> None:
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD"):
        forms = re.findall(rf"\$\{{{name}(.{{2}})", COMPOSE)
        assert set(forms) == {":?"}, name
        assert f"#{name}=\n" in (FOLDER / ".env.example").read_text()


def commands(service: dict[str, Any]) -> Iterator[list[str]]:
    command = [str(word) for word in service["command"]]
    if command[:2] != ["sh", "-c"]:
        yield command
        return
    for each in command[2].split("&&"):
        yield shlex.split(each)


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_there(name: str) -> None:
    for command in commands(OURS[name]):
        match command:
            case ["python", "-m", module, *_]:
                assert find_spec(module) is not None
            case ["python", "manage.py", verb, *_]:
                assert verb in get_commands()
            case [script, "--app", app, *_]:
                assert script in {each.name for each in entry_points(group="console_scripts")}
                assert find_spec(app) is not None
            case _:
                raise AssertionError(command)


@pytest.mark.parametrize("name", OURS)
def test_the_guide_names_the_same_commands(name: str) -> None:
    title = name.replace("consume-", "consume ", 1) if name.startswith("consume-") else name
    rows = [row.split("|") for row in DOCS.splitlines() if row.startswith("|")]
    (told,) = (row[2].strip().strip("`") for row in rows if row[1].strip().strip("`") == title)
    assert told == " && ".join(shlex.join(command) for command in commands(OURS[name]))


def test_who_depends_on_somebody_waits_for_a_state_that_can_come() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            checked = SERVICES[other]
            if how["condition"] == "service_completed_successfully":
                assert checked["restart"] == "no", (name, other)
                continue
            assert how["condition"] == "service_healthy"
            # Of its own, or (web) of the image.
            assert "test" in checked.get("healthcheck", {}) or other == "web", (name, other)
            assert set(service["networks"]) & set(checked["networks"]), (name, other)


def test_volumes_and_networks_are_declared() -> None:
    used = [volume.partition(":")[0] for each in SERVICES.values() for volume in each.get("volumes", [])]
    assert {name for name in used if not name.startswith(".")} == set(FILE["volumes"])
    assert all((FOLDER / name).is_file() for name in used if name.startswith("."))
    assert {name for each in SERVICES.values() for name in each["networks"]} == set(FILE["networks"])
    assert SERVICES["nginx"]["networks"] == ["front"]


def test_only_nginx_is_reached_from_outside() -> None:
    assert {name for name, each in SERVICES.items() if "ports" in each} == {"nginx"}


def test_only_the_web_server_is_asked_for_its_health() -> None:
    assert {name for name, each in OURS.items() if not each.get("healthcheck", {}).get("disable")} == {"web"}


def test_prometheus_asks_every_process_that_stays() -> None:
    jobs = yaml.safe_load((FOLDER / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    asked = {job["job_name"]: job["dns_sd_configs"][0] for job in jobs}
    background = {name for name, each in OURS.items() if name not in {"web", "release"}}
    assert set(asked["mangaassist-background"]["names"]) == background
    assert str(asked["mangaassist-background"]["port"]) == FILE["x-app"]["environment"]["METRICS_PORT"]
    assert asked["mangaassist-web"]["names"] == ["web"]


def test_the_guide_says_whose_silence_turns_readiness_red() -> None:
    told = " ".join(DOCS.split())
    assert f"`/readyz` is red when one of the queues {' and '.join(f'`{queue}`' for queue in QUEUES)} is" in told


def test_who_runs_in_every_profile_is_missed_by_an_alert() -> None:
    (group,) = yaml.safe_load((FOLDER / "deploy/prometheus/alerts.yml").read_text())["groups"]
    (gone,) = (rule["expr"] for rule in group["rules"] if rule["alert"] == "BackgroundGone")
    always = {name for name, each in OURS.items() if name not in {"web", "release"} and "profiles" not in each}
    assert set(re.findall(r'absent\(up\{[^}]*service="([^"]+)"', gone)) == always


def test_ours_have_no_more_rights_than_they_need() -> None:
    for name, each in OURS.items():
        assert each["cap_drop"] == ["ALL"], name
        assert each["security_opt"] == ["no-new-privileges:true"], name


def test_the_web_server_has_time_to_let_turns_finish_and_sockets_close() -> None:
    from mangaassist.server import CLOSE_S, DRAIN_S

    assert int(SERVICES["web"]["stop_grace_period"].removesuffix("s")) > DRAIN_S + CLOSE_S
