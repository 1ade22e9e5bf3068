"""A folder on this machine: what lies in it is looked at every few seconds."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from knowledge.backends.base import (
    LARGEST_DOCUMENT_BYTES,
    TOO_LARGE,
    DocumentFault,
    DocumentGone,
    DocumentUnsettled,
    Fetched,
    KnowledgeSource,
    Listed,
    SourceUnavailable,
)

LONGEST_KEY = 1024
# A file that was written to this lately may still be on its way.
SETTLED_AFTER_S = 1.0


class FolderSource(KnowledgeSource):
    """``path``: by default ``DATA_DIR/knowledge``. Hidden files and folders, links out of it, and names that are
    no UTF-8 (of archives in Shift_JIS, say) are not there.
    """

    watched = True

    def __init__(self, *, path: str = "") -> None:
        self.path = Path(path or Path(settings.DATA_DIR) / "knowledge").resolve()

    def list(self) -> Iterator[Listed]:
        try:
            for file in sorted(self.path.rglob("*")):
                key = file.relative_to(self.path).as_posix()
                if self._is_ours(file, key):
                    stat = file.stat()
                    yield Listed(key=key, version=_version(stat) if _is_settled(stat) else "", size=stat.st_size)
        except FileNotFoundError:
            return  # Nothing there, or gone while we looked: the next look tells.
        except OSError as error:
            raise SourceUnavailable(str(error)) from error

    def fetch(self, key: str) -> Fetched:
        file = self.path / key
        if not self._is_ours(file, key):
            raise DocumentGone(key)
        version, size = "", 0
        try:
            stat = file.stat()
            version, size = _version(stat), stat.st_size
            if not _is_settled(stat):
                raise DocumentUnsettled(key)
            if size > LARGEST_DOCUMENT_BYTES:
                raise DocumentFault(TOO_LARGE, version=version, size=size)
            return Fetched(data=file.read_bytes(), version=version)
        except FileNotFoundError as error:
            raise DocumentGone(key) from error
        except PermissionError as error:
            raise DocumentFault("it may not be read", version=version, size=size) from error
        except OSError as error:
            raise SourceUnavailable(str(error)) from error

    def _is_ours(self, file: Path, key: str) -> bool:
        try:
            key.encode()
            inside = file.resolve().is_relative_to(self.path)
            hidden = any(part.startswith(".") for part in key.split("/"))
            return inside and file.is_file() and not hidden and len(key) <= LONGEST_KEY
        except (OSError, ValueError):  # a name that no file can have, or one that is no UTF-8
            return False


def _version(stat: os.stat_result) -> str:
    return f"{stat.st_size}-{stat.st_mtime_ns}"


def _is_settled(stat: os.stat_result) -> bool:
    # A clock that was wrong leaves times in the future.
    return abs(time.time() - stat.st_mtime) >= SETTLED_AFTER_S
