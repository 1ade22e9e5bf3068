"""Handing a conversation to a person: its state, its own copy of what was said, and what the desk works with."""

from __future__ import annotations

import string
import uuid
from datetime import time, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.text import capfirst

from escalation.office_hours import Opening
from escalation.zones import zone_choices


class Priority(models.IntegerChoices):
    NORMAL = 0, "Normal"
    HIGH = 1, "High"
    URGENT = 2, "Urgent"


class Trigger(models.TextChoices):
    """Which rule found that a person is needed (escalation.triggers)."""

    ASKED = "asked", "Asked for a person"
    FRUSTRATION = "frustration", "Frustrated or not helped"
    COMPLAINT = "complaint", "Complaint, damaged or lost order"
    SAFETY = "safety", "Legal, self-harm or a minor's safety"
    UNCERTAIN = "uncertain", "Unsure about an order or payment"
    RULE = "rule", "The shop's own rule"


class HandoffQuerySet(models.QuerySet["Handoff"]):
    def open(self) -> HandoffQuerySet:
        return self.filter(status__in=Handoff.OPEN)

    def queued(self) -> HandoffQuerySet:
        """Who is next comes first."""
        return self.filter(status=Handoff.Status.QUEUED).order_by("-priority", "opened_at", "pk")


class Handoff(models.Model):
    """One request for a person. At most one per conversation is open."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting"
        AGENT = "agent", "With an agent"
        CLOSED = "closed", "Closed"
        CANCELLED = "cancelled", "Cancelled by the shopper"

    class CloseReason(models.TextChoices):
        NONE = "", "—"
        RESOLVED = "resolved", "Resolved"
        SHOPPER_LEFT = "shopper_left", "The shopper went back to the assistant"
        NO_ANSWER = "no_answer", "The shopper did not answer"
        BY_EMAIL = "by_email", "Goes on by e-mail"
        ELSEWHERE = "elsewhere", "Ended in the contact centre"

    OPEN = (Status.QUEUED, Status.AGENT)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation_id = models.CharField(max_length=64, db_index=True)
    customer_id = models.CharField(max_length=128, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    trigger = models.CharField(max_length=12, choices=Trigger.choices, default=Trigger.ASKED)
    # In words: the shopper's own, or the rule's.
    reason = models.CharField(max_length=500, blank=True)
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    language = models.CharField(max_length=8, default="en")
    summary = models.TextField(blank=True)
    # See escalation.package.Package: what an agent reads first.
    package = models.JSONField(default=dict, blank=True)
    # Where to write when nobody can answer in the chat.
    email = models.EmailField(blank=True)
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="handoffs"
    )
    # What the shopper calls them; also for agents of a contact centre, who are no users here.
    agent_name = models.CharField(max_length=150, blank=True)
    taken_at = models.DateTimeField(null=True, blank=True)
    # The contact centre's name for it.
    contact_id = models.CharField(max_length=256, blank=True, db_index=True)
    # What its backend remembers, tokens among it: for no eyes.
    contact = models.JSONField(default=dict, blank=True, editable=False)
    close_reason = models.CharField(max_length=16, choices=CloseReason.choices, blank=True)
    csat = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    csat_comment = models.TextField(blank=True, max_length=2000)
    opened_at = models.DateTimeField(default=timezone.now, db_index=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = HandoffQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        indexes = [models.Index(fields=["status", "-priority", "opened_at"], name="handoff_queue")]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation_id"],
                condition=models.Q(status__in=("queued", "agent")),
                name="one_open_handoff_per_conversation",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()} · {self.opened_at:%Y-%m-%d %H:%M}"

    @property
    def whole_summary(self) -> str:
        """For who reads one text: a model's words, when they have come, and the structured summary below."""
        written = self.package.get("written", {}).get("text", {})
        own = written.get(self.language) or next(iter(written.values()), "")
        return "\n\n".join(filter(None, (own, self.summary)))


