"""The demo operator: a superuser whose random password is made at first start and shown at every later one."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from django.contrib.auth import get_user_model

NAME = "operator"


@dataclass(frozen=True, slots=True)
class Operator:
    name: str
    password: str
    encoded: str  # as in the database: tells, without the cost of hashing, whether it was changed since


def demo_operator(data_dir: Path) -> Operator | None:
    """The operator of this folder, made when the database has no superuser at all.

    None when somebody has changed the password, or has made superusers of their own.
    """
    users = get_user_model().objects
    path = data_dir / "operator.json"
    known = _read(path)
    if known is not None and users.filter(username=known.name, password=known.encoded).exists():
        return known
    if users.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(9)
    user = users.create_superuser(NAME, password=password)
    operator = Operator(NAME, password, user.password)
    _write(path, operator)
    return operator


def _read(path: Path) -> Operator | None:
    try:
        return Operator(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _write(path: Path, operator: Operator) -> None:
    """For its owner's eyes only, from the first byte on."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(operator), file)
