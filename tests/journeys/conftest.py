from __future__ import annotations

import pytest

from tests.shop.catalogue import load_small_catalogue


@pytest.fixture
def shop(transactional_db: None) -> None:
    """A small shop in a real database that threads share."""
    load_small_catalogue()
