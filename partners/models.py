"""Partners' keys: shown once, stored hashed."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

SCOPES = (
    "conversations",
    "recommendations",
    "events",
    "catalog:read",
    "catalog:write",
    "orders:read",
    "webhooks",
)
_PREFIX_LENGTH = 12
# ``last_used_at`` is a hint for operators: it is written at most this often.
_USE_NOTED_EVERY = timedelta(minutes=1)


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self) -> ApiKeyQuerySet:
        now = timezone.now()
        return self.filter(revoked_at=None).filter(models.Q(expires_at=None) | models.Q(expires_at__gt=now))

    def find(self, secret: str) -> ApiKey | None:
        """The usable key of a presented secret. Looked up by its hash: no comparison that could leak by time."""
        key = self.usable().filter(digest=digest_of(secret)).first()
        if key is not None and (key.last_used_at is None or timezone.now() - key.last_used_at > _USE_NOTED_EVERY):
            self.filter(pk=key.pk).update(last_used_at=timezone.now())
        return key


class ApiKey(models.Model):
    """One partner's key. ``prefix`` is what people see of it; it also names the tenant of its conversations."""

    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=_PREFIX_LENGTH, unique=True, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def allows(self, scope: str) -> bool:
        return scope in self.scopes


def digest_of(secret: str) -> str:
    """A random 256-bit secret needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create_api_key(name: str, scopes: list[str], expires_at: datetime | None = None) -> tuple[ApiKey, str]:
    """(the key, its secret): the only time that the secret is known. Raises ``ValueError`` for unknown scopes."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise ValueError(f"Unknown scope {unknown[0]!r}; choose from {', '.join(SCOPES)}.")
    secret = f"ma_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        name=name,
        prefix=secret[:_PREFIX_LENGTH],
        digest=digest_of(secret),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    return key, secret
