"""`make run`: Redis, then the preparation, then web, worker and beat, each started again when it dies.

Imports no Django, so that it starts at once. What it needs of the environment: mangaassist.site; the rest is for the
processes that it starts.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Coroutine
from typing import Any

from mangaassist import embedded, environment, prepared, stillness
from mangaassist.site import BASE_DIR, CannotStart, Site
from mangaassist.supervised import Output, Program, Supervised

REDIS_START_S = 10.0
READY_POLL_S = 0.1
WATCH_EVERY_S = 5.0
# Not ready after this long: say what is awaited.
PATIENCE_S = 15.0
# What Celery is asked to run (docs/decisions/0009-celery-queues-and-limits.md; compose.yaml runs the same).
_ALONE = ("--without-mingle", "--without-gossip", "--without-heartbeat")
WORKER = ("worker", "--queues", "interactive,delivery", "--pool", "threads", "--concurrency", "8", *_ALONE)
# One process for each task: it can be killed at its time limit, and what training has taken goes back (KiB).
BATCH_WORKER = (
    *("worker", "--queues", "batch", "--pool", "prefork", "--concurrency", "1"),
    *("--max-memory-per-child", "400000", *_ALONE),
)
# A worker without heartbeat for this long, while everything else is well, hangs.
HUNG_AFTER_S = 40.0


class Patience:
    """What is said of parts that are not well: nothing for a while, then their names again and again, and their end."""

    def __init__(self) -> None:
        self._until: float | None = None
        self._has_told = False

    def word_on(self, parts: list[str], now: float) -> str:
        """``parts``: of /readyz, those that are not well at ``now`` (seconds); "": nothing to say."""
        if not parts:
            has_told, self._has_told, self._until = self._has_told, False, None
            return "MangaAssist is ready again." if has_told else ""
        self._until = now + PATIENCE_S if self._until is None else self._until
        if now <= self._until:
            return ""
        self._until, self._has_told = now + PATIENCE_S, True
        return f"Still waiting for: {', '.join(parts)}."


class Supervisor:
    """One site's processes, from the first to the last."""

    def __init__(self, site: Site, listener: socket.socket, lock: int, output: Output) -> None:
        self.site = site
        self.output = output
        self._listener = listener
        self._lock = lock
        self._stop = asyncio.Event()
        self._environment = os.environ | {
            "DATA_DIR": str(site.data_dir),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "mangaassist.settings",
            # The web server runs the checks; the worker would load every page's code for them.
            "CELERY_SKIP_CHECKS": "1",
        }
        self._running: dict[str, Supervised] = {}
        self._preparing: asyncio.subprocess.Process | None = None
        self._refused = False

    def ask_to_stop(self) -> None:
        """The first time: everything ends in order. The second time: at once."""
        if self._stop.is_set():
            for each in self._running.values():
                each.kill()
            return
        self._stop.set()
        self.output.say("Stopping …")

    async def run(self) -> None:
        """Until it is asked to stop. Raises :class:`CannotStart`."""
        try:
            await self._until_stopped(self._live())
        finally:
            await self._stop_all()
        if self._refused:
            raise CannotStart("MangaAssist cannot start: see above.")

    def _refuse(self) -> None:
        self._refused = True
        self._stop.set()

    async def _live(self) -> None:
        if self.site.private_redis:
            await self._start_redis()
        await self._prepare()
        programs = self._programs()
        self.output.column = max(len(each.name) for each in programs)
        for program in programs:
            self._start(program)
        await self._announce_ready()
        # Nobody waits for what it does: it starts when the others have had the processors for themselves.
        self._start(self._batch_program())
        await asyncio.gather(self._watch_parts(), self._watch_stillness())

    async def _until_stopped(self, life: Coroutine[Any, Any, None]) -> None:
        tasks: set[asyncio.Task[Any]] = {asyncio.create_task(life), asyncio.create_task(self._stop.wait())}
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()

    # --- Start, in this order

    async def _start_redis(self) -> None:
        try:
            command = embedded.redis_command(self.site.data_dir)
        except embedded.RedisUnavailable as error:
            raise CannotStart(str(error)) from error
        self._start(
            Program(
                name="redis",
                command=tuple(command),
                colour=35,
                on_orphan=signal.SIGTERM,
                # It holds the folder's lock as long as it lives, whatever becomes of us.
                pass_fds=(self._lock,),
            )
        )
        deadline = time.monotonic() + REDIS_START_S
        while not embedded.answers(self.site.data_dir):
            if time.monotonic() > deadline:
                raise CannotStart(
                    f"Redis did not start within {REDIS_START_S:g} s: see {self.site.data_dir / 'redis' / 'redis.log'}"
                )
            await asyncio.sleep(0.02)

    async def _prepare(self) -> None:
        """Settings checked, tables migrated, demo shop loaded: one process, which draws its own progress.

        Nothing of it when all of that stands since an earlier start: to find that out with Django takes two seconds.
        """
        said = prepared.recall(self.site.data_dir)
        if said is not None:
            for line in said:
                self.output.say(line)
            return
        process = self._preparing = await asyncio.create_subprocess_exec(
            *(sys.executable, "manage.py", "demo", "--prepare"),
            env=self._environment,
            cwd=BASE_DIR,
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=embedded.die_with_parent(signal.SIGTERM),
        )
        status = await process.wait()
        self._preparing = None
        if status != 0:
            raise CannotStart("MangaAssist cannot start: see above.")

    def _programs(self) -> list[Program]:
        python, celery = sys.executable, _celery()
        fd = self._listener.fileno()
        programs = [
            Program(
                name="web",
                command=(python, "-m", "mangaassist.server", "--fd", str(fd)),
                colour=36,
                stop_s=45,  # running turns may finish
                pass_fds=(fd,),
            ),
            Program(
                name="worker",
                # Threads: tasks wait for the database and the network, and one process starts and dies faster.
                command=(*celery, "mangaassist", *WORKER),
                colour=33,
            ),
            Program(name="beat", command=(*celery, "mangaassist.beat", "beat", "--pidfile="), colour=32),
        ]
        programs += [
            Program(
                name=topic,
                command=(python, "manage.py", "consume", topic),
                colour=34,
                stop_s=15,  # its long poll
            )
            for topic in self.site.consumed
        ]
        return programs

    def _batch_program(self) -> Program:
        return Program(name="batch", command=(*_celery(), "mangaassist", *BATCH_WORKER), colour=31)

    def _start(self, program: Program) -> None:
        own = {"METRICS_PORT": str(self.site.metrics_port_of(program.name))}
        supervised = Supervised(program, self.output, self._environment | own, BASE_DIR, self._refuse)
        self._running[program.name] = supervised
        supervised.start()

    # --- While it runs

    async def _announce_ready(self) -> None:
        patience = Patience()
        while parts := await self._parts_not_ready():
            if word := patience.word_on(parts, time.monotonic()):
                self.output.say(word)
            await asyncio.sleep(READY_POLL_S)
        self.output.say(f"MangaAssist is ready: {self.site.url}")

    async def _watch_parts(self) -> None:
        """Says what is not well for long, and when it is again. A worker or beat that lives but works no more (it
        happens after a broken Redis connection) is restarted.
        """
        silent_since: float | None = None
        patience = Patience()
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            parts = await self._parts_not_ready()
            if word := patience.word_on(parts, time.monotonic()):
                self.output.say(word)
            if parts != ["worker"]:
                silent_since = None
                continue
            silent_since = silent_since or time.monotonic()
            if time.monotonic() - silent_since > HUNG_AFTER_S:
                self.output.say("No heartbeat of the worker: starting worker and beat again.")
                self._running["worker"].kill()
                self._running["beat"].kill()
                silent_since = None

    async def _watch_stillness(self) -> None:
        """Whatever stands still is started again, before others miss it or what it holds."""
        watch = stillness.Watch(self.site.database)
        while True:
            await asyncio.sleep(stillness.LOOK_EVERY_S)
            running = {each.process.pid: each for each in self._running.values() if each.process is not None}
            for pid, what in watch.look(running).items():
                self.output.say(f"{running[pid].program.name} {what}: starting it again.")
                running[pid].kill()

    async def _parts_not_ready(self) -> list[str]:
        """The names of /readyz' parts that are not well; ``["web"]`` when it does not answer."""
        try:
            body = await asyncio.wait_for(self._get("/readyz"), timeout=5)
            return [name for name, part in json.loads(body)["parts"].items() if not part["ok"]]
        except (OSError, ValueError, KeyError, TimeoutError, asyncio.IncompleteReadError):
            return ["web"]

    async def _get(self, path: str) -> bytes:
        """The body of one GET, by hand: an HTTP library would be half of the start-up time."""
        reader, writer = await asyncio.open_connection(self.site.reachable_host, self.site.port)
        try:
            writer.write(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
            answer = await reader.read()
        finally:
            writer.close()
        return answer.partition(b"\r\n\r\n")[2]

    # --- Stop, Redis last

    async def _stop_all(self) -> None:
        self._listener.close()
        if self._preparing is not None:
            with contextlib.suppress(ProcessLookupError):
                self._preparing.terminate()
            await self._preparing.wait()
        redis = self._running.pop("redis", None)
        await asyncio.gather(*(each.stop() for each in self._running.values()))
        if redis is not None:
            self._running = {"redis": redis}
            await redis.stop()
            embedded.remove_socket_folder(self.site.data_dir)


def _celery() -> tuple[str, ...]:
    # A container's root is its own: Celery's page of warning about it is not for our readers.
    return (sys.executable, "-W", "ignore:You're running the worker", "-m", "celery", "--quiet", "--app")


async def supervise(site: Site, listener: socket.socket, lock: int, output: Output) -> None:
    supervisor = Supervisor(site, listener, lock, output)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.ask_to_stop)
    await supervisor.run()


def main() -> int:
    """The exit status."""
    environment.read_file(BASE_DIR / ".env")
    output = Output(coloured=sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    try:
        site = Site.from_environment()
        output.say(f"MangaAssist starts with its data in {site.data_dir} (Ctrl-C stops it).")
        listener = site.listen()
        lock = embedded.lock_data_dir(site.data_dir)
        asyncio.run(supervise(site, listener, lock, output))
    except (CannotStart, embedded.DataDirInUse) as error:
        output.say(str(error))
        return 1
    else:
        output.say("MangaAssist has stopped.")
        return 0
    finally:
        output.close()


if __name__ == "__main__":
    # The output's thread may be stuck in a write that nobody reads: leave without waiting for it.
    status = main()
    os._exit(status)
