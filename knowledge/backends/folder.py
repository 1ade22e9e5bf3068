"""A folder on this machine: what lies in it is looked at every few seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from knowledge.backends.base import (
    LARGEST_DOCUMENT_BYTES,
    DocumentGone,
    DocumentTooLarge,
    Fetched,
    KnowledgeSource,
    Listed,
    SourceUnavailable,
)

# A file that was written to this lately may still be on its way.
SETTLED_AFTER_S = 1.0


class FolderSource(KnowledgeSource):
    """``path``: by default ``DATA_DIR/knowledge``. Hidden files and folders, and links out of it, are not there."""

    watched = True

    def __init__(self, *, path: str = "") -> None:
        self.path = Path(path or Path(settings.DATA_DIR) / "knowledge").resolve()

    def list(self) -> Iterator[Listed]:
        try:
            for file in sorted(self.path.rglob("*")):
                key = file.relative_to(self.path).as_posix()
                if self._is_ours(file, key):
                    stat = file.stat()
                    if time.time() - stat.st_mtime >= SETTLED_AFTER_S:
                        yield Listed(key=key, version=_version(stat.st_size, stat.st_mtime_ns), size=stat.st_size)
        except FileNotFoundError:
            return  # Nothing there, or gone while we looked: the next look tells.
        except OSError as error:
            raise SourceUnavailable(str(error)) from error

    def fetch(self, key: str) -> Fetched:
        file = self.path / key
        if not self._is_ours(file, key):
            raise DocumentGone(key)
        try:
            stat = file.stat()
            version = _version(stat.st_size, stat.st_mtime_ns)
            if stat.st_size > LARGEST_DOCUMENT_BYTES:
                raise DocumentTooLarge(key, version, stat.st_size)
            return Fetched(data=file.read_bytes(), version=version)
        except FileNotFoundError as error:
            raise DocumentGone(key) from error
        except OSError as error:
            raise SourceUnavailable(str(error)) from error

    def _is_ours(self, file: Path, key: str) -> bool:
        try:
            inside = file.resolve().is_relative_to(self.path)
            return inside and file.is_file() and not any(part.startswith(".") for part in key.split("/"))
        except (OSError, ValueError):  # a name that no file can have
            return False


def _version(size: int, modified_ns: int) -> str:
    return f"{size}-{modified_ns}"
