from __future__ import annotations

import pytest

from chat.understanding import intents, moods
from tests.shop.catalogue import lay_small_catalogue


@pytest.fixture(scope="session", autouse=True)
def trained() -> None:
    """As a started process is: the first shopper's turn is not the one that trains the models."""
    intents.warm()
    moods.warm()


@pytest.fixture
def shop(transactional_db: None) -> None:
    """A small shop in a real database that threads share."""
    lay_small_catalogue()
