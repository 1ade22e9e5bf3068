"""A running shop under load: ``python -m bench load [--minutes 10] [--shoppers 50] [--idle 5000] [--step-s 20]``.

First the shop as it is used: shoppers who hold golden conversations and think in between, beside thousands of idle
sockets. Then questions at a growing rate until the shop cannot answer them all, and at twice that rate. The shop is a
whole ``make run`` with its limits on; shoppers are processes of their own, on the same machine. Ctrl-C or SIGTERM ends
it at any time: what was measured by then is told.
"""

from __future__ import annotations

import argparse
import os
import queue
import resource
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from bench.load_shoppers import quantile
from bench.report import put_into_report
from bench.tables import Table

# Descriptors that a process needs beside its sockets.
OTHER_FILES = 1_000
LOOK_EVERY_S = 60.0
OPENING_LIMIT_S = 1_800.0
KINDS = ("accepted", "typing", "first_delta", "final")
ERRORS_SHOWN = 5
STEP_COLUMNS = (
    "asked/s", "answered/s", "accepted p99 ms", "answer p50 ms", "answer p99 ms", "refused", "refused within ms",
    "wrong", "unanswered",
)  # fmt: skip


@dataclass
class Measured:
    """What has been measured by now."""

    turns: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    refused: int = 0
    errors: list[str] = field(default_factory=list)
    idle_open: int = 0
    talked_s: float = 0.0
    # (minutes, {process: MiB})
    memory: list[tuple[float, dict[str, float]]] = field(default_factory=list)
    # {process: seconds of processor}
    processor: Counter[str] = field(default_factory=Counter)
    steps: list[dict[str, Any]] = field(default_factory=list)
    knee: dict[str, float] = field(default_factory=dict)


class Shoppers:
    """A generating process and what it tells."""

    def __init__(self, role: str, **configuration: Any) -> None:
        from mangaassist.embedded import die_with_parent

        self.told: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.load_shoppers", role, orjson.dumps(configuration).decode()],
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509  (one prctl call)
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.told.put(orjson.loads(line))

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


