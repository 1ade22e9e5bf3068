"""What browsers keep for ever is named for what it holds, modules and all that they import included; how it is served."""

from __future__ import annotations

import asyncio
import re
import warnings
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import storage
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import RequestFactory

from mangaassist.asgi import application
from mangaassist.static_files import StaticFiles

HASHED = re.compile(r"^[\w-]+\.[0-9a-f]{12}\.js$")
IMPORTED = re.compile(r'^(?:import|export)\b[^"]*"\./([^"]+)"', re.MULTILINE)


@pytest.fixture
def collected(settings: Any, tmp_path: Path) -> Path:
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "mangaassist.static_files.ModuleStorage"}}
    return tmp_path / "static"


def modules_from(folder: Path, name: str) -> set[str]:
    """All that a page loads which begins with this module."""
    found, waiting = set[str](), [name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += IMPORTED.findall((folder / name).read_text("utf-8"))
    return found


def test_every_module_of_the_desk_is_asked_for_by_its_hash(collected: Path) -> None:
    call_command("collectstatic", interactive=False, verbosity=0)
    entry = storage.staticfiles_storage.url("desk/desk.js").rpartition("/")[2]
    loaded = modules_from(collected / "desk", entry)
    assert all(HASHED.match(name) for name in loaded)
    # And nothing lies in the folder that no page loads.
    sources = {path.name for path in (Path(__file__).parents[2] / "static/desk").glob("*.js")}
    assert {re.sub(r"\.[0-9a-f]{12}", "", name) for name in loaded} == sources
    assert len(sources) > 5


def test_modules_that_import_each_other_are_not_delivered(collected: Path, settings: Any, tmp_path: Path) -> None:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "a.js").write_text('import { b } from "./b.js";\nexport const a = 1;\n')
    (folder / "b.js").write_text('import { a } from "./a.js";\nexport const b = 2;\n')
    settings.STATICFILES_DIRS = [folder]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    with pytest.raises((CommandError, RuntimeError), match="passes exceeded"):
        call_command("collectstatic", interactive=False, verbosity=0)


STYLE = Path(__file__).parents[2] / "static/admin/room.css"
SIZE = STYLE.stat().st_size


@pytest.mark.parametrize(
    ("method", "asks", "status", "told", "content"),
    [
        (
            "GET",
            {},
            200,
            {"content-type": 'text/css; charset="utf-8"', "content-length": str(SIZE)},
            STYLE.read_bytes(),
        ),
        ("HEAD", {}, 200, {"content-length": str(SIZE)}, b""),
        (
            "GET",
            {"range": "bytes=2-11"},
            206,
            {"content-range": f"bytes 2-11/{SIZE}", "content-length": "10"},
            STYLE.read_bytes()[2:12],
        ),
        ("GET", {"range": f"bytes={SIZE}-"}, 416, {"content-range": f"bytes */{SIZE}"}, b""),
        ("POST", {}, 405, {"allow": "GET, HEAD"}, b""),
    ],
)
async def test_a_file_is_one_answer_of_the_application(
    method: str, asks: dict[str, str], status: int, told: dict[str, str], content: bytes
) -> None:
    start, body = await answered(method, "/static/admin/room.css", asks)
    assert start["status"] == status
    headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    assert told.items() <= headers.items()
    assert (body["body"], body.get("more_body", False)) == (content, False)


async def test_what_a_browser_has_already_is_not_sent_again() -> None:
    start, _ = await answered("GET", "/static/admin/room.css", {})
    mark = dict(start["headers"])[b"ETag"].decode()
    start, body = await answered("GET", "/static/admin/room.css", {"if-none-match": mark})
    assert (start["status"], body["body"]) == (304, b"")


def test_a_file_that_was_replaced_since_the_start_is_sent_whole(
    settings: Any, tmp_path: Path, rf: RequestFactory
) -> None:
    settings.WHITENOISE_AUTOREFRESH = False
    style = tmp_path / "a.css"
    style.write_text("a {}")
    serving = StaticFiles(lambda request: HttpResponse(status=404))
    serving.add_files(str(tmp_path), prefix="/here/")
    style.write_text("a {} b {}")
    answer = serving(rf.get("/here/a.css"))
    assert (answer.content, answer["Content-Length"]) == (b"a {} b {}", "9")


async def answered(method: str, path: str, headers: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer's beginning and its one piece."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "client": ("127.0.0.1", 1), "server": ("testserver", 80),
        "headers": [(b"host", b"testserver"), *((name.encode(), value.encode()) for name, value in headers.items())],
    }  # fmt: skip
    requests: list[dict[str, Any]] = [{"type": "http.request", "body": b"", "more_body": False}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not requests:
            await asyncio.Event().wait()
        return requests.pop()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await application(scope, receive, send)  # type: ignore[arg-type]
    start, body = sent
    return start, body
