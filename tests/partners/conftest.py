from __future__ import annotations

from typing import Any

import orjson
import pytest
from django.test import AsyncClient

from partners.models import SCOPES, create_api_key
from tests.shop.catalogue import lay_small_catalogue


class Partner:
    """A partner's server with its key."""

    def __init__(self, secret: str) -> None:
        self.client = AsyncClient()
        self.secret = secret

    async def get(self, path: str, **query: Any) -> Any:
        return await self.client.get(f"/api/v1{path}", query, headers={"authorization": f"Bearer {self.secret}"})

    async def post(self, path: str, body: Any, **headers: str) -> Any:
        return await self.client.post(
            f"/api/v1{path}",
            orjson.dumps(body) if not isinstance(body, bytes) else body,
            content_type="application/json",
            headers={"authorization": f"Bearer {self.secret}", **headers},
        )


@pytest.fixture
def partner(transactional_db: None) -> Partner:
    lay_small_catalogue()
    _, secret = create_api_key("A shop", list(SCOPES))
    return Partner(secret)


@pytest.fixture
def other_partner(partner: Partner) -> Partner:
    _, secret = create_api_key("Another shop", list(SCOPES))
    return Partner(secret)
