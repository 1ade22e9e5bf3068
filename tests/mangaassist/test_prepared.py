"""What an earlier start has prepared stands until something of it, or something that it was made from, has changed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from mangaassist import environment, prepared

pytestmark = pytest.mark.django_db(transaction=True)

SAID = ["Operator for /admin/ and /desk/: name operator, password x"]


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with one app."""
    clone = tmp_path / "clone"
    (clone / "shop" / "migrations").mkdir(parents=True)
    for name in ("requirements.txt", "shop/__init__.py", "shop/migrations/0001_first.py"):
        (clone / name).write_text("# nothing\n")
    monkeypatch.setattr(prepared, "BASE_DIR", clone)
    return clone


@pytest.fixture
def data_dir(tmp_path: Path, code: Path) -> Path:
    """A folder that was prepared by that clone, on the tests' database."""
    if connection.vendor != "sqlite":
        pytest.skip("a database of somebody else is always looked at by Django itself")
    folder = tmp_path / "var"
    folder.mkdir()
    (folder / "learned").touch()
    get_user_model().objects.create_superuser("operator", password="x")
    database = Path(connection.settings_dict["NAME"])
    prepared.remember(folder, database, said=SAID, needs=[folder / "learned"])
    return folder


def test_it_stands_and_says_again_what_was_said(data_dir: Path) -> None:
    assert prepared.recall(data_dir) == SAID
    # The operator's password is in it.
    assert (data_dir / "prepared.json").stat().st_mode & 0o077 == 0


def test_a_first_start_prepares(tmp_path: Path) -> None:
    assert prepared.recall(tmp_path) is None


def test_an_interrupted_preparation_is_done_again(data_dir: Path) -> None:
    prepared.forget(data_dir)
    assert prepared.recall(data_dir) is None


def test_a_copy_of_the_folder_is_prepared_for_itself(data_dir: Path) -> None:
    copy = shutil.copytree(data_dir, data_dir.with_name("copy"))
    assert prepared.recall(copy) is None


@pytest.mark.parametrize("damaged", ["", "[]", "{}", '{"said": []}', "null", '"' * 100])
def test_a_damaged_record_is_none(data_dir: Path, damaged: str) -> None:
    (data_dir / "prepared.json").write_text(damaged)
    assert prepared.recall(data_dir) is None


def test_a_record_without_its_database_is_none(data_dir: Path) -> None:
    record = data_dir / "prepared.json"
    record.write_text(record.read_text().replace(str(connection.settings_dict["NAME"]), str(data_dir / "gone")))
    assert prepared.recall(data_dir) is None
    assert not (data_dir / "gone").exists()


def _new_password(data_dir: Path, code: Path) -> None:
    operator = get_user_model().objects.get()
    operator.set_password("y")
    operator.save()


def _older_tables(data_dir: Path, code: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_migrations SET name = name || '_' WHERE app = 'shop'")


def _unlearned(data_dir: Path, code: Path) -> None:
    (data_dir / "learned").unlink()


def _new_migration(data_dir: Path, code: Path) -> None:
    (code / "shop" / "migrations" / "0002_second.py").write_text("# nothing\n")


def _changed_code(data_dir: Path, code: Path) -> None:
    (code / "shop" / "__init__.py").write_text("# something\n")


def _new_versions(data_dir: Path, code: Path) -> None:
    (code / "requirements.txt").write_text("Django==6\n")


@pytest.mark.parametrize(
    "change", [_new_password, _older_tables, _unlearned, _new_migration, _changed_code, _new_versions]
)
def test_after_a_change_it_is_prepared_again(data_dir: Path, code: Path, change: Callable[[Path, Path], None]) -> None:
    try:
        change(data_dir, code)
        assert prepared.recall(data_dir) is None
    finally:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE django_migrations SET name = rtrim(name, '_') WHERE app = 'shop'")


def test_after_a_changed_setting_it_is_prepared_again(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "LOW_STOCK_AT" in environment.asked
    monkeypatch.setenv("LOW_STOCK_AT", "7")
    assert prepared.recall(data_dir) is None
    # Nothing that settings read.
    monkeypatch.delenv("LOW_STOCK_AT")
    monkeypatch.setenv("SHLVL", "7")
    assert prepared.recall(data_dir) == SAID


@pytest.mark.parametrize("by_itself", [True, False])
def test_code_is_compiled_where_python_does_not_do_it_by_itself(
    code: Path, monkeypatch: pytest.MonkeyPatch, by_itself: bool
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", not by_itself)
    prepared.compile_code()
    compiled = {path.name.split(".")[0] for path in code.rglob("*.pyc")}
    assert compiled == (set() if by_itself else {"__init__", "0001_first"})
    # That is no change of the code.
    assert {path.suffix for path in prepared._code([])} == {".txt", ".py"}
