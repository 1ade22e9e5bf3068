"""Partners' keys: their secrets are shown once and stored hashed."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models, transaction
from django.utils import timezone

from partners.key_version import announce_after_commit

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
_SECRET = re.compile(r"ma_[A-Za-z0-9_-]{43}")
DEFAULT_RATE = 600


def check_scopes(scopes: Sequence[str]) -> None:
    unknown = sorted({str(scope) for scope in scopes} - set(SCOPES))
    if unknown:
        raise ValidationError(f"Unknown scope {unknown[0]!r}; choose from {', '.join(SCOPES)}.")


def check_networks(networks: Sequence[str]) -> None:
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise ValidationError(f"{network!r} is no network: write 192.0.2.0/24 or 2001:db8::/32.") from error


def check_origins(origins: Sequence[str]) -> None:
    for origin in origins:
        try:
            parts = urlsplit(origin)
            is_origin = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_origin = False
        if not is_origin or origin != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc:
            raise ValidationError(f"{origin!r} is no origin: write https://shop.example without a path.")


class _Announced(models.QuerySet[Any]):
    """Whatever changes a key is heard by every process at its next request."""

    def update(self, **changes: Any) -> int:
        if changes.keys() != {"last_used_at"}:
            announce_after_commit()
        return super().update(**changes)

    def delete(self) -> tuple[int, dict[str, int]]:
        announce_after_commit()
        return super().delete()


class _AnnouncedModel(models.Model):
    """The same for a single row: Django's own deletion of one goes by no QuerySet."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        announce_after_commit()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        announce_after_commit()
        return super().delete(*args, **kwargs)


class ApiKeyQuerySet(_Announced, models.QuerySet["ApiKey"]):
    def revoke(self) -> int:
        """At once and for good, with every secret of theirs. → how many were usable until now."""
        return self.filter(revoked_at=None).update(revoked_at=timezone.now())


class ApiKey(_AnnouncedModel):
    """One partner's key: what it may do. ``tenant`` owns its conversations and outlives every secret."""

    name = models.CharField(max_length=120)
    tenant = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list, validators=[check_scopes])
    rate_per_minute = models.PositiveIntegerField(
        default=DEFAULT_RATE, validators=[MinValueValidator(1)], help_text="Requests in any clock minute."
    )
    daily_cap = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Requests a day (UTC); empty: no cap."
    )
    allowed_origins = models.JSONField(
        default=list,
        blank=True,
        validators=[check_origins],
        help_text="Only pages of these may use it in a browser, such as https://shop.example; empty: for servers.",
    )
    allowed_networks = models.JSONField(
        default=list,
        blank=True,
        validators=[check_networks],
        help_text="It works from these only, such as 192.0.2.0/24; empty: from everywhere.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    def allows(self, scope: str) -> bool:
        return scope in self.scopes

    def is_usable(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def rotate(self, *, old_until: datetime) -> str:
        """A new secret; those of now work until ``old_until``. → the new one, for the only time."""
        with transaction.atomic():
            now = timezone.now()
            self.secrets.filter(models.Q(usable_until=None) | models.Q(usable_until__gt=old_until)).update(
                usable_until=max(old_until, now)
            )
            return new_secret(self)


class KeySecretQuerySet(_Announced, models.QuerySet["KeySecret"]):
    def find(self, secret: str) -> KeySecret | None:
        """The presented secret, if it is usable now: looked up by what everybody may see of it, then compared in
        a time that says nothing of the rest."""
        if not _SECRET.fullmatch(secret):
            return None
        found = self.select_related("key").filter(prefix=secret[:_PREFIX_LENGTH]).first()
        if found is None or not hmac.compare_digest(found.digest, digest_of(secret)):
            return None
        return found if found.is_usable(timezone.now()) else None


class KeySecret(_AnnouncedModel):
    """One secret of a key, as its hash. ``prefix`` is what people see of it."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="secrets")
    prefix = models.CharField(max_length=_PREFIX_LENGTH, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    usable_until = models.DateTimeField(null=True, blank=True)

    objects = KeySecretQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.prefix}…"

    def is_usable(self, now: datetime) -> bool:
        return self.key.is_usable(now) and (self.usable_until is None or now < self.usable_until)


def digest_of(secret: str) -> str:
    """A random 256-bit secret needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create_api_key(name: str, scopes: Sequence[str], **limits: Any) -> tuple[ApiKey, str]:
    """(the key, its secret): the only time that the secret is known. ``limits``: other fields of :class:`ApiKey`.

    Raises ``ValidationError`` for unknown scopes, networks, origins.
    """
    key = ApiKey(name=name, scopes=sorted(set(scopes)), tenant=new_tenant(), **limits)
    key.full_clean()
    with transaction.atomic():
        key.save()
        return key, new_secret(key)


def new_tenant() -> str:
    return f"tenant-{secrets.token_hex(8)}"


def new_secret(key: ApiKey) -> str:
    """One more secret of a stored key: the only time that it is known."""
    secret = f"ma_{secrets.token_urlsafe(32)}"
    KeySecret.objects.create(key=key, prefix=secret[:_PREFIX_LENGTH], digest=digest_of(secret))
    return secret


class IdempotentRequest(models.Model):
    """A POST that came with an ``Idempotency-Key``: see partners.idempotency. ``status`` None: not answered yet."""

    tenant = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    # SHA-256 of method, address and body.
    fingerprint = models.CharField(max_length=64)
    # Of the request that is being answered, which has until ``claimed_until``.
    token = models.UUIDField()
    claimed_until = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="one_request_per_idempotency_key")]

    def __str__(self) -> str:
        return f"{self.tenant}: {self.key}"


# They name the key above, and Django finds an app's models through this module.
import partners.webhooks.models  # noqa: E402, F401
