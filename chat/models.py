"""Conversations and what was said in them. These rows are the durable truth; Redis holds only copies."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext

from chat.assistant import AssistantSettings, ModelSpend  # noqa: F401  (tables of their own file)
from mangaassist.privacy.words import REDACTED

if TYPE_CHECKING:
    from chat.tokens import Shopper


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def owned_by(self, shopper: Shopper) -> ConversationQuerySet:
        """A signed-in customer owns what carries their id; a guest what began in their session."""
        if shopper.customer_id:
            return self.filter(
                models.Q(customer_id=shopper.customer_id) | models.Q(customer_id="", session_id=shopper.session_id)
            ).filter(tenant=shopper.tenant)
        return self.filter(customer_id="", session_id=shopper.session_id, tenant=shopper.tenant)


class Conversation(models.Model):
    """One shopper's conversation. The id is random and worthless without a token of its owner."""

    class State(models.TextChoices):
        BOT = "bot", "Assistant"
        QUEUED = "queued", "Waiting for a person"
        AGENT = "agent", "With a person"

    class Channel(models.TextChoices):
        WIDGET = "widget"
        PLAIN = "plain"
        PARTNER = "partner"
        TERMINAL = "terminal"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer_id = models.CharField(max_length=128, blank=True, db_index=True)
    session_id = models.CharField(max_length=64, db_index=True)
    # The partner whose key opened it; empty for our own pages.
    tenant = models.CharField(max_length=64, blank=True)
    locale = models.CharField(max_length=8, default="en")
    channel = models.CharField(max_length=16, choices=Channel.choices, default=Channel.WIDGET)
    state = models.CharField(max_length=8, choices=State.choices, default=State.BOT)
    # The last finished turn: what a copy of the conversation's memory must have seen to be believed.
    last_turn_id = models.UUIDField(null=True, blank=True, editable=False)
    # The page that the shopper looks at: see chat.context.PageContext.
    context = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ["-updated_at"]
        # Those that wait for a person, newest first, among a million that do not.
        indexes = [models.Index(fields=["state", "-updated_at"], name="conversation_by_state")]
        permissions = [
            ("share_conversation", "Can share a conversation with other staff"),
            ("redact_conversation", "Can redact what was said in a conversation"),
            ("erase_conversation", "Can erase a conversation everywhere"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id or 'guest'} · {self.created_at:%Y-%m-%d %H:%M}"


class TurnQuerySet(models.QuerySet["Turn"]):
    def running(self) -> TurnQuerySet:
        return self.filter(status=Turn.Status.RUNNING)

    def abandoned(self, now: datetime) -> TurnQuerySet:
        """Running on paper, but its process has not been heard of for longer than it renews its sign of life."""
        return self.running().filter(alive_at__lt=now - timedelta(seconds=Turn.SILENT_AFTER_S))

    def last_dialogue(self) -> dict[str, Any]:
        """Of the last of these turns that has one: a turn that was given up leaves it as it was."""
        return self.exclude(dialogue={}).order_by("-started_at").values_list("dialogue", flat=True).first() or {}


class Turn(models.Model):
    """One question and its answer, with the trace of how it was answered."""

    SILENT_AFTER_S = 8

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        COMPLETE = "complete", "Complete"
        STOPPED = "stopped", "Stopped by the shopper"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="turns")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    intent = models.CharField(max_length=24, blank=True, db_index=True)
    confidence = models.FloatField(null=True, blank=True)
    language = models.CharField(max_length=8, blank=True)
    # Which generator wrote it, and which recommender answered if one was asked.
    generator = models.CharField(max_length=32, blank=True)
    engine = models.CharField(max_length=32, blank=True)
    # See chat.trace.Trace: steps with milliseconds and budgets, slots with the value and the time it was read.
    trace = models.JSONField(default=dict, blank=True)
    # What the dialogue knew after this turn (chat.dialogue.DialogueState): memory is rebuilt from it.
    dialogue = models.JSONField(default=dict, blank=True)
    latency_ms = models.FloatField(null=True, blank=True)
    first_delta_ms = models.FloatField(null=True, blank=True)
    started_at = models.DateTimeField(default=timezone.now, db_index=True)
    # The lease of the process that runs it (chat.leases): its last sign of life, and which attempt it makes. The
    # version before may still write rows while this one is rolled out: hence defaults of the database's own.
    alive_at = models.DateTimeField(default=timezone.now)
    attempt = models.PositiveSmallIntegerField(default=1, db_default=1, editable=False)
    # The shopper wants no more of it.
    stopping = models.BooleanField(default=False, db_default=False, editable=False)
    # Words of this conversation were taken out while it ran: what it has read of them is not to be stored.
    is_redacted = models.BooleanField(default=False, db_default=False, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = TurnQuerySet.as_manager()

    class Meta:
        ordering = ["started_at"]
        indexes = [
            models.Index(fields=["status", "alive_at"]),
            models.Index(fields=["status", "-started_at"], name="turn_by_status"),
        ]
        permissions = [("replay_turn", "Can answer a turn once more")]

    def __str__(self) -> str:
        return f"{self.intent or 'turn'} ({self.status})"


class Message(models.Model):
    """One line of a conversation, in the order of ``id``; the outside knows it by ``public_id``."""

    class Role(models.TextChoices):
        USER = "user", "Shopper"
        ASSISTANT = "assistant", "Assistant"
        AGENT = "agent", "Agent"
        SYSTEM = "system", "Notice"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, null=True, blank=True, related_name="messages")
    role = models.CharField(max_length=10, choices=Role.choices)
    # The agent's name as the shopper reads it; empty for everybody else.
    author = models.CharField(max_length=150, blank=True)
    # What was said, word for word, with the prices of that moment.
    content = models.TextField()
    # The same with its price, stock and title slots unfilled: what memory, caches and exports may hold.
    template = models.TextField(blank=True)
    # [{"card_id", "kind", "id", "reason", "quoted"}]: what was shown, and the price quoted then (a record of what
    # was said: cards are read live again whenever they are shown again).
    cards = models.JSONField(default=list, blank=True)
    quick_replies = models.JSONField(default=list, blank=True)
    citations = models.JSONField(default=list, blank=True)
    client_msg_id = models.UUIDField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    # Its words were taken out (chat.forgetting).
    redacted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "client_msg_id"],
                condition=models.Q(client_msg_id__isnull=False),
                name="message_once_per_client_id",
            )
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.content[:60]}"


