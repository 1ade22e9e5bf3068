"""Reading a document in a process of its own, with limits: a file of a few kilobytes can ask for hours and gigabytes.

``python -m knowledge.apart KEY SECONDS`` reads the document from standard input, in at most so much of the processor's
time, and writes what it says as JSON. It loads no Django and begins in a tenth of a second.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from knowledge.documents import DocumentUnreadable, ReadDocument, Section, read_document

CPU_S = 20
PATIENCE_S = 60
MEMORY_BYTES = 1024 * 1024 * 1024
# Shorter ones are read here when their format can't ask for much.
HARMLESS_BYTES = 16 * 1024
_ROOT = Path(__file__).resolve().parent.parent


def read_safely(key: str, data: bytes) -> ReadDocument:
    """As ``documents.read_document``. Raises :class:`DocumentUnreadable`, also for what takes too long."""
    if len(data) <= HARMLESS_BYTES and not key.lower().endswith(".pdf"):
        return read_document(key, data)
    try:
        reader = subprocess.run(
            [sys.executable, "-m", "knowledge.apart", key, str(CPU_S)],
            input=data,
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DocumentUnreadable("to read it takes too long") from error
    if reader.returncode != 0:
        raise DocumentUnreadable("to read it takes too long or too much memory")
    told = json.loads(reader.stdout)
    if "unreadable" in told:
        raise DocumentUnreadable(told["unreadable"])
    sections = tuple(Section(**section) for section in told["sections"])
    return ReadDocument(title=told["title"], locale=told["locale"], sections=sections)


def main(key: str, cpu_s: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        told = asdict(read_document(key, sys.stdin.buffer.read()))
    except DocumentUnreadable as error:
        told = {"unreadable": str(error)}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
