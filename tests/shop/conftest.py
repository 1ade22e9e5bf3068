import pytest

from tests.shop.catalogue import lay_small_catalogue


@pytest.fixture
def catalogue(db):
    lay_small_catalogue()


@pytest.fixture
def committed_catalogue(transactional_db):
    """For what happens after a commit, and for reads from other threads."""
    lay_small_catalogue()
