"""Every bad setting is one readable line."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings

from mangaassist import checks


def lines(check: Any) -> list[str]:
    return [fault.msg for fault in check(None)]


def test_the_settings_as_they_are_have_no_fault() -> None:
    for check in (
        checks.environment_is_readable,
        checks.hosts_are_named,
        checks.keys_are_long_enough,
        checks.origins_are_origins,
        checks.backends_fit_their_roles,
    ):
        assert lines(check) == []


def test_faults_of_the_environment_are_errors(settings: Any) -> None:
    settings.SETTING_FAULTS = ["PORT='x' is not a number.", "DEMO='?' is not a yes or no (use 1 or 0)."]
    assert lines(checks.environment_is_readable) == settings.SETTING_FAULTS


def test_a_deployment_names_its_hosts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = []
    assert lines(checks.hosts_are_named) == ["ALLOWED_HOSTS must name the hosts that this site answers for."]


@pytest.mark.parametrize("name", ["SECRET_KEY", "WIDGET_IDENTITY_KEY"])
def test_keys_have_at_least_32_bytes(settings: Any, name: str) -> None:
    setattr(settings, name, "x" * 31)
    assert lines(checks.keys_are_long_enough) == [f"{name} is shorter than 32 bytes."]
    setattr(settings, name, "鍵" * 11)
    assert lines(checks.keys_are_long_enough) == []


@pytest.mark.parametrize(
    "origin",
    ["https://shop.example", "http://localhost:3000", "http://127.0.0.1:8001", "http://[::1]:8001"],
)
def test_good_origins(settings: Any, origin: str) -> None:
    settings.WIDGET_ALLOWED_ORIGINS = [origin]
    assert lines(checks.origins_are_origins) == []


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "shop.example",
        "https://*.shop.example",
        "https://shop.example/",
        "null",
        "ftp://shop.example",
        "https://u@shop.example",
        "https://shop.example:port",
        "https://",
    ],
)
def test_what_is_no_origin_is_refused(settings: Any, origin: str) -> None:
    settings.WIDGET_ALLOWED_ORIGINS = ["https://good.example", origin]
    (line,) = lines(checks.origins_are_origins)
    assert line.startswith(f"WIDGET_ALLOWED_ORIGINS holds {origin!r}, which is not an origin")


@pytest.mark.parametrize(
    ("backend", "options", "line"),
    [
        ("no.such.Engine", {}, "RECOMMENDERS['default']: cannot import 'no.such.Engine': No module named 'no'"),
        (
            "collections.OrderedDict",
            {},
            "RECOMMENDERS['default']: 'collections.OrderedDict' is not a recommendations.backends.base.Recommender.",
        ),
        (
            "recommendations.backends.local.LocalEngine",
            {"speed": 1},
            "RECOMMENDERS['default']: recommendations.backends.local.LocalEngine has no option 'speed'; it knows ",
        ),
        (
            "recommendations.backends.personalize.PersonalizeRecommender",
            {},
            "PERSONALIZE_CAMPAIGN_ARN must be set: recommendations.backends.personalize.PersonalizeRecommender",
        ),
    ],
)
def test_a_backend_that_does_not_fit(settings: Any, backend: str, options: dict[str, Any], line: str) -> None:
    settings.RECOMMENDERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
    (found,) = lines(checks.backends_fit_their_roles)
    assert found.startswith(line)


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    """`manage.py check` in a process of its own: settings are read from the environment at import."""
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env={name: value for name, value in os.environ.items() if name != "REDIS_TIMEOUT_S"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({}, ["OPENAI_BASE_URL must be set", "OPENAI_MODEL must be set"]),
        ({"base_url": "http://127.0.0.1:8000/v1"}, ["OPENAI_MODEL must be set"]),
        (
            {"base_url": "http://127.0.0.1:8000/v1", "model": "qwen", "price": 1},
            ["GENERATORS['default']: chat.backends.openai"],
        ),
    ],
)
def test_a_model_without_what_it_needs(settings: Any, options: dict[str, Any], missing: list[str]) -> None:
    settings.GENERATORS = {"default": {"BACKEND": "chat.backends.openai.OpenAIGenerator", "OPTIONS": options}}
    found = lines(checks.backends_fit_their_roles)
    assert len(found) == len(missing)
    assert all(any(line.startswith(start) for line in found) for start in missing)


def test_one_start_shows_every_fault_of_the_aws_profile() -> None:
    found = start(
        MANGAASSIST_PROFILE="aws",
        DEMO="1",
        WEBHOOK_LOOPBACK="1",
        RECOMMENDER="oracle",
        ANALYTICS_OPTIONS="{",
        REDIS_TIMEOUT_S="soon",
        BEDROCK_GUARDRAIL_ID="abc123",
        OPENAI_BASE_URL="localhost:8000/v1",
        REDIS_URL="redis://host:port",
        DATABASE_URL="oracle-of-delphi",
        WIDGET_IDENTITY_KEY="short",
        WIDGET_ALLOWED_ORIGINS="*",
    )
    assert found.returncode == 1
    for line in (
        "SECRET_KEY must be set outside the embedded profile.",
        "DEMO=1 contradicts MANGAASSIST_PROFILE=aws",
        "WEBHOOK_LOOPBACK=1 contradicts MANGAASSIST_PROFILE=aws",
        "RECOMMENDER='oracle' is unknown; choose one of local, personalize or give a dotted path.",
        "ANALYTICS_OPTIONS is not JSON",
        "REDIS_TIMEOUT_S='soon' is not a number.",
        "REDIS_URL must look like",
        "DATABASE_URL is not a database's address",
        "WIDGET_IDENTITY_KEY is shorter than 32 bytes.",
        "WIDGET_ALLOWED_ORIGINS holds '*'",
        "ALLOWED_HOSTS must name",
        "FEEDBACK_QUEUE_URL must be set",
        "KINESIS_ANALYTICS_STREAM must be set",
        "CONNECT_INSTANCE_ID must be set",
        "BEDROCK_MODEL_ID must be set",
        "BEDROCK_GUARDRAIL_ID and BEDROCK_GUARDRAIL_VERSION go together",
        "OPENAI_BASE_URL must look like http://host:port/v1.",
        "CONNECT_CONTACT_FLOW_ID must be set",
    ):
        assert sum(line in each for each in found.stderr.splitlines()) == 1, f"{line}\n{found.stderr}"


def test_an_unknown_profile_stops_the_start() -> None:
    found = start(MANGAASSIST_PROFILE="azure")
    assert found.returncode == 1
    assert "MANGAASSIST_PROFILE='azure' is unknown; choose one of embedded, aws." in found.stderr
