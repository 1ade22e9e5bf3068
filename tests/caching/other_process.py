"""A second real process on the same Redis: does what its standard input says, one line at a time."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class OtherProcess:
    """``ask("read B1 title")`` waits for its answer; ``send`` does not. Commands: see ``main``."""

    def __init__(self, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.caching.other_process"],
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> OtherProcess:
        assert self.answer() == "ready"
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()

    def send(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def ask(self, command: str) -> str:
        self.send(command)
        return self.answer()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    import django

    django.setup()

    from caching.behind import behind
    from caching.invalidation import invalidate
    from caching.models import CachePolicy
    from caching.policy_cache import policy_cache
    from caching.registry import register_kind
    from mangaassist.redis import sync_client
    from tests.caching.conftest import FACTS, Facts

    register_kind(FACTS)
    say("ready")

    def read(asin: str, title: str) -> str:
        """The title that the cache gives; ``title`` is what a computation would find."""
        found = policy_cache.get_or_compute(FACTS, (asin,), lambda: Facts(asin=asin, series="s", title=title))
        behind.finish()
        return found.title if found is not None else "none"

    def hang(asin: str) -> str:
        """Takes the lease, says so, and never comes back."""

        def compute() -> Facts:
            say("computing")
            time.sleep(600)
            raise AssertionError

        policy_cache.get_or_compute(FACTS, (asin,), compute)
        return "unreachable"

    def cold(asin: str, callers: str) -> str:
        """Many concurrent callers of one key; counts computations of all processes in Redis."""

        async def compute() -> Facts:
            sync_client("streams").incr("computations")
            await asyncio.sleep(0.2)
            return Facts(asin=asin, series="s", title="one")

        async def ask() -> Facts | None:
            return await policy_cache.aget_or_compute(FACTS, (asin,), compute)

        async def everybody() -> set[str]:
            found = await asyncio.gather(*(ask() for _ in range(int(callers))))
            await behind.afinish()
            return {each.title for each in found if each is not None}

        return ",".join(asyncio.run(everybody()))

    def policy(ttl_s: str) -> str:
        row = CachePolicy.objects.get(pk=FACTS.name)
        row.ttl_s = int(ttl_s)
        row.save()
        return "saved"

    def bump(tag: str) -> str:
        invalidate([tag])
        return "bumped"

    def prepare() -> str:
        CachePolicy.objects.create_missing()
        return "prepared"

    commands = {each.__name__: each for each in (read, hang, cold, policy, bump, prepare)}
    for line in sys.stdin:
        name, *words = line.split()
        say(str(commands[name](*words)))


if __name__ == "__main__":
    main()
