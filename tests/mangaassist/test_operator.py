"""The demo operator's password: made once, shown again, forgotten when somebody changes it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model

from mangaassist.operator import demo_operator

pytestmark = pytest.mark.django_db


def test_the_same_operator_at_every_start(tmp_path: Path) -> None:
    first = demo_operator(tmp_path)
    assert first is not None
    assert demo_operator(tmp_path) == first
    user = get_user_model().objects.get(username="operator")
    assert user.check_password(first.password)
    assert user.is_staff
    assert user.is_superuser
    assert stat.S_IMODE((tmp_path / "operator.json").stat().st_mode) == 0o600


def test_a_changed_password_is_not_shown_and_not_changed_back(tmp_path: Path) -> None:
    demo_operator(tmp_path)
    user = get_user_model().objects.get(username="operator")
    user.set_password("my own")
    user.save()
    assert demo_operator(tmp_path) is None
    user.refresh_from_db()
    assert user.check_password("my own")


def test_a_new_database_gets_a_new_operator(tmp_path: Path) -> None:
    first = demo_operator(tmp_path)
    get_user_model().objects.all().delete()
    second = demo_operator(tmp_path)
    assert first is not None
    assert second is not None
    assert second.password != first.password
    assert demo_operator(tmp_path) == second


def test_where_superusers_are_there_is_no_demo_operator(tmp_path: Path) -> None:
    get_user_model().objects.create_superuser("owner", password="secret")
    assert demo_operator(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_an_unreadable_note_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "operator.json").write_text("{")
    assert demo_operator(tmp_path) is not None
