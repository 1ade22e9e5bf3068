"""Programs in processes of their own, of which only the first loads Django: the others are its forks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings

# Reads a line of [code, argument …] and answers with one of [status, stdout, stderr].
FORKS = """
import json, os, sys, tempfile, traceback
import django
django.setup()
for line in sys.stdin:
    code, *arguments = json.loads(line)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        if not (child := os.fork()):
            status = 1
            try:
                for file, number in ((open(os.devnull, "rb"), 0), (out, 1), (err, 2)):
                    os.dup2(file.fileno(), number)
                sys.argv = ["-c", *arguments]
                exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
                status = 0
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else int(end.code is not None)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said = [file.seek(0) or file.read().decode() for file in (out, err)]
    print(json.dumps([ended, *said]), flush=True)
"""
MANAGE = """
import sys
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[1:]])
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """As :class:`subprocess.CompletedProcess` has them; a program that a signal ended has its negative number."""

    returncode: int
    stdout: str
    stderr: str


class Loaded:
    """Django with these variables. ``prefix``: the command that starts it, to give up rights or get limits.

    A fork has no exit handlers, and the open files and imports that every program of ours has after ``django.setup()``.
    """

    def __init__(self, environment: Mapping[str, str], prefix: Sequence[str] = ()) -> None:
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-c", FORKS],
            cwd=settings.BASE_DIR,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, code: str, *arguments: str) -> Ended:
        """``code`` as ``python -c`` runs it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([code, *arguments]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "Django could not be loaded."
        return Ended(*json.loads(answer))

    def manage(self, *arguments: str) -> Ended:
        """``manage.py`` with these arguments."""
        return self.run(MANAGE, *arguments)

    def stop(self) -> None:
        self._process.communicate()
