"""`make audit`: whether faults are known of the packages that are pinned, Python's and npm's.

Exit status: 0 none, 1 some (they are listed), 2 a database could not be asked, so that nothing is known.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What runs, and what builds and tests it: the second holds the first.
PINS = ("deploy/requirements.txt", "requirements-dev.txt")
OSV_URL = os.environ.get("AUDIT_OSV_URL", "https://api.osv.dev/v1/query")
LONGEST_S = 900
# Lines of an error that say enough.
LAST_LINES = 2


class NotAsked(Exception):
    """The database did not answer; the text says what happened."""


def python_faults(pins: str) -> Iterator[str]:
    """``package version: id`` of each. Raises :class:`NotAsked`."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        asked = run(
            *(sys.executable, "-m", "pip_audit", "--requirement", pins, "--no-deps", "--disable-pip"),
            *("--vulnerability-service", "osv", "--osv-url", OSV_URL, "--progress-spinner", "off"),
            *("--format", "json", "--output", str(report)),
        )
        if not report.exists():
            raise NotAsked(last_lines(asked.stderr))
        packages = json.loads(report.read_text())["dependencies"]
    for package in packages:
        for fault in package.get("vulns", ()):
            mended = ", ".join(fault["fix_versions"]) or "no version yet"
            yield f"{package['name']} {package['version']}: {fault['id']}, mended in {mended}"


def npm_faults() -> Iterator[str]:
    """Of what builds the widget: nothing of it is in the built files. Raises :class:`NotAsked`."""
    try:
        asked = run("npm", "audit", "--json", folder="widget")
    except FileNotFoundError as error:
        raise NotAsked("there is no npm here") from error
    try:
        told = json.loads(asked.stdout)
        faults = told["vulnerabilities"]
    except (ValueError, KeyError) as error:
        raise NotAsked(last_lines(asked.stderr or asked.stdout)) from error
    for name, fault in faults.items():
        yield f"{name} {fault['range']}: {fault['severity']}"


def run(*command: str, folder: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, cwd=ROOT / folder, capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NotAsked(f"no answer within {LONGEST_S} s") from error


def last_lines(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-LAST_LINES:])[:400] or "it said nothing"


def main(asked: Sequence[str]) -> int:
    """``asked``: files of pins, instead of our own."""
    status = 0
    sources = {f"of {pins}": python_faults(pins) for pins in asked or PINS} | {"of the widget's tools": npm_faults()}
    for what, faults in sources.items():
        try:
            found = list(faults)
        except NotAsked as reason:
            print(f"Nothing is known {what}: the database could not be asked ({reason}).", file=sys.stderr)
            status = 2
            continue
        print(f"{len(found) or 'No'} known faults {what}.", *found, sep="\n  ")
        status = max(status, 1) if found and status != 2 else status
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