class Feedback(models.Model):
    """What a shopper thinks of one answer. A changed mind replaces it; a withdrawn one leaves ``rating`` null."""

    class Reason(models.TextChoices):
        NONE = "", "—"
        WRONG = "wrong_facts", "Wrong facts"
        UNWANTED = "not_what_i_wanted", "Not what I wanted"
        EXPENSIVE = "too_expensive", "Too expensive"
        OUT_OF_STOCK = "out_of_stock", "Out of stock"
        OTHER = "other", "Other"

    class Flag(models.TextChoices):
        """Why a person should look at it."""

        NONE = "", "—"
        WRONG_FACTS = "wrong_facts", "Wrong facts"
        COMPLAINT = "complaint", "Complaint"
        ORDER = "order", "About an order"
        REPEATED = "repeated", "Second bad answer"

    class Label(models.TextChoices):
        """What an operator found to be the cause."""

        NONE = "", "—"
        UNDERSTANDING = "understanding", "Misunderstood"
        FACTS = "facts", "Wrong or missing facts"
        KNOWLEDGE = "knowledge", "Help page missing or wrong"
        RECOMMENDATION = "recommendation", "Poor recommendation"
        WORDING = "wording", "Wording or tone"
        SLOW = "slow", "Too slow"
        SHOP = "shop", "Shop, not assistant: price, stock, delivery"
        FINE = "fine", "The answer was right"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="feedback")
    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="feedback")
    rating = models.SmallIntegerField(null=True, choices=[(1, "👍"), (-1, "👎")])
    reason = models.CharField(max_length=64, blank=True)
    comment = models.TextField(blank=True, max_length=2000)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now, db_index=True)
    # Set when the queue's consumer has processed it (see chat.feedback_processing), and what it found.
    processed_at = models.DateTimeField(null=True, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    flag = models.CharField(max_length=12, choices=Flag.choices, blank=True, db_index=True)
    handled_at = models.DateTimeField(null=True, blank=True)
    handled_by = models.CharField(max_length=150, blank=True)
    # Who looks into it, and what they found (chat.feedback_review).
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="assigned_feedback"
    )
    label = models.CharField(max_length=16, choices=Label.choices, blank=True, db_index=True, db_default="")
    # The bucket of FeedbackCount that it is counted in; empty: in none.
    counted = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        ordering = ["-updated_at"]
        verbose_name_plural = "feedback"
        indexes = [
            # The queue of what is to be looked into.
            models.Index(
                fields=["-updated_at"],
                condition=models.Q(handled_at__isnull=True, rating=-1),
                name="feedback_open",
            ),
        ]

    def __str__(self) -> str:
        return {1: "👍", -1: "👎"}.get(self.rating or 0, "withdrawn")

    @property
    def own_words(self) -> list[str]:
        """What the shopper (or a partner for them) wrote, and not chose: the comment, a reason that is none of ours."""
        free = self.reason if self.reason not in self.Reason.values else ""
        return [text for text in (self.comment, free) if text and text != REDACTED]

    @property
    def reason_in_words(self) -> str:
        return reason_name(self.reason)


def reason_name(reason: str) -> str:
    """Ours in the operator's language, a partner's own as it is."""
    words = dict(Feedback.Reason.choices).get(reason, reason) if reason else ""
    return gettext(str(words)) if words else ""


class FeedbackNote(models.Model):
    """What operators write to each other about an opinion."""

    feedback = models.ForeignKey(Feedback, on_delete=models.CASCADE, related_name="notes")
    by = models.CharField(max_length=150)
    text = models.TextField(max_length=2000)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.by}: {self.text[:60]}"


class FeedbackCount(models.Model):
    """Opinions of a day, by what they are about."""

    day = models.DateField(db_index=True)
    intent = models.CharField(max_length=24, blank=True)
    language = models.CharField(max_length=8, blank=True)
    # The recommender's engine, or the generator where none was asked.
    engine = models.CharField(max_length=32, blank=True)
    arm = models.CharField(max_length=200, blank=True)
    # One of Feedback.Reason; a partner's own words are "other".
    reason = models.CharField(max_length=20, blank=True, db_default="")
    up = models.IntegerField(default=0)
    down = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "intent", "language", "engine", "arm", "reason"], name="feedback_bucket"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.intent}: {self.up} / {self.down}"


class SharedConversation(models.Model):
    """A link to a conversation, for staff who may not look at all of them; shown without personal data."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="shares")
    by = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    # How often it was opened, and by whom last.
    opened = models.PositiveIntegerField(default=0)
    last_opened_by = models.CharField(max_length=150, blank=True)
    # How often somebody tried who was not signed in: such a link has gone further than it should.
    turned_away = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.by} · {self.expires_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return self.revoked_at is None and self.expires_at > timezone.now()


class ActionReceipt(models.Model):
    """A shopper's click that had an effect, kept so that a resent frame has it once."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE)
    client_msg_id = models.UUIDField()
    action = models.CharField(max_length=32)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "client_msg_id"], name="action_once_per_client_id")
        ]

    def __str__(self) -> str:
        return self.action