class HandoffLine(models.Model):
    """One line of the handed-over conversation, in the order of ``id``."""

    class Role(models.TextChoices):
        SHOPPER = "shopper", "Shopper"
        AGENT = "agent", "Agent"
        ASSISTANT = "assistant", "Assistant"
        # What the shopper was told of the handoff itself.
        NOTICE = "notice", "Notice"
        # Among agents only.
        NOTE = "note", "Note"

    handoff = models.ForeignKey(Handoff, on_delete=models.CASCADE, related_name="lines")
    role = models.CharField(max_length=10, choices=Role.choices)
    text = models.TextField()
    # [{"card_id", "kind", "id", "reason"}]: shown with what is true when they are shown.
    cards = models.JSONField(default=list, blank=True)
    author = models.CharField(max_length=150, blank=True)
    # The sender's own name for it: the same word sent twice is one line.
    client_id = models.UUIDField(null=True, blank=True, editable=False)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["handoff", "client_id"],
                condition=models.Q(client_id__isnull=False),
                name="handoff_line_once_per_client_id",
            )
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.text[:60]}"


class HandoffTransition(models.Model):
    """The audit trail: every change of state or holder, by whom. ``from_status`` is empty at the opening."""

    handoff = models.ForeignKey(Handoff, on_delete=models.CASCADE, related_name="transitions")
    from_status = models.CharField(max_length=10, choices=Handoff.Status.choices, blank=True)
    status = models.CharField(max_length=10, choices=Handoff.Status.choices)
    by = models.CharField(max_length=150)
    detail = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.status} by {self.by}"


class AgentPresenceQuerySet(models.QuerySet["AgentPresence"]):
    def at_work(self) -> AgentPresenceQuerySet:
        """Available, and heard of lately."""
        since = timezone.now() - timedelta(seconds=AgentPresence.SILENT_AFTER_S)
        return self.filter(status=AgentPresence.Status.AVAILABLE, seen_at__gte=since)


class AgentPresence(models.Model):
    """Whether an agent takes conversations, and how many at a time."""

    SILENT_AFTER_S = 90

    class Status(models.TextChoices):
        AVAILABLE = "available", "Available"
        AWAY = "away", "Away"
        OFFLINE = "offline", "Offline"

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="presence")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OFFLINE)
    capacity = models.PositiveSmallIntegerField(
        default=3, validators=[MinValueValidator(1), MaxValueValidator(20)], help_text="Conversations at a time."
    )
    # The desk renews it while its page is open.
    seen_at = models.DateTimeField(default=timezone.now)

    objects = AgentPresenceQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "agent presence"

    def __str__(self) -> str:
        return f"{self.user}: {self.get_status_display()}"

    @property
    def is_open(self) -> bool:
        """Whether a page of theirs was heard of lately."""
        return self.seen_at >= timezone.now() - timedelta(seconds=self.SILENT_AFTER_S)


class CannedReply(models.Model):
    """A ready answer; ``{customer}``, ``{agent}`` and ``{order}`` in it are filled when it is used."""

    VARIABLES = ("customer", "agent", "order")

    locale = models.CharField(max_length=8, choices=settings.LANGUAGES, default="en")
    shortcut = models.SlugField(max_length=32, help_text="Typed after a slash: /late")
    text = models.TextField(max_length=2000)

    class Meta:
        ordering = ["locale", "shortcut"]
        verbose_name_plural = "canned replies"
        constraints = [models.UniqueConstraint(fields=["locale", "shortcut"], name="canned_reply_once_per_locale")]

    def __str__(self) -> str:
        return f"/{self.shortcut} ({self.locale})"

    def clean(self) -> None:
        try:
            fields = [(name, spec, conversion) for _, name, spec, conversion in string.Formatter().parse(self.text)]
        except ValueError as error:
            raise ValidationError({"text": f"A brace is open: {error}."}) from error
        for name, spec, conversion in fields:
            if name is not None and (name not in self.VARIABLES or spec or conversion):
                known = ", ".join(f"{{{each}}}" for each in self.VARIABLES)
                raise ValidationError({"text": f"{{{name}}} is unknown; there are {known}."})

    def filled(self, **words: str) -> str:
        """The text with its variables; one that is not given is left empty."""
        return self.text.format_map(dict.fromkeys(self.VARIABLES, "") | words)


