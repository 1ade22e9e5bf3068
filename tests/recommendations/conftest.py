"""Each test has its own folder for models. ``committed_…`` fixtures really commit: the cache and threads need that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caching.behind import behind
from recommendations.experiments import writer
from tests.recommendations.library import lay_library, train_on_readers


@pytest.fixture(autouse=True)
def own_models(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture
def library(db: None) -> None:
    lay_library()


@pytest.fixture
def trained(library: None) -> None:
    train_on_readers()


@pytest.fixture
def committed_library(transactional_db: None) -> Iterator[None]:
    lay_library()
    yield
    behind.finish()
    writer.finish()


@pytest.fixture
def committed_trained(committed_library: None) -> None:
    train_on_readers()
