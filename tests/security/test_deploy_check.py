"""Django's own checks of a deployment, with the settings that docs/deployment.md asks for."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from tests.security.production import PRODUCTION, in_production

CHECK = ("manage.py", "check", "--deploy", "--fail-level", "WARNING")


def test_a_deployment_as_described_has_nothing_to_mend(tmp_path: Path) -> None:
    found = in_production(tmp_path, *CHECK)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout == "System check identified no issues (0 silenced).\n"


def test_what_weakens_it_is_named(tmp_path: Path) -> None:
    found = in_production(tmp_path, *CHECK, SECRET_KEY="a" * 60, HTTPS="0", DEBUG="1")
    assert found.returncode == 1
    # Strict-Transport-Security, the redirect to https, the key, both cookies, DEBUG.
    for fault in ("W004", "W008", "W009", "W012", "W016", "W018"):
        assert f"(security.{fault})" in found.stderr


def test_what_the_page_on_deployment_needs_is_set_here() -> None:
    page = (settings.BASE_DIR / "docs/deployment.md").read_text()
    needed = page.partition("Needed in the aws profile:")[2].partition("and what the chosen roles need")[0]
    named = {word.strip("`,()=").partition("=")[0] for word in needed.split() if word.startswith("`")}
    assert {"SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL"} <= named <= PRODUCTION.keys()
