import pytest

from tests.shop.catalogue import load_small_catalogue


@pytest.fixture
def catalogue(db):
    load_small_catalogue()


@pytest.fixture
def committed_catalogue(transactional_db):
    """For what happens after a commit, and for reads from other threads."""
    load_small_catalogue()
