"""What shoppers did with editions: the only thing the engines learn from."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from django.db import models


class InteractionQuerySet(models.QuerySet["Interaction"]):
    def of_customer(self, customer_id: str) -> InteractionQuerySet:
        return self.filter(customer_id=customer_id)

    def of_guest(self, session_id: str) -> InteractionQuerySet:
        """What this session did while nobody was signed in."""
        return self.filter(customer_id="", session_id=session_id)


class Interaction(models.Model):
    """One view, click, purchase, rating or add-to-cart.

    ``asin`` and ``series_id`` are plain text, not foreign keys: an interaction outlives the edition it was about.
    ``series_id`` is written down because the engines work on series.
    """

    class Type(models.TextChoices):
        VIEW = "view"
        CLICK = "click"
        PURCHASE = "purchase"
        RATING = "rating"
        ADD_TO_CART = "add_to_cart"

    # Of a signed-in shopper; empty for a guest, who is known by the session.
    customer_id = models.CharField(max_length=128, blank=True, default="")
    session_id = models.CharField(max_length=128, blank=True, default="")
    asin = models.CharField(max_length=32)
    series_id = models.CharField(max_length=64, db_index=True)
    type = models.CharField(max_length=12, choices=Type.choices)
    # Of a rating: 1 to 5. Otherwise as the sender means it, usually null.
    value = models.FloatField(null=True, blank=True)
    at = models.DateTimeField(db_index=True)
    # The same interaction sent twice is one interaction.
    content_key = models.CharField(max_length=32, unique=True, editable=False)

    objects = InteractionQuerySet.as_manager()

    class Meta:
        ordering = ["-at"]
        indexes = [
            models.Index(fields=["customer_id", "-at"]),
            models.Index(fields=["session_id", "-at"]),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id or self.session_id} {self.type} {self.asin}"

    def save(self, *args: object, **kwargs: object) -> None:
        self.content_key = content_key(self.customer_id, self.session_id, self.asin, self.type, self.value, self.at)
        super().save(*args, **kwargs)  # type: ignore[arg-type]


class ForgottenHistory(models.Model):
    """A shopper had their history forgotten: what is from before it is not taken in again, and orders are no taste."""

    # As in cache keys: a customer's id or ``session-…`` of a guest.
    owner = models.CharField(max_length=136, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.owner


def content_key(customer_id: str, session_id: str, asin: str, type: str, value: float | None, at: datetime) -> str:
    """32 hex digits that are equal for equal interactions; ``at`` counts to the microsecond, in UTC."""
    parts = (customer_id, session_id, asin, type, "" if value is None else repr(float(value)))
    text = "\x1f".join((*parts, at.astimezone(UTC).isoformat(timespec="microseconds")))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