class OfficeHours(models.Model):
    """When people answer. Without any row: always."""

    class Weekday(models.IntegerChoices):
        MONDAY = 0, "Monday"
        TUESDAY = 1, "Tuesday"
        WEDNESDAY = 2, "Wednesday"
        THURSDAY = 3, "Thursday"
        FRIDAY = 4, "Friday"
        SATURDAY = 5, "Saturday"
        SUNDAY = 6, "Sunday"

    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    opens = models.TimeField()
    closes = models.TimeField(help_text="00:00 is the day's end.")
    zone = models.CharField("time zone", max_length=64, choices=zone_choices, default="UTC")

    class Meta:
        ordering = ["weekday", "opens"]
        verbose_name_plural = "office hours"

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}–{self.closes:%H:%M} {self.zone}"

    @property
    def opening(self) -> Opening:
        return Opening(self.weekday, self.opens, self.closes, self.zone)

    def clean(self) -> None:
        # A field that its own check refused is not there.
        opens, closes = getattr(self, "opens", None), getattr(self, "closes", None)
        if opens and closes and closes != time.min and closes <= opens:
            raise ValidationError({"closes": "Closing comes after opening; a night is two rows."})


class EscalationRule(models.Model):
    """The shop's own reason to bring a person in: words that are said, or an order that is worth much."""

    class Kind(models.TextChoices):
        KEYWORDS = "keywords", "Words in the message"
        ORDER_VALUE = "order_value", "Value of the order spoken of"

    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.KEYWORDS)
    keywords = models.TextField(blank=True, max_length=2000, help_text="One word or phrase a line, in any language.")
    order_value = models.DecimalField(
        max_digits=12, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0.01)]
    )
    currency = models.CharField(max_length=3, blank=True, help_text="Of the order value: USD, JPY …")
    action = models.CharField(
        max_length=8,
        choices=[("open", "Bring a person in at once"), ("offer", "Offer one beside the answer")],
        default="open",
    )
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.HIGH)
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def words(self) -> tuple[str, ...]:
        return words_of(self.keywords)

    def clean(self) -> None:
        if self.kind == self.Kind.KEYWORDS and not self.words:
            raise ValidationError({"keywords": "A rule of words needs at least one."})
        if self.kind == self.Kind.KEYWORDS and any(len(word) < 2 for word in self.words):
            raise ValidationError({"keywords": "A single letter would be found everywhere."})
        if self.kind == self.Kind.ORDER_VALUE and (self.order_value is None or len(self.currency) != 3):
            raise ValidationError({"order_value": "A rule of value needs an amount and its currency."})


def words_of(keywords: str) -> tuple[str, ...]:
    """One a line."""
    return tuple(line.strip() for line in keywords.splitlines() if line.strip())


class HandoffPolicy(models.Model):
    """When the assistant itself brings people in: one row. Who asks for a person always gets one, and so does who
    writes of harm or of the law."""

    THE_ROW = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=THE_ROW, editable=False)
    complaint = models.BooleanField("complaints", default=True, help_text="Offer a person to who complains.")
    frustration = models.BooleanField("frustration", default=True, help_text="Offer a person to who despairs of it.")
    uncertain = models.BooleanField(
        "doubt about money or orders",
        default=True,
        help_text="Offer a person when a question about an order or a payment was hardly understood.",
    )
    misses = models.PositiveSmallIntegerField(
        "questions not understood",
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(10)],
        help_text="After so many in a row it counts as frustration.",
    )
    bad_ratings = models.PositiveSmallIntegerField(
        "bad ratings",
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(10)],
        help_text="After so many in a conversation it counts as frustration.",
    )
    sure_enough = models.FloatField(
        "sure enough",
        default=0.5,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="0 to 1: below this confidence there is doubt.",
    )
    # Another one with every change, of a rule as well (escalation.rules).
    mark = models.UUIDField(default=uuid.uuid4, editable=False)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "handoff policy"
        verbose_name_plural = "handoff policy"

    def __str__(self) -> str:
        return str(capfirst(self._meta.verbose_name))

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.mark = uuid.uuid4()
        super().save(*args, **kwargs)

    @classmethod
    def mark_changed(cls) -> None:
        if not cls.objects.filter(pk=cls.THE_ROW).update(mark=uuid.uuid4()):
            cls.objects.get_or_create(pk=cls.THE_ROW)
