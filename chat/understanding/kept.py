"""Models that are trained once and kept: by the first start in ``DATA_DIR``, by each process in memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args

import numpy as np

from chat.understanding.types import Language

Model = TypeVar("Model")
Arrays = dict[str, Any]


class KeptModels(Generic[Model]):
    """One model a language. ``path`` names the file by what it was learned from, so that new sentences are a new model;
    ``pack`` and ``unpack`` turn a model into named arrays and back."""

    def __init__(
        self,
        *,
        train: Callable[[Language], Model],
        path: Callable[[Language], Path],
        pack: Callable[[Model], Arrays],
        unpack: Callable[[Arrays], Model],
    ) -> None:
        self._train, self._path, self._pack, self._unpack = train, path, pack, unpack
        self._models: dict[Language, Model] = {}
        self._lock = threading.Lock()

    def load(self, language: Language) -> Model:
        """The language's model: from memory, from the file, or trained now."""
        model = self._models.get(language)
        if model is None:
            with self._lock:
                model = self._models.get(language)
                if model is None:
                    if not self._path(language).exists():
                        self._save(language)
                    model = self._models[language] = self.read(language)
        return model

    def warm(self) -> None:
        for language in get_args(Language):
            self.load(language)

    def train_missing(self, say: Callable[[], object]) -> None:
        """What a first start does before anybody asks; ``say`` is called once if there is anything to learn."""
        missing = [language for language in get_args(Language) if not self._path(language).exists()]
        if missing:
            say()
        for language in missing:
            self._save(language)

    def read(self, language: Language) -> Model:
        """From the file, which must be there."""
        with np.load(self._path(language), allow_pickle=False) as stored:
            return self._unpack({name: stored[name] for name in stored.files})

    def _save(self, language: Language) -> None:
        path = self._path(language)
        arrays = self._pack(self._train(language))
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.npz")
        with open(draft, "wb") as file:
            np.savez(file, **arrays)
        # Whole or not at all, also when two processes train at once.
        os.replace(draft, path)