class Load:
    """One run."""

    def __init__(self, options: argparse.Namespace, running: Any, identity_key: str) -> None:
        from shop.demo.shoppers import DEMO_SHOPPERS

        self.options = options
        self.measured = Measured()
        self._running = running
        self._lines_said = len(running.lines)
        self._configuration = {
            "port": running.port,
            "identity_key": identity_key,
            "customers": [each.customer_id for each in DEMO_SHOPPERS],
        }

    def run(self) -> None:
        idle = Shoppers("idle", shoppers=self.options.idle, **self._configuration)
        try:
            self._await_idle(idle)
            self._talk(idle)
        finally:
            idle.stop()
        if self.options.step_s:
            self._rise()

    def _await_idle(self, idle: Shoppers) -> None:
        until = time.monotonic() + OPENING_LIMIT_S
        while self.measured.idle_open < self.options.idle and time.monotonic() < until:
            self._say_log()
            _say(f"{self.measured.idle_open:,} of {self.options.idle:,} idle sockets are open")
            self._take(idle.told, for_s=10, enough=lambda: self.measured.idle_open >= self.options.idle)
            if idle.process.poll() is not None or self.measured.errors:
                return

    def _talk(self, idle: Shoppers) -> None:
        talking = Shoppers("talking", shoppers=self.options.shoppers, **self._configuration)
        began, before = time.monotonic(), self._processor()
        ends = began + self.options.minutes * 60
        try:
            while (now := time.monotonic()) < ends:
                self._look(now - began)
                until = min(ends, now + LOOK_EVERY_S)
                while (left := until - time.monotonic()) > 0:
                    self._take(talking.told, for_s=min(1.0, left))
                    self._take(idle.told, for_s=0)
                self._say_log()
                _say(
                    f"minute {(time.monotonic() - began) / 60:.0f}: {len(self.measured.turns['final']):,} turns, "
                    f"{len(self.measured.errors)} errors, web {self.measured.memory[-1][1].get('web', 0):.0f} MiB"
                )
        finally:
            self.measured.talked_s = time.monotonic() - began
            self._look(self.measured.talked_s)
            self.measured.processor = self._processor()
            self.measured.processor.subtract(before)
            talking.stop()
            self._take(talking.told, for_s=0)

    def _rise(self) -> None:
        rising = Shoppers("rising", step_s=self.options.step_s, **self._configuration)
        try:
            while rising.process.poll() is None:
                self._take(rising.told, for_s=1)
                self._say_log()
            time.sleep(0.2)
            self._take(rising.told, for_s=0)
        finally:
            rising.stop()

    # --- What is told

    def _say_log(self) -> None:
        """Whatever the shop warns of."""
        lines = self._running.lines[self._lines_said :]
        self._lines_said += len(lines)
        for line in lines:
            _say(line)

    def _take(self, told: queue.SimpleQueue[dict[str, Any]], *, for_s: float, enough: Any = None) -> None:
        until = time.monotonic() + for_s
        while not (enough and enough()):
            try:
                line = told.get(timeout=max(0.001, until - time.monotonic()))
            except queue.Empty:
                return
            self._note(line)

    def _note(self, line: dict[str, Any]) -> None:
        measured = self.measured
        if "turn" in line:
            for kind in KINDS:
                measured.turns[kind].append(line["turn"][kind])
        elif "opened" in line:
            measured.idle_open = line["opened"]
        elif "refused" in line:
            measured.refused += 1
        elif "error" in line:
            measured.errors.append(f"{line['error']} ({line['journey']})")
            _say(measured.errors[-1])
        elif "step" in line:
            measured.steps.append(line["step"])
            step = line["step"]
            _say(
                f"{step['rate']:.0f} questions/s: {step['throughput']:.1f} answered/s, p99 {step['final_p99']:.0f} ms, "
                f"{step['refused']} refused"
            )
        elif "knee" in line:
            measured.knee = line

    # --- Processes

    def _look(self, after_s: float) -> None:
        memory = {name: sum(map(_kilobytes, _family(pid))) / 1024 for name, pid in self._running.children().items()}
        self.measured.memory.append((after_s / 60, memory))

    def _processor(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for name, pid in self._running.children().items():
            for each in _family(pid):
                found[name] += _processor_s(each)  # type: ignore[assignment]
        return found


def _family(pid: int) -> list[int]:
    """A process and all below it; empty when it has gone."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(each for child in children for each in _family(int(child)))]


def _kilobytes(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    except (OSError, StopIteration):
        return 0


def _processor_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _say(text: str) -> None:
    sys.stderr.write(f"load: {text}\n")
    sys.stderr.flush()


# --- Tables


def tables(options: argparse.Namespace, measured: Measured) -> Iterator[Table]:
    if measured.talked_s:
        yield _times(options, measured)
    if len(measured.memory) > 1:
        yield _memory(options, measured)
    if measured.steps:
        yield _steps(measured)
        yield from _refusing(measured)


def _times(options: argparse.Namespace, measured: Measured) -> Table:
    names = {
        "accepted": "accepted",
        "typing": "typing indicator",
        "first_delta": "first words",
        "final": "whole answer",
    }
    turns = len(measured.turns["final"])
    worst = "; ".join(measured.errors[:ERRORS_SHOWN])
    return Table(
        title=f"Load: {_who(options, measured)}",
        columns=["from a question to", "p50 ms", "p90 ms", "p99 ms", "longest ms"],
        rows=[
            [name, *(f"{quantile(measured.turns[kind], share):.1f}" for share in (0.5, 0.9, 0.99, 1.0))]
            for kind, name in names.items()
        ],
        note=f"{measured.talked_s / 60:.2g} minutes, {turns:,} turns ({turns / measured.talked_s:.1f}/s), "
        f"{len(measured.errors)} errors, {measured.refused} refused as busy.{' ' + worst + '.' if worst else ''} "
        "Golden conversations in both languages, 4 to 10 s of thought before each question, every conversation on a "
        "new socket; idle sockets ping as the widget does. The generator takes its part of the machine.",
    )


def _who(options: argparse.Namespace, measured: Measured) -> str:
    return f"{options.shoppers} shoppers and {measured.idle_open:,} idle sockets"


def _memory(options: argparse.Namespace, measured: Measured) -> Table:
    # The beginning, after which caches fill, and then as many as a page is wide.
    shown = [*measured.memory[:2], *measured.memory[-1 : 1 : -max(1, len(measured.memory) // 10)][::-1]]
    processes = sorted({name for _, memory in measured.memory for name in memory})
    rows = [
        [
            name,
            *(f"{memory.get(name, 0):.0f}" for _, memory in shown),
            _growth(name, measured),
            _busy(name, measured),
        ]
        for name in processes
    ]
    return Table(
        title=f"Load: memory of each process under {_who(options, measured)}, MiB",
        columns=["", *(f"{at:.0f} min" for at, _ in shown), "growth", "processor"],
        rows=rows,
        note="Resident, with child processes. Growth is from the first minute (before it caches fill) to the end; "
        "processor is the share of one core. Redis grows until what it keeps expires (streams after ten minutes, "
        "conversations after theirs), a worker until each of its threads has read the database.",
    )


def _growth(name: str, measured: Measured) -> str:
    first = measured.memory[min(1, len(measured.memory) - 2)][1].get(name, 0)
    last = measured.memory[-1][1].get(name, 0)
    return f"{(last - first) / first:+.1%}" if first else "—"


def _busy(name: str, measured: Measured) -> str:
    return f"{measured.processor[name] / measured.talked_s:.0%}"


def _steps(measured: Measured) -> Table:
    return Table(
        title="Load: questions at a growing rate, then at twice the knee's, then at half of it",
        columns=list(STEP_COLUMNS),
        rows=[
            [
                f"{step['rate']:.0f}",
                f"{step['throughput']:.1f}",
                f"{step['accepted_p99']:.0f}",
                f"{step['final_p50']:.0f}",
                f"{step['final_p99']:.0f}",
                f"{step['refused'] / max(1, step['offered']):.1%}",
                f"{step['refusal_p99']:.0f}",
                f"{step['wrong']}",
                f"{step['unanswered']}",
            ]
            for step in measured.steps
        ],
        note="They come at random (Poisson), whatever became of those before. Refused is an `error` `busy` that says "
        "when to come back, within the time of its p99; nothing of it was stored. Unanswered: accepted, and no answer "
        f"within a minute. {sum(step['missed'] for step in measured.steps)} questions had nobody to ask them.",
    )


def _refusing(measured: Measured) -> Iterator[Table]:
    beyond = [step for step in measured.steps if measured.knee and abs(step["rate"] - 2 * measured.knee["knee"]) < 1e-6]
    for step in beyond[-1:]:
        share = step["throughput"] / measured.knee["throughput"]
        yield Table(
            title="Load: the knee, and twice as much",
            columns=["", "asked/s", "answered/s"],
            rows=[
                ["the knee", f"{measured.knee['knee']:.0f}", f"{measured.knee['throughput']:.1f}"],
                ["twice the knee", f"{step['rate']:.0f}", f"{step['throughput']:.1f} ({share:.0%})"],
            ],
            note="The knee is the highest rate of which 99 % were accepted, the slowest of a hundred was answered "
            "within 5 s, and 90 % of those asked a second or more before a step's end by then. Answers are counted "
            "after the first quarter of a step, in which the queues fill.",
        )


# --- One run


def allow_files(wanted: int) -> None:
    """Raises the limit of open files, for this process and those it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted or soft == resource.RLIM_INFINITY:
        return
    if hard not in {resource.RLIM_INFINITY} and hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
        except (ValueError, OSError):
            raise SystemExit(f"{wanted:,} open files are needed and {hard:,} allowed: ulimit -Hn {wanted}") from None
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextmanager
def _shop(identity_key: str, folder: Path) -> Iterator[Any]:
    from tests.mangaassist.running import Running, free_port

    running = Running(
        folder / "shop", free_port(), DEMO="1", LOG_LEVEL="WARNING", WIDGET_IDENTITY_KEY=identity_key
    )  # fmt: skip
    try:
        _say("the shop starts (the first time it learns, for a minute or two)")
        running.wait_ready()
        yield running
    finally:
        if running.process.poll() is None:
            running.stop(signal.SIGTERM)


def main(arguments: Sequence[str]) -> int:
    """0: without an error; 1: with errors or stopped early."""
    parser = argparse.ArgumentParser(prog="python -m bench load", description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=10, help="of shoppers and idle sockets (%(default)s)")
    parser.add_argument("--shoppers", type=int, default=50, help="who talk at the same time (%(default)s)")
    parser.add_argument("--idle", type=int, default=5_000, help="sockets that only sit there (%(default)s)")
    parser.add_argument(
        "--step-s", type=float, default=20, help="seconds of each rate; 0: no rising load (%(default)s)"
    )
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md as well")
    options = parser.parse_args(arguments)
    allow_files(options.idle + 2 * OTHER_FILES)
    for name in ("REDIS_URL", "DATABASE_URL"):
        os.environ.pop(name, None)
    identity_key, stopped, measured = secrets.token_urlsafe(40), False, Measured()

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    with tempfile.TemporaryDirectory(prefix="ma-load-") as folder:
        os.environ |= {"DATA_DIR": str(Path(folder) / "bench"), "DJANGO_SETTINGS_MODULE": "mangaassist.settings"}
        try:
            with _shop(identity_key, Path(folder)) as running:
                load = Load(options, running, identity_key)
                measured = load.measured
                load.run()
        except KeyboardInterrupt:
            _say("stopped; what was measured by now:")
            stopped = True
    for table in (found := list(tables(options, measured))):
        sys.stdout.write(table.markdown() + "\n")
    if options.write and not stopped:
        put_into_report(found, datetime.now(UTC).date())
    return int(stopped or bool(measured.errors))
