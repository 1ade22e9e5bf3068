"""The room's address is a setting, and everything that leads there follows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from mangaassist import environment
from tests.learned import share_with

ASK = """
import json, django; django.setup()
from django.conf import settings
from django.urls import reverse
from django.test import Client
from mangaassist.management.commands.demo import Command
print(json.dumps([settings.ADMIN_PATH, reverse("admin:index"), Client().get("/admin/").status_code,
    Client().get("/desk/")["Location"], settings.SETTING_FAULTS]))
"""


@pytest.mark.parametrize(("text", "path"), [
    ("", "admin/"), ("back-office", "back-office/"), ("/a/b/", "a/b/"), ("Room_7/", "Room_7/"),
])  # fmt: skip
def test_a_path(monkeypatch: pytest.MonkeyPatch, text: str, path: str) -> None:
    monkeypatch.setenv("ADMIN_PATH", text)
    assert environment.room_path("ADMIN_PATH", "admin/") == path


@pytest.mark.parametrize("text", ["desk", "api/admin", "static/", "a b", "../x", "a//b", "<int:x>/", "/", "ws", "é"])
def test_what_is_no_path_or_another_pages_is_one_fault(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(environment, "faults", [])
    monkeypatch.setenv("ADMIN_PATH", text)
    assert environment.room_path("ADMIN_PATH", "admin/") == "admin/"
    (fault,) = environment.faults
    assert fault.startswith("ADMIN_PATH")


def test_the_desk_and_the_sign_in_follow(tmp_path: Path) -> None:
    share_with(tmp_path)
    variables = os.environ | {"ADMIN_PATH": "/back/office", "DATA_DIR": str(tmp_path), "ALLOWED_HOSTS": "testserver"}
    run = subprocess.run([sys.executable, "-c", ASK], env=variables, capture_output=True, text=True, check=True)
    said = json.loads(run.stdout.splitlines()[-1])
    assert said == ["back/office/", "/back/office/", 404, "/back/office/login/?next=/desk/", []]


@pytest.mark.django_db
def test_the_desks_page_knows_where_one_signs_in(admin_client: Client) -> None:
    assert 'data-sign-in="/admin/login/"' in admin_client.get("/desk/").content.decode()
