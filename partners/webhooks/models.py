"""Partners' webhooks: where they go, what has been sent, and how receivers answered."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from partners.webhooks.destinations import LONGEST_URL, DestinationRefused, read_url
from partners.webhooks.signing import fingerprint_of, new_salt

# What a partner can hear of; a word never changes its meaning.
EVENTS = ("conversation.started", "handoff.requested", "handoff.closed", "feedback.received")
TEST_EVENT = "webhook.test"
# How long a message is tried; a test for as long as a person waits for it, for it goes past a receiver's pauses.
TRIED_FOR = timedelta(hours=24)
TEST_TRIED_FOR = timedelta(minutes=10)
MOST_SECRETS = 3


def tried_for(event: str) -> timedelta:
    return TEST_TRIED_FOR if event == TEST_EVENT else TRIED_FOR


def check_url(url: str) -> None:
    try:
        read_url(url)
    except DestinationRefused as refusal:
        raise ValidationError(str(refusal)) from refusal


def check_events(events: Sequence[str]) -> None:
    unknown = sorted({str(event) for event in events} - set(EVENTS))
    if unknown:
        raise ValidationError(f"Unknown event {unknown[0]!r}; choose from {', '.join(EVENTS)}.")


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def listening(self, tenant: str, event: str) -> list[Webhook]:
        """Those that hear of it now: switched on, of a key in force that has the scope."""
        now = timezone.now()
        found = self.filter(key__tenant=tenant, is_active=True).select_related("key").order_by("created_at")
        return [
            hook for hook in found if event in hook.events and hook.key.is_usable(now) and hook.key.allows("webhooks")
        ]

    def switched_off_by_us(self) -> WebhookQuerySet:
        """For whom an operator should look."""
        return self.filter(is_active=False).exclude(switched_off_because="")


class Webhook(models.Model):
    """One receiver of a partner's: ``events`` of the tenant's own conversations go to ``url``."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.ForeignKey("partners.ApiKey", models.CASCADE, related_name="webhooks", verbose_name=_("partner"))
    url = models.CharField(_("address"), max_length=LONGEST_URL, validators=[check_url])
    events = models.JSONField(_("events"), default=list, validators=[check_events])
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Nothing is sent while it is off; what happens then is not sent later.")
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    last_taken_at = models.DateTimeField(_("last success"), null=True, blank=True, editable=False)
    # Since the last success: how many attempts failed, from when on, and why the last one did.
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True, editable=False)
    last_error = models.CharField(_("last error"), max_length=300, blank=True, editable=False)
    # Nothing is tried before this: a receiver that is down is left in peace for a while.
    paused_until = models.DateTimeField(_("paused until"), null=True, blank=True, editable=False)
    # Said when we have switched it off ourselves.
    switched_off_because = models.CharField(_("switched off because"), max_length=300, blank=True, editable=False)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")

    def __str__(self) -> str:
        return self.url

    def is_allowed(self, now: datetime) -> bool:
        """What a key may no longer do, its webhooks do not do either."""
        return self.key.is_usable(now) and self.key.allows("webhooks")

    def switch_on(self) -> None:
        """With a clean slate. What was switched off long ago is not switched off again at its first failure."""
        self.is_active = True
        self.failures, self.failing_since, self.paused_until = 0, None, None
        self.last_error = self.switched_off_because = ""

    def add_secret(self) -> str:
        """→ the salt of a new one."""
        salt = new_salt()
        WebhookSecret.objects.create(webhook=self, salt=salt, fingerprint=fingerprint_of(salt))
        return salt

    def rotate(self, *, old_until: datetime) -> str:
        """A new secret; messages are signed with those of now as well until ``old_until``. → the new one's salt."""
        with transaction.atomic():
            current = self.secrets.filter(Q(usable_until=None) | Q(usable_until__gt=old_until))
            current.update(usable_until=max(old_until, timezone.now()))
            salt = self.add_secret()
            # Each signs every message: whoever rotates again and again must not make them grow.
            self.secrets.exclude(pk__in=list(self.secrets.values_list("pk", flat=True)[:MOST_SECRETS])).delete()
            return salt

    def salts(self, now: datetime) -> list[str]:
        """Of the secrets in force, the newest first."""
        usable = self.secrets.filter(Q(usable_until=None) | Q(usable_until__gt=now))
        return [each.salt for each in usable if each.fingerprint == fingerprint_of(each.salt)]


class WebhookSecret(models.Model):
    """What one secret is made of, with SECRET_KEY (partners.webhooks.signing)."""

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="secrets")
    salt = models.CharField(max_length=64, editable=False)
    fingerprint = models.CharField(_("fingerprint"), max_length=16, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    usable_until = models.DateTimeField(_("signs until"), null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = _("secret")
        verbose_name_plural = _("secrets")

    def __str__(self) -> str:
        return self.fingerprint


class WebhookMessage(models.Model):
    """One message to one receiver. Its id is the ``webhook-id`` and that of its row in the outbox."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        TAKEN = "taken", pgettext_lazy("webhook", "Delivered")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="messages", verbose_name=_("webhook"))
    event = models.CharField(_("event"), max_length=40)
    # What is kept in order; empty for a test.
    conversation_id = models.CharField(_("conversation"), max_length=64, blank=True, db_index=True)
    # As it is signed and sent, to the byte.
    body = models.TextField(_("body"))
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.WAITING)
    created_at = models.DateTimeField(_("created"), default=timezone.now, db_index=True)
    tried_until = models.DateTimeField(_("tried until"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["status", "-created_at"], name="webhook_message_by_status"),
        ]
        verbose_name = _("webhook message")
        verbose_name_plural = _("webhook messages")

    def __str__(self) -> str:
        return f"{self.event} · {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def lane(self) -> str:
        """The outbox' key: what has the same comes one after the other. Each test is alone."""
        return f"{self.webhook_id}:{self.conversation_id}" if self.conversation_id else ""


class WebhookAttempt(models.Model):
    """One request to a receiver. What it answered is not kept, but its status."""

    message = models.ForeignKey(WebhookMessage, models.CASCADE, related_name="attempts")
    at = models.DateTimeField(_("at"), default=timezone.now)
    # None: no answer came.
    status = models.PositiveSmallIntegerField(_("HTTP status"), null=True)
    ms = models.PositiveIntegerField(_("milliseconds"))
    error = models.CharField(_("error"), max_length=300, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name = _("attempt")
        verbose_name_plural = pgettext_lazy("webhook", "attempts")

    def __str__(self) -> str:
        return str(self.status or self.error)
