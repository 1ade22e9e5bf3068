"""What shoppers did with editions, the only thing the engines learn from; and what is tried out on shoppers."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from recommendations.tuning import BOUNDS


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
    # Of the list that led to it; empty when none did.
    recommendation_id = models.CharField(max_length=40, blank=True, default="")
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

    # As in cache keys: a customer's id or ``session-…`` of a guest; of who was erased altogether, sealed.
    owner = models.CharField(max_length=136, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.owner


def content_key(customer_id: str, session_id: str, asin: str, type: str, value: float | None, at: datetime) -> str:
    """32 hex digits that are equal for equal interactions; ``at`` counts to the microsecond, in UTC."""
    parts = (customer_id, session_id, asin, type, "" if value is None else repr(float(value)))
    text = "\x1f".join((*parts, at.astimezone(UTC).isoformat(timespec="microseconds")))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


# --- Experiments ----------------------------------------------------------------------------------------------


def _new_salt() -> str:
    return secrets.token_hex(8)


class Experiment(models.Model):
    """Two or more ways of recommending, compared on real shoppers; the first arm is what the others compare with.

    draft → running → stopped → rolled out; a rolled-out arm is what everybody gets until it is taken back or
    another one is rolled out. One experiment runs at a time, so that no two of them explain the same click.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        RUNNING = "running"
        STOPPED = "stopped"
        ROLLED_OUT = "rolled_out", "rolled out"

    name = models.CharField(max_length=80, unique=True)
    hypothesis = models.TextField(
        max_length=1000, blank=True, help_text="What you expect to happen, and what you will do then. Written before."
    )
    traffic_percent = models.PositiveSmallIntegerField(
        "traffic (%)",
        default=100,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="The share of shoppers that takes part; the others get what everybody gets.",
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT, editable=False)
    # Another experiment deals its shoppers out anew.
    salt = models.CharField(max_length=16, default=_new_salt, editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    rolled_out_at = models.DateTimeField(null=True, editable=False)
    rolled_out = models.ForeignKey("Arm", null=True, on_delete=models.RESTRICT, related_name="+", editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["status"],
                condition=Q(status="running"),
                name="one_experiment_runs",
                violation_error_message="Another experiment is running.",
            )
        ]

    def __str__(self) -> str:
        return self.name


def _bounded(name: str) -> list[MinValueValidator | MaxValueValidator]:
    low, high = BOUNDS[name]
    return [MinValueValidator(low), MaxValueValidator(high)]


class Arm(models.Model):
    """One of the ways, whole in itself: an empty parameter is the delivered one."""

    class Engine(models.TextChoices):
        CONFIGURED = "configured", "as configured"
        LOCAL = "local", "our own engine"
        EASE = "ease", "our own: EASE only"
        SESSION = "session", "our own: session neighbours only"
        POPULAR = "popular", "what is popular"

    class ShelfOrder(models.TextChoices):
        CONTINUE_FIRST = "continue_first", "continue reading first"
        DISCOVER_FIRST = "discover_first", "discoveries first"

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="arms")
    name = models.CharField(max_length=40)
    weight = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1), MaxValueValidator(100)])
    engine = models.CharField(max_length=10, choices=Engine.choices, default=Engine.CONFIGURED)
    shelf_order = models.CharField(max_length=14, choices=ShelfOrder.choices, default=ShelfOrder.CONTINUE_FIRST)
    long_history = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=_bounded("long_history"), help_text="Known series from which on EASE answers."
    )
    ease_half_life = models.FloatField(
        null=True, blank=True, validators=_bounded("ease_half_life"), help_text="In series; of long histories."
    )
    session_half_life = models.FloatField(
        null=True, blank=True, validators=_bounded("session_half_life"), help_text="In series; of short histories."
    )
    explore_share = models.FloatField(
        null=True, blank=True, validators=_bounded("explore_share"), help_text="Of discoveries: 0 to 0.3."
    )
    trend_share = models.FloatField(
        null=True, blank=True, validators=_bounded("trend_share"), help_text="Rising beside popular: 0 to 1."
    )

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["experiment", "name"], name="arm_names_differ")]

    def __str__(self) -> str:
        return self.name


class Exposure(models.Model):
    """A shopper who takes part, and since when: what they did before is no outcome."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="exposures")
    arm = models.ForeignKey(Arm, on_delete=models.CASCADE, related_name="exposures")
    owner = models.CharField(max_length=136)
    first_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["experiment", "owner"], name="exposed_once")]
        indexes = [models.Index(fields=["owner"])]

    def __str__(self) -> str:
        return f"{self.owner} in {self.arm_id}"


class Outcome(models.Model):
    """What a shopper who takes part did then."""

    exposure = models.ForeignKey(Exposure, on_delete=models.CASCADE, related_name="outcomes")
    type = models.CharField(max_length=12, choices=Interaction.Type.choices)
    # Whether a recommended list led to it.
    from_list = models.BooleanField()
    at = models.DateTimeField()
    # Of the interaction, which is counted once.
    content_key = models.CharField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["exposure", "content_key"], name="outcome_counted_once")]

    def __str__(self) -> str:
        return f"{self.type} at {self.at}"
