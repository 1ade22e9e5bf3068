"""Every test worker has its own real Redis and its own data folder."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from django.conf import settings

from mangaassist.loading import without_collecting
from tests.faults import NODES
from tests.furnished import folders
from tests.learned import share_with

# Before Django reads its settings (so they are named here and not in pyproject.toml): this process's own
# folder, and patience with a busy machine.
_data_dir = Path(tempfile.mkdtemp(prefix="ma-test-"))
os.environ["DATA_DIR"] = str(_data_dir)
share_with(_data_dir)
# In the process that starts the others, so that they share them.
folders()
os.environ["DJANGO_SETTINGS_MODULE"] = "mangaassist.settings"
os.environ["MANGAASSIST_PROFILE"] = "embedded"
os.environ.setdefault("REDIS_TIMEOUT_S", "2")
# Every process that a test starts reads what the first one compiled: a fifth of its start, and half of the collection.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
for name in ("REDIS_URL", "DATABASE_URL", "DEMO"):
    os.environ.pop(name, None)
# The suite runs on SQLite; TEST_DATABASE_URL names another database for it.
if url := os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = url
# moto and boto3 must never meet a real account.
os.environ.update(
    AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION="us-east-1", TZ="UTC"
)
with without_collecting():
    django.setup()
# Each client of a test makes the middleware anew, which would look at every static file each time, not at those asked for.
settings.WHITENOISE_AUTOREFRESH = True
# Passwords of a test's users are hidden from nobody, and a real hash is half a second; those of a furnished folder are read.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]
# Processes that a test starts have a database of their own, unless it gives them this one
# (tests.mangaassist.this_database).
os.environ.pop("DATABASE_URL", None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Workers begin without our settings' name, else pytest-django would read them before this file gives each
    worker its own folder.
    """
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, object, object]:
    """What docs/faults.md names is marked before pytest reads `-m`, so that `make chaos` runs the page. Afterwards files
    that start processes or a browser come first: one of them at the end would leave the other cores idle.
    """
    for item in items:
        if isinstance(item, pytest.Function) and (item.path, item.originalname) in NODES:
            item.add_marker("chaos")
    result = yield
    long = {item.path for item in items if any(map(item.get_closest_marker, ("process", "browser")))}
    items.sort(key=lambda item: item.path not in long)
    return result


@pytest.fixture(scope="session", autouse=True)
def redis_server() -> Iterator[None]:
    """A real private Redis, as `make run` starts it."""
    from mangaassist.embedded import PrivateRedis

    server = PrivateRedis(_data_dir)
    server.start()
    yield
    server.stop()
    shutil.rmtree(_data_dir, ignore_errors=True)


# Django's own notes of which models there are, and what may be done with them.
NOTES = {"django_content_type", "auth_permission"}


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """No test changes the notes, and to write them down anew would be most of the time that it takes to clean the
    database after a test with real transactions: they stay.
    """
    from django.contrib.contenttypes.management import create_contenttypes
    from django.db import connection
    from django.db.models.signals import post_migrate

    assert post_migrate.disconnect(create_contenttypes)
    assert post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    assert post_migrate.disconnect(dispatch_uid="mangaassist.groups")
    tables = connection.introspection.django_table_names

    def tables_but_notes(**options: bool) -> list[str]:
        return [table for table in tables(**options) if table not in NOTES]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection.introspection, "django_table_names", tables_but_notes)
        if connection.vendor == "postgresql":
            patch.setattr(connection.ops, "sql_flush", delete_everything)
        yield


def delete_everything(style: Any, tables: list[str], **options: bool) -> list[str]:
    """TRUNCATE makes new files for every table and index; after a test there are few rows, in few tables."""
    return ["SET LOCAL session_replication_role = replica", *(f'DELETE FROM "{table}"' for table in tables)]


@pytest.fixture(autouse=True)
def clean_redis(redis_server: None) -> None:
    """No key and no breaker state survives from one test to the next."""
    from mangaassist import breaker
    from mangaassist.redis import sync_client

    sync_client("cache").flushall()
    for each in breaker.registry.values():
        each.reset()


@pytest.fixture(autouse=True)
def quiet_analytics() -> Iterator[None]:
    """Events stay in the buffer until a test flushes them, and do not reach the next test."""
    from mangaassist.analytics.buffer import buffer
    from mangaassist.analytics.unanswered import unanswered

    for each in (buffer, unanswered):
        each._interval_s = 3600
    yield
    for each in (buffer, unanswered):
        each._records.clear()


@pytest.fixture(autouse=True)
def english() -> None:
    """A page that a test opens in Japanese leaves its thread in Japanese: Django sets the language at each request, and
    takes it back at none.
    """
    from django.utils import translation

    translation.deactivate()


@pytest.fixture(autouse=True)
def process_goes_on() -> Iterator[None]:
    """A server that a test ends in this process leaves it draining; the next test's shopper is not told to wait."""
    from chat.runner import runner

    yield
    runner.draining = False
