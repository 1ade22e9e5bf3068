"""What the shop has decided about its assistant: one row, edited in the admin, in force in every process at its next
turn (chat.turn reads it once, by its key). Redis has no part in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import DatabaseError, models
from django.db.models import F
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from chat.understanding.types import Language
from mangaassist.dbthreads import in_database
from mangaassist.statements import Select

log = structlog.get_logger(__name__)

# What can be switched off.
PARTS = ("recommendations", "promotions", "handoff", "feedback")
MOST_REPLIES = 4
LONGEST_REPLY = 40
# What ages or is a slot has no place in a fixed text.
_AGES = re.compile(r"[$€£¥￥%％₩]|\d\s*円|\{\{|\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assistant:
    """As one turn goes by it. Empty greetings and replies: the built-in ones. ``budget_per_day``: US dollars."""

    greeting: dict[str, str] = field(default_factory=dict)
    quick_replies: dict[str, tuple[str, ...]] = field(default_factory=dict)
    languages: tuple[Language, ...] = ("en", "ja")
    tone: str = ""
    model_writes: bool = True
    budget_per_day: Decimal | None = None
    recommendations: bool = True
    promotions: bool = True
    handoff: bool = True
    feedback: bool = True

    def offered(self, language: Language) -> Language:
        """That language, or the first that is offered."""
        return language if language in self.languages else self.languages[0]

    def as_told(self) -> dict[str, Any]:
        """What a client is told in its ``ready`` frame."""
        return {
            "greeting": self.greeting,
            "replies": {language: list(replies) for language, replies in self.quick_replies.items()},
            "languages": list(self.languages),
            "off": " ".join(name for name in PARTS if not getattr(self, name)),
        }


AS_DELIVERED = Assistant()


class AssistantSettings(models.Model):
    """The row. Without it everything is as delivered."""

    THE_ROW = 1

    class Languages(models.TextChoices):
        BOTH = "en ja", "English and Japanese"
        ENGLISH = "en", "English only"
        JAPANESE = "ja", "Japanese only"

    class Tone(models.TextChoices):
        WARM = "", "Warm and plain"
        FORMAL = "formal", "Formal"
        BRIEF = "brief", "As brief as can be"

    class Writer(models.TextChoices):
        MODEL = "model", "The configured generator"
        COMPOSER = "composer", "Our own sentences only"

    id = models.PositiveSmallIntegerField(primary_key=True, default=THE_ROW, editable=False)
    greeting_en = models.CharField(
        "greeting in English", max_length=200, blank=True, help_text="Empty: the built-in greeting."
    )
    greeting_ja = models.CharField(
        "greeting in Japanese", max_length=200, blank=True, help_text="Empty: the built-in greeting."
    )
    quick_replies_en = models.TextField(
        "quick replies in English",
        max_length=400,
        blank=True,
        help_text="What a shopper can tap at the beginning: one a line, at most four. Empty: the built-in ones.",
    )
    quick_replies_ja = models.TextField(
        "quick replies in Japanese",
        max_length=400,
        blank=True,
        help_text="What a shopper can tap at the beginning: one a line, at most four. Empty: the built-in ones.",
    )
    languages = models.CharField(
        "languages offered",
        max_length=5,
        choices=Languages.choices,
        default=Languages.BOTH,
        help_text="Who writes in another one is answered in the one that is offered.",
    )
    tone = models.CharField(
        max_length=8,
        choices=Tone.choices,
        blank=True,
        default=Tone.WARM,
        help_text="How a language model writes. Our own sentences stay as they are.",
    )
    writer = models.CharField(
        "who writes",
        max_length=8,
        choices=Writer.choices,
        default=Writer.MODEL,
        help_text="Which generator is configured stands in the environment (GENERATOR).",
    )
    budget_per_day = models.DecimalField(
        "budget a day (US$)",
        max_digits=8,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
        help_text="When a day (UTC) has cost so much, our own sentences answer until the next. An answer that has "
        "begun is written to its end. Empty: no limit.",
    )
    recommendations = models.BooleanField(default=True, help_text="Recommend titles when a shopper asks for some.")
    promotions = models.BooleanField(default=True, help_text="Speak of promotions.")
    handoff = models.BooleanField("people", default=True, help_text="Hand conversations over to people.")
    feedback = models.BooleanField(default=True, help_text="Ask what shoppers think of an answer.")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "assistant settings"
        verbose_name_plural = "assistant settings"

    def __str__(self) -> str:
        return str(capfirst(self._meta.verbose_name))

    def clean(self) -> None:
        faults: dict[str, Any] = {}
        for name in ("greeting_en", "greeting_ja"):
            if _AGES.search(getattr(self, name)):
                faults[name] = _("A price, a share or a slot has no place in a greeting: it would age.")
        for name in ("quick_replies_en", "quick_replies_ja"):
            replies = lines_of(getattr(self, name))
            if len(replies) > MOST_REPLIES:
                faults[name] = _("At most %(most)d lines.") % {"most": MOST_REPLIES}
            elif any(len(reply) > LONGEST_REPLY for reply in replies):
                faults[name] = _("A line has at most %(most)d characters.") % {"most": LONGEST_REPLY}
            elif len(set(replies)) != len(replies):
                faults[name] = _("The same reply stands there twice.")
        if faults:
            raise ValidationError(faults)

    @property
    def assistant(self) -> Assistant:
        greetings = {"en": self.greeting_en.strip(), "ja": self.greeting_ja.strip()}
        replies = {"en": lines_of(self.quick_replies_en), "ja": lines_of(self.quick_replies_ja)}
        languages: tuple[Language, ...] = ("ja",) if self.languages == "ja" else ("en",)
        return Assistant(
            greeting={language: text for language, text in greetings.items() if text},
            quick_replies={language: lines for language, lines in replies.items() if lines},
            languages=("en", "ja") if self.languages == self.Languages.BOTH else languages,
            tone=self.tone,
            model_writes=self.writer == self.Writer.MODEL,
            budget_per_day=self.budget_per_day,
            recommendations=self.recommendations,
            promotions=self.promotions,
            handoff=self.handoff,
            feedback=self.feedback,
        )


def lines_of(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


_FIELDS = [field.name for field in AssistantSettings._meta.fields]
_the_row = Select(lambda: AssistantSettings.objects.filter(pk=AssistantSettings.THE_ROW).values_list(*_FIELDS))
# The row as it was read last, and what it says; it serves as well for a moment without database.
_last: list[tuple[tuple[Any, ...] | None, Assistant]] = []


def read_assistant() -> Assistant:
    """Of this moment: one row by its key."""
    row = _the_row.first()
    for known, made in _last:
        if known == row:
            return made
    made = AssistantSettings(**dict(zip(_FIELDS, row, strict=True))).assistant if row else AS_DELIVERED
    _last[:] = [(row, made)]
    return made


def read_assistant_or_last() -> Assistant:
    """Never fails: what was known last when the database does not answer."""
    try:
        return read_assistant()
    except DatabaseError:
        log.exception("assistant_settings_not_read")
        return _last[-1][1] if _last else AS_DELIVERED


class ModelSpend(models.Model):
    """What a model has cost on one day (UTC), over all processes."""

    day = models.DateField(primary_key=True)
    cost = models.DecimalField("cost (US$)", max_digits=14, decimal_places=8, default=Decimal(0))
    answers = models.PositiveIntegerField(default=0)
    tokens_read = models.PositiveBigIntegerField(default=0)
    tokens_written = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["-day"]
        verbose_name = "model spend"
        verbose_name_plural = "model spend"

    def __str__(self) -> str:
        return f"{self.day}: {self.cost} US$"


def spent_today() -> Decimal:
    row = ModelSpend.objects.filter(pk=timezone.now().date()).first()
    return row.cost if row else Decimal(0)


def count_spend(*, cost: float | None, read: int, written: int) -> None:
    """Adds one answer in the database itself: processes that write at once lose nothing of each other's."""
    day = timezone.now().date()
    ModelSpend.objects.bulk_create([ModelSpend(day=day)], ignore_conflicts=True)
    ModelSpend.objects.filter(pk=day).update(
        cost=F("cost") + Decimal(str(cost or 0)),
        answers=F("answers") + 1,
        tokens_read=F("tokens_read") + read,
        tokens_written=F("tokens_written") + written,
    )


BUDGET_SPENT = "budget spent"


async def why_no_model(assistant: Assistant) -> str:
    """Why our own sentences answer this turn instead of a model; empty when a model may."""
    if not assistant.model_writes:
        return "switched off"
    if assistant.budget_per_day is None:
        return ""
    try:
        spent = await in_database(spent_today)
    except DatabaseError:  # What is not known is not spent.
        log.exception("model_spend_not_read")
        return "spend unknown"
    return BUDGET_SPENT if spent >= assistant.budget_per_day else ""
