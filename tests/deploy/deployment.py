"""compose.yaml on loopback, without containers: its commands, its variables and deploy/nginx/default.conf itself.

PostgreSQL, Redis, two web processes, worker, beat and nginx are real processes. What differs from the containers is
what :meth:`Deployment._variables` and :func:`nginx_configuration` replace: names of hosts, ports and folders.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from django.conf import settings
from websockets.sync.client import connect
from websockets.typing import Origin

from mangaassist.embedded import die_with_parent, redis_program
from tests.journeys.web_processes import Tab
from tests.learned import share_with
from tests.mangaassist.postgres import INITDB, cluster
from tests.mangaassist.running import START_S, free_port, until

ROOT = Path(settings.BASE_DIR)
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
NGINX = shutil.which("nginx") or next((str(path) for path in [Path("/usr/sbin/nginx")] if path.exists()), None)
# Where nginx asks the web processes from: theirs is another address than any shopper's, as between containers.
PROXY = "127.0.0.2"
# A web process that is asked to stop may let turns finish.
STOP_S = 60
TCP_ESTABLISHED = "01"


def need_programs() -> None:
    """Skips where a program is missing; fails there with DEPLOY_TESTS=required."""
    missing = [name for name, found in (("PostgreSQL", INITDB), ("nginx", NGINX)) if found is None]
    if missing:
        said = f"{' and '.join(missing)} not installed (Debian: postgresql, nginx-light)."
        if os.environ.get("DEPLOY_TESTS") == "required":
            pytest.fail(said)
        pytest.skip(said)


def nginx_configuration(folder: Path, port: int, webs: list[int]) -> str:
    """What the image of nginx has around our file, with the file's hosts and ports put to loopback's."""
    ours = (ROOT / "deploy/nginx/default.conf").read_text()
    servers = "\n".join(f"    server 127.0.0.1:{web};" for web in webs)
    for line, instead in (("    server web:8000;", servers), ("    listen 80;", f"    listen 127.0.0.1:{port};")):
        assert ours.count(line) == 1
        ours = ours.replace(line, instead)
    bodies = " ".join(
        f"{name}_temp_path {folder / name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off; pid {folder / 'nginx.pid'}; error_log stderr warn;\n"
        f"{'user root;' if os.getuid() == 0 else ''}\n"
        f"events {{ worker_connections 1024; }}\n"
        f"http {{ access_log off; {bodies} proxy_bind {PROXY};\n{ours} }}\n"
    )


class Deployment:
    """``environment`` goes to every process of ours, over what compose.yaml sets."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self._more = environment
        self._stack = ExitStack()
        self._redis_port, self.port = free_port(), free_port()
        self.web_ports = [free_port(), free_port()]
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        # Loopback has sixteen million of them.
        self._addresses = (f"127.0.1.{number}" for number in range(1, 255))
        # As the volume of a container: its own.
        self.data_dir = folder / "data"
        share_with(self.data_dir)

    def start(self) -> None:
        self.database_url = self._stack.enter_context(cluster())
        _, *options = SERVICES["redis"]["command"]
        redis_folder = self.folder / "redis"
        redis_folder.mkdir()
        self._spawn(
            "redis", [redis_program(), "--port", str(self._redis_port), "--bind", "127.0.0.1", *options], redis_folder
        )
        self.release()
        self.start_ours()
        configuration = self.folder / "nginx.conf"
        configuration.write_text(nginx_configuration(self.folder, self.port, self.web_ports))
        assert NGINX is not None
        self._spawn("nginx", [NGINX, "-p", str(self.folder), "-c", str(configuration)], self.folder)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        until(self._is_ready, "the deployment is ready, and nginx passes on", within_s=START_S)

    def release(self) -> None:
        """The service ``release``: tables, static files, the shop."""
        done = subprocess.run(
            SERVICES["release"]["command"],
            cwd=ROOT,
            env=self._environment("release"),
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr

    def start_ours(self) -> None:
        for number in (0, 1):
            self.start_web(number)
        for name in ("worker", "beat"):
            self._spawn(name, SERVICES[name]["command"], ROOT, self._environment(name))
        for number in (0, 1):
            self.wait_for_web(number)

    def stop_ours(self) -> None:
        """All processes that use the database."""
        self._end([name for name in self.processes if name not in {"redis", "nginx"}])

    def start_web(self, number: int) -> None:
        command = [
            {"0.0.0.0": "127.0.0.1", "8000": str(self.web_ports[number])}.get(word, word)
            for word in SERVICES["web"]["command"]
        ]
        self._spawn(f"web-{number}", command, ROOT, self._environment("web"))

    def wait_for_web(self, number: int) -> None:
        address = f"http://127.0.0.1:{self.web_ports[number]}/healthz"
        until(lambda: _answers(address), f"web {number} answers", within_s=START_S)

    def kill_web(self, number: int) -> None:
        process = self.processes[f"web-{number}"]
        process.send_signal(signal.SIGKILL)
        process.wait()

    def web_of_the_only_socket(self) -> int:
        """Which web process nginx has a connection to."""
        holding = {port for port, remote in _connections() if remote == PROXY}
        (number,) = (number for number, port in enumerate(self.web_ports) if port in holding)
        return number

    def stop(self) -> None:
        self._end(list(self.processes))
        self._stack.close()

    # --- From outside

    @property
    def redis_url(self) -> str:
        return f"redis://127.0.0.1:{self._redis_port}/0"

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, **options: Any) -> httpx.Client:
        """A browser or a program, at an address of its own."""
        transport = httpx.HTTPTransport(local_address=next(self._addresses))
        return httpx.Client(base_url=self.origin, transport=transport, timeout=60, **options)

    @contextmanager
    def tab(self, token: str = "", **hello: Any) -> Iterator[Tab]:
        """A page of the shop with the widget open."""
        with self.client() as client:
            token = token or client.post("/widget/v1/token", json={}).json()["token"]
        address = f"ws://127.0.0.1:{self.port}/ws/chat/"
        source = (next(self._addresses), 0)
        with connect(address, origin=Origin(self.origin), source_address=source, close_timeout=1) as socket:
            yield Tab(socket, token, **hello)

    def manage(self, *arguments: str, fails: bool = False) -> str:
        """``manage.py`` in a container of its own → what it printed."""
        done = subprocess.run(
            ["python", "manage.py", *arguments],
            cwd=ROOT,
            env=self._environment("release"),
            check=False,
            capture_output=True,
            text=True,
        )
        assert bool(done.returncode) is fails, done.stderr
        return done.stderr if fails else done.stdout

    @property
    def operator(self) -> tuple[str, str]:
        """Name and password."""
        known = json.loads((self.data_dir / "operator.json").read_text())
        return known["name"], known["password"]

    # --- Processes

    def _environment(self, service: str) -> dict[str, str]:
        return (
            {
                # The image's PATH begins with its virtual environment.
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(self.folder),
                "PYTHONUNBUFFERED": "1",
                "DATA_DIR": str(self.data_dir),
            }
            | self._variables(SERVICES[service]["environment"])
            | self._more
        )

    def _variables(self, named: Mapping[str, str]) -> dict[str, str]:
        """compose.yaml's, with an ``.env`` that sets the secrets, and our addresses for those of its services."""
        given = {
            "SECRET_KEY": "a-key-of-this-test-and-of-nothing-else-at-all",
            "POSTGRES_PASSWORD": "trusted-on-loopback",
            "TRUSTED_PROXIES": PROXY,
        }
        values = {name: interpolate(str(value), given) for name, value in named.items()}
        values["DATABASE_URL"] = self.database_url
        values["REDIS_URL"] = values["REDIS_URL"].replace("redis:6379", f"127.0.0.1:{self._redis_port}")
        return values

    def _spawn(self, name: str, command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            path = (environment or {}).get("PATH")
            program = shutil.which(command[0], path=path)
            assert program is not None, command[0]
            self.processes[name] = subprocess.Popen(
                [program, *command[1:]],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509  (one prctl call)
            )

    def _end(self, names: list[str]) -> None:
        ending = [self.processes.pop(name) for name in names]
        for process in ending:
            process.terminate()
        for process in ending:
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _is_ready(self) -> bool:
        for name, process in self.processes.items():
            assert process.poll() is None, f"{name}: {(self.folder / f'{name}.log').read_text()[-2000:]}"
        # nginx tells nobody outside about readiness.
        inside = all(_answers(f"http://127.0.0.1:{port}/readyz") for port in self.web_ports)
        return inside and _answers(f"{self.origin}/healthz")


def interpolate(value: str, given: Mapping[str, str]) -> str:
    """Compose's ``${NAME}``, ``${NAME:-other}`` and ``${NAME:?message}``, the forms that compose.yaml has."""

    def one(found: re.Match[str]) -> str:
        name, form, other = found.groups()
        if not given.get(name):
            assert form == ":-", f"{name}: {other}"
            return str(other)
        return given[name]

    return re.sub(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}", one, value)


@contextmanager
def deployment(folder: Path, **environment: str) -> Iterator[Deployment]:
    """Skips the test where PostgreSQL or nginx is not installed."""
    need_programs()
    site = Deployment(folder, **environment)
    try:
        site.start()
        yield site
    finally:
        site.stop()


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=10).status_code == 200
    except httpx.HTTPError:
        return False


def _connections() -> Iterator[tuple[int, str]]:
    """(local port, the other's address) of each open TCP connection of this machine; Linux' own table."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, *_ = line.split()
        if state == TCP_ESTABLISHED:
            number = bytes.fromhex(remote.partition(":")[0])[::-1]
            yield int(local.partition(":")[2], 16), ".".join(map(str, number))
