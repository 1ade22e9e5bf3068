"""Secrets of the settings: each is known here, and no address that does not work is quoted with its password."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from mangaassist import environment

# Variable → its value, with a mark that is the secret in it.
SECRETS = {
    "SECRET_KEY": "mark-of-the-secret-key-{}-0123456789abcdefghijklmnop",
    "WIDGET_IDENTITY_KEY": "mark-of-the-identity-key-{}-0123456789abcdef",
    "OPENAI_API_KEY": "sk-mark-of-openai-{}-0123456789",
    "EMBEDDINGS_API_KEY": "sk-mark-of-embeddings-{}-0123456789",
    "EMAIL_HOST_PASSWORD": "mark-of-mail-{}-0123456789",
    "AWS_ACCESS_KEY_ID": "AKIAMARK{}0123456",
    "AWS_SECRET_ACCESS_KEY": "mark-of-aws-{}-0123456789abcdefghij",
    "AWS_SESSION_TOKEN": "mark-of-session-{}-0123456789abcdefghijkl",
}
# Addresses, whose passwords are marked below.
ADDRESSES = {
    "DATABASE_URL", "REDIS_URL", "REDIS_BROKER_URL", "REDIS_CHANNELS_URL", "REDIS_STREAMS_URL", "CELERY_BROKER_URL",
}  # fmt: skip
# Names like those of secrets that are none.
NO_SECRETS = {
    "CACHE_KEY_PREFIX", "OPENAI_BASE_URL", "EMBEDDINGS_BASE_URL", "FEEDBACK_QUEUE_URL", "KNOWLEDGE_EVENTS_QUEUE_URL",
    # Its key may send and nothing else; Sentry's own clients carry it in public pages.
    "SENTRY_DSN",
    "CONNECT_EVENTS_QUEUE_URL", "CONNECT_DESK_URL", "CELERY_SQS_URL_PREFIX", "FIRST_TOKEN_LIMIT_S", "TOKEN_GAP_LIMIT_S",
}  # fmt: skip
LOOKS_LIKE_ONE = re.compile(r"KEY|SECRET|PASSWORD|TOKEN|CREDENTIAL|URL|DSN")
NUMBER = "7311"


def test_every_variable_that_looks_like_a_secret_is_known_here() -> None:
    named = {name for name in environment.asked if LOOKS_LIKE_ONE.search(name)}
    assert named == (set(SECRETS) | ADDRESSES | NO_SECRETS) & named
    assert set(SECRETS) | ADDRESSES <= environment.asked.keys()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", f"postgres://shop:mark-{NUMBER}@127.0.0.1:9/shop"),
        ("DATABASE_URL", f"postgres://shop:mark-{NUMBER}#x@127.0.0.1:9/shop"),
        ("REDIS_URL", f"redis://:mark-{NUMBER}#x@127.0.0.1:port/0"),
        ("CELERY_BROKER_URL", f"amqp://shop:mark-{NUMBER}@127.0.0.1/"),
    ],
)
def test_an_address_that_does_not_work_is_not_quoted_with_its_password(tmp_path: Path, name: str, value: str) -> None:
    found = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--check"], cwd=settings.BASE_DIR,
        env=os.environ | {"DATA_DIR": str(tmp_path), name: value}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 1
    assert f"mark-{NUMBER}" not in found.stdout + found.stderr
    assert name in found.stderr or "connection failed" in found.stderr
