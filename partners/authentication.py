"""Who asks: an API key in ``Authorization: Bearer ma_…``, and what it may do."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.security import HttpBearer

from mangaassist.dbthreads import in_database
from partners.models import ApiKey
from partners.problems import Problem


class KeyAuth(HttpBearer):
    """``Authorization: Bearer ma_…``"""

    async def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        return await in_database(ApiKey.objects.find, token)


def authorized(request: HttpRequest, scope: str) -> ApiKey:
    key: ApiKey = request.auth  # type: ignore[attr-defined]
    if not key.allows(scope):
        raise Problem(403, "forbidden", f"This key lacks the scope {scope}.")
    return key
