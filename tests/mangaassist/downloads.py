"""Files that are taken away: read whole, for tests of what is in them."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync


def downloaded(response: Any) -> bytes:
    async def gather() -> bytes:
        return b"".join([chunk async for chunk in response.streaming_content])

    return async_to_sync(gather)()
