"""One supervised process: started, its output prefixed, restarted with a growing pause, stopped. Imports no Django."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mangaassist.embedded import die_with_parent

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 10.0
# A process that lived this long starts again without the pause that it earned before.
STEADY_AFTER_S = 20.0
# A line longer than this is shown in pieces.
LINE_BYTES = 64 * 1024
# Lines kept for a reader that is slower than the processes; what comes on top is dropped.
OUTPUT_LINES = 10_000


class Output:
    """Standard output, written by a thread: a reader that stops reading stops no process."""

    def __init__(self, *, coloured: bool) -> None:
        self.coloured = coloured
        # So wide is the column of the processes' names.
        self.column = 8
        self._lines: queue.Queue[bytes | None] = queue.Queue(OUTPUT_LINES)
        self._thread = threading.Thread(target=self._write, name="output", daemon=True)
        self._thread.start()

    def say(self, line: str) -> None:
        self._put(line.encode(errors="replace") + b"\n")

    def relay(self, name: str, colour: int, line: bytes) -> None:
        """A line of a process, behind its name."""
        prefix = f"{name:<{self.column}}| "
        if self.coloured:
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        self._put(prefix.encode() + line + b"\n")

    def close(self) -> None:
        """Writes what is left, for at most a second."""
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(None)
        self._thread.join(1)

    def _put(self, line: bytes) -> None:
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(line)

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            with contextlib.suppress(OSError):  # nobody listens any more: the processes go on
                while line:
                    line = line[os.write(sys.stdout.fileno(), line) :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run. ``on_orphan`` is the signal that it gets when the supervisor is gone without a word."""

    name: str
    command: tuple[str, ...]
    colour: int
    stop_s: float = 10.0
    on_orphan: signal.Signals = signal.SIGKILL
    pass_fds: tuple[int, ...] = ()


@dataclass(eq=False)
class Supervised:
    """A program that runs until :meth:`stop`: when it dies it is started again.

    Unless it says (exit status EX_CONFIG) that its settings are bad: then ``on_refusal`` is called.
    """

    program: Program
    output: Output
    environment: dict[str, str]
    folder: Path
    on_refusal: Callable[[], None]
    process: asyncio.subprocess.Process | None = None
    _stopping: bool = False
    _task: asyncio.Task[None] | None = field(default=None, repr=False)

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep_running(), name=self.program.name)

    async def stop(self) -> None:
        """SIGTERM, then after the program's ``stop_s`` SIGKILL to all of its process group."""
        self._stopping = True
        if self._task is None:
            return
        if self.process is None:
            self._task.cancel()
        self._signal(signal.SIGTERM)
        _, pending = await asyncio.wait([self._task], timeout=self.program.stop_s)
        self.kill()
        if pending:
            await asyncio.wait(pending, timeout=2)

    def kill(self) -> None:
        """At once. Without :meth:`stop` it is started again like one that died."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    async def _keep_running(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            began = time.monotonic()
            status = await self._run_once()
            if self._stopping:
                return
            if status == os.EX_CONFIG:
                self.on_refusal()
                return
            if time.monotonic() - began > STEADY_AFTER_S:
                pause = FIRST_PAUSE_S
            self.output.say(f"{self.program.name} ended ({_in_words(status)}); starting it again in {pause:g} s.")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _run_once(self) -> int:
        """The exit status of one life, negative for a signal."""
        self.process = process = await asyncio.create_subprocess_exec(
            *self.program.command,
            env=self.environment,
            cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            pass_fds=self.program.pass_fds,
            # A group of its own: Ctrl-C reaches the supervisor alone, which stops the others in order.
            start_new_session=True,
            preexec_fn=die_with_parent(self.program.on_orphan),
        )
        assert process.stdout is not None
        relay = asyncio.create_task(
            _relay_lines(process.stdout, lambda line: self.output.relay(self.program.name, self.program.colour, line))
        )
        status = await process.wait()
        self._signal(signal.SIGKILL)  # what it left behind in its group
        self.process = None
        await asyncio.wait([relay], timeout=1)
        relay.cancel()
        return status


async def _relay_lines(stream: asyncio.StreamReader, tell: Callable[[bytes], None]) -> None:
    rest = b""
    while chunk := await stream.read(LINE_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            tell(line.rstrip(b"\r"))
        if len(rest) > LINE_BYTES:
            tell(rest)
            rest = b""
    if rest:
        tell(rest)


def _in_words(status: int) -> str:
    return f"exit status {status}" if status >= 0 else signal.Signals(-status).name
