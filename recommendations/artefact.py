"""The trained model on disk: a folder per version and a pointer, swapped so that a reader never sees half of one.

DATA_DIR/recommender/<version>/model.npz   ids, popularity, trends, session index
                               ease.npy    the item-item matrix, mapped and so shared by all processes
                               quality     NDCG@10 of its trial (recommendations/promotion.py)
DATA_DIR/recommender/current               the version in force
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import structlog
from django.conf import settings

from recommendations.ease import Floats
from recommendations.sessions import SessionIndex

log = structlog.get_logger(__name__)

KEPT_VERSIONS = 2
QUALITY = "quality"


class ModelCorrupt(Exception):
    """The files are not a whole model of ours."""


@dataclass(frozen=True, eq=False)
class Model:
    """Items are series, in the order of their ids. ``ease`` covers the items of ``ease_items`` only.

    ``popularity``: strength of all interactions, halved every 30 days. ``trending``: how unusually many readers each
    item found lately, in standard deviations, or 0. ``readers``: how many had each item.
    """

    item_ids: tuple[str, ...]
    popularity: Floats
    trending: Floats
    sessions: SessionIndex
    ease_items: npt.NDArray[np.int32]
    ease: Floats

    @cached_property
    def index(self) -> dict[str, int]:
        return {id: place for place, id in enumerate(self.item_ids)}

    @cached_property
    def ease_index(self) -> npt.NDArray[np.int32]:
        """From an item to its row of ``ease``; -1 where it has none."""
        places = np.full(len(self.item_ids), -1, dtype=np.int32)
        places[self.ease_items] = np.arange(len(self.ease_items), dtype=np.int32)
        return places

    @cached_property
    def readers(self) -> npt.NDArray[np.int64]:
        return np.diff(self.sessions.item_starts)

    @cached_property
    def version(self) -> str:
        """Follows from the content: the same data trains to the same version."""
        digest = hashlib.blake2b("\n".join(self.item_ids).encode(), digest_size=8)
        for array in (*_arrays(self).values(), self.ease):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def directory() -> Path:
    return Path(settings.DATA_DIR) / "recommender"


def _arrays(model: Model) -> dict[str, npt.NDArray[np.generic]]:
    return {
        "popularity": model.popularity,
        "trending": model.trending,
        "reader_starts": model.sessions.reader_starts,
        "by_reader": model.sessions.by_reader,
        "item_starts": model.sessions.item_starts,
        "by_item": model.sessions.by_item,
        "ease_items": model.ease_items,
    }


def publish(model: Model, *, quality: float | None = None) -> str:
    """Writes the model and makes it the one in force; the version. ``quality``: what its trial found, to compare."""
    root = directory()
    root.mkdir(parents=True, exist_ok=True)
    target = root / model.version
    if not _is_whole(target):
        shutil.rmtree(target, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=root))
        try:
            np.savez(draft / "model.npz", item_ids=np.array(model.item_ids, dtype=str), **_arrays(model))  # type: ignore[arg-type]
            np.save(draft / "ease.npy", model.ease)
            if quality is not None:
                (draft / QUALITY).write_text(repr(quality))
            draft.replace(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    handle, pointer = tempfile.mkstemp(prefix=".current-", dir=root)
    with os.fdopen(handle, "w") as file:
        file.write(model.version)
        file.flush()
        os.fsync(file.fileno())
    Path(pointer).replace(root / "current")
    _forget_old(root, keep=model.version)
    return model.version


def _is_whole(folder: Path) -> bool:
    try:
        load(folder)
    except ModelCorrupt:
        return False
    return True


def _forget_old(root: Path, keep: str) -> None:
    """A process that still maps an old matrix keeps it until it lets go."""
    old = [path for path in root.iterdir() if path.is_dir() and path.name != keep]
    old.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in old[KEPT_VERSIONS - 1 :]:
        shutil.rmtree(path, ignore_errors=True)


def load(folder: Path) -> Model:
    """Raises :class:`ModelCorrupt` for files that are missing, cut off or contradict each other."""
    try:
        with np.load(folder / "model.npz", allow_pickle=False) as stored:
            ids = tuple(str(each) for each in stored["item_ids"])
            model = Model(
                item_ids=ids,
                popularity=stored["popularity"],
                trending=stored["trending"],
                sessions=SessionIndex(
                    *(stored[name] for name in ("reader_starts", "by_reader", "item_starts", "by_item"))
                ),
                ease_items=stored["ease_items"],
                ease=np.load(folder / "ease.npy", mmap_mode="r", allow_pickle=False),
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ModelCorrupt(f"{folder}: {error}") from error
    covered = len(model.ease_items)
    if (
        len(model.popularity) != len(ids)
        or len(model.trending) != len(ids)
        or model.sessions.items != len(ids)
        or model.ease.shape != (covered, covered)
        or (covered and int(model.ease_items.max()) >= len(ids))
    ):
        raise ModelCorrupt(f"{folder}: the arrays do not belong together.")
    return model


class ModelStore:
    """The model in force, loaded at first use and again when the pointer has moved. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stamp: tuple[str, int, int] | None = None
        self._model: Model | None = None
        self._version = ""

    def current(self) -> Model | None:
        """None while nothing has been trained. A corrupt successor leaves the old model in force."""
        self._refresh()
        return self._model

    def version(self) -> str:
        self._refresh()
        return self._version or "untrained"

    def quality(self) -> float | None:
        """What the trial of the model in force found; None when it is not known."""
        self._refresh()
        try:
            return float((directory() / self._version / QUALITY).read_text()) if self._version else None
        except (OSError, ValueError):
            return None

    def _refresh(self) -> None:
        pointer = directory() / "current"
        try:
            state = pointer.stat()
        except OSError:
            self._stamp, self._model, self._version = None, None, ""
            return
        stamp = (str(pointer), state.st_mtime_ns, state.st_ino)
        if stamp == self._stamp:
            return
        with self._lock:
            if stamp == self._stamp:
                return
            try:
                version = pointer.read_text().strip()
                model = load(pointer.parent / version) if version else None
            except (OSError, ModelCorrupt) as error:
                log.error("recommender_model_corrupt", error=str(error))
                if self._stamp is not None and self._stamp[0] != stamp[0]:
                    self._model, self._version = None, ""
            else:
                self._model, self._version = model, version
            self._stamp = stamp


models = ModelStore()
