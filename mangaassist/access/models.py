"""Who comes in: failed sign-ins, open sessions of staff, and the log of what was done."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class AuditEntry(models.Model):
    """One line of the audit log. Written once, never changed; removed only by its age (AUDIT_KEPT_DAYS)."""

    class Kind(models.TextChoices):
        SIGNED_IN = "signed_in", "Signed in"
        SIGNED_OUT = "signed_out", "Signed out"
        EXPIRED = "expired", "Session expired"
        FAILED = "failed", "Sign-in failed"
        THROTTLED = "throttled", "Sign-ins refused for a while"
        ADDED = "added", "Added"
        CHANGED = "changed", "Changed"
        DELETED = "deleted", "Deleted"
        KEY = "key", "API key"
        SETTINGS = "settings", "Settings"
        ACCESS = "access", "Users and groups"
        EXPORT = "export", "Export"
        ERASURE = "erasure", "Erasure"

    at = models.DateTimeField(default=timezone.now, db_index=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # By name: the line outlives its user.
    actor = models.CharField(max_length=150, blank=True, db_index=True)
    address = models.CharField("network address", max_length=45, blank=True)
    what = models.CharField(max_length=300, blank=True)
    detail = models.TextField(blank=True)

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"
        indexes = [models.Index(fields=["kind", "-at"], name="audit_kind_at")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.actor or '—'} · {self.at:%Y-%m-%d %H:%M}"


class SignInFailure(models.Model):
    """One attempt that counts against a bucket (mangaassist.access.throttle)."""

    bucket = models.CharField(max_length=80)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["bucket", "at"], name="sign_in_failure_bucket")]

    def __str__(self) -> str:
        return f"{self.bucket} at {self.at}"


class StaffSession(models.Model):
    """Where somebody of the staff is signed in. ``session_key`` stays here: it is as good as a password."""

    session_key = models.CharField(max_length=40, unique=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="staff_sessions")
    signed_in_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    address = models.CharField("network address", max_length=45, blank=True)
    browser = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-seen_at"]
        verbose_name = "signed-in session"

    def __str__(self) -> str:
        return f"{self.user}, {self.signed_in_at:%Y-%m-%d %H:%M}"
