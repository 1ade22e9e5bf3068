"""The clients of Redis that a process makes, and its end."""

from __future__ import annotations

import os
import subprocess
import sys

from django.conf import settings

# A program that has spoken to Redis on an event loop, and whose last thread is frozen while it imports something.
PROGRAM = """
import _imp, asyncio, threading
import django
django.setup()
from mangaassist.redis import async_client

async def ask():
    return await async_client("cache").ping()

assert asyncio.run(ask())
imports, ends = threading.Event(), threading.Event()

def freeze():
    _imp.acquire_lock()
    imports.set()
    ends.wait()

threading.Thread(target=freeze, daemon=True).start()
imports.wait()
print("answered")
"""


def test_a_program_ends_though_a_thread_of_its_is_importing() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=settings.BASE_DIR,
        env=os.environ | {"REDIS_URL": settings.REDIS_URLS["cache"]},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, "answered\n"), ran.stderr
