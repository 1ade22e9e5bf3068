"""Each test has its own folder for models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.recommendations.library import load_library, train_on_readers


@pytest.fixture(autouse=True)
def own_models(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture
def library(transactional_db: None) -> None:
    load_library()


@pytest.fixture
def trained(library: None) -> None:
    train_on_readers()
