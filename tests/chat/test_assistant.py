"""What the shop decides about its assistant: what may be saved, and what it does to a plan."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client

from chat.answers.decided import as_decided, switched_off
from chat.assistant import (
    AS_DELIVERED,
    Assistant,
    AssistantSettings,
    ModelSpend,
    count_spend,
    read_assistant,
    spent_today,
)
from chat.context import PageContext
from chat.dialogue import DialogueState, Request
from chat.plan import AnswerPlan, Line
from chat.prompts import version_of
from chat.understanding.types import Entities
from mangaassist.access.models import AuditEntry

PAGE = "/admin/chat/assistantsettings/1/change/"
GOOD = {
    "greeting_en": "", "greeting_ja": "", "quick_replies_en": "", "quick_replies_ja": "", "languages": "en ja",
    "tone": "", "writer": "model", "budget_per_day": "", "recommendations": "on", "promotions": "on", "handoff": "on",
    "feedback": "on",
}  # fmt: skip


def without(feature: str) -> Assistant:
    return replace(AS_DELIVERED, **{feature: False})  # type: ignore[arg-type]


def plan(*phrases: str, replies: tuple[str, ...] = ()) -> AnswerPlan:
    return AnswerPlan(lines=tuple(Line(each) for each in phrases), state=DialogueState(), quick_replies=replies)


def asked(intent: Any, language: Any = "en") -> Request:
    return Request(
        text="…", language=language, intent=intent, entities=Entities(), state=DialogueState(), context=PageContext()
    )


@pytest.mark.parametrize(("fields", "faulty"), [
    ({"greeting_en": "Welcome to the Ink Cellar!"}, ""),
    ({"greeting_en": "Open since 1998."}, ""),
    ({"greeting_en": "Everything at $5!"}, "greeting_en"),
    ({"greeting_ja": "全品20％引き"}, "greeting_ja"),
    ({"greeting_ja": "500円から"}, "greeting_ja"),
    ({"greeting_en": "{{price:X}}"}, "greeting_en"),
    ({"greeting_en": "x" * 201}, "greeting_en"),
    ({"quick_replies_en": "New this week?\nWhere is my order?"}, ""),
    ({"quick_replies_en": "a\nb\nc\nd\ne"}, "quick_replies_en"),
    ({"quick_replies_ja": "あ" * 41}, "quick_replies_ja"),
    ({"quick_replies_en": "a\n\n a "}, "quick_replies_en"),
    ({"languages": "fr"}, "languages"),
    ({"tone": "rude"}, "tone"),
    ({"writer": "gpt"}, "writer"),
    ({"budget_per_day": Decimal("-1")}, "budget_per_day"),
    ({"budget_per_day": Decimal("0")}, ""),
    ({"budget_per_day": Decimal("1.005")}, "budget_per_day"),
])  # fmt: skip
def test_what_may_be_saved(fields: dict[str, Any], faulty: str) -> None:
    row = AssistantSettings(**fields)
    if not faulty:
        row.full_clean(validate_unique=False)
        return
    with pytest.raises(ValidationError) as refused:
        row.full_clean(validate_unique=False)
    assert set(refused.value.message_dict) == {faulty}


@pytest.mark.parametrize(("intent", "feature"), [
    ("recommend", "recommendations"), ("promotions", "promotions"), ("human", "handoff"),
])  # fmt: skip
def test_a_part_that_is_off_says_so(intent: str, feature: str) -> None:
    off = switched_off(asked(intent), without(feature))
    assert off is not None
    assert [line.phrase for line in off.lines] == [f"off.{feature}"]
    assert switched_off(asked(intent), AS_DELIVERED) is None
    assert switched_off(asked("price"), without(feature)) is None


def test_no_reply_leads_to_what_is_off() -> None:
    replies = ("Recommend me something", "Talk to a person", "Where is my order?")
    shown = as_decided(
        plan("thanks", replies=replies), asked("thanks"), Assistant(recommendations=False, handoff=False)
    )
    assert shown.quick_replies == ("Where is my order?",)


def test_the_shops_greeting_and_replies_stand_where_ours_did() -> None:
    own = Assistant(greeting={"en": "Welcome to the Ink Cellar!"}, quick_replies={"en": ("New this week?",)})
    shown = as_decided(plan("greeting", "greeting.offer", replies=("Recommend me something",)), asked("greeting"), own)
    assert shown.lines == (Line("own", {"text": "Welcome to the Ink Cellar!"}), Line("greeting.offer"))
    assert shown.quick_replies == ("New this week?",)
    on_a_page = plan("greeting", "greeting.page", replies=("Is it in stock?",))
    assert as_decided(on_a_page, asked("greeting"), own).quick_replies == ("Is it in stock?",)
    in_japanese = plan("greeting", replies=("おすすめを教えて",))
    assert as_decided(in_japanese, asked("greeting", "ja"), own) == in_japanese


def test_a_tone_is_another_version_of_the_prompt() -> None:
    versions = {version_of("en"), version_of("en", "formal"), version_of("en", "brief"), version_of("ja", "formal")}
    assert len(versions) == 4
    assert version_of("en", "formal").endswith("-formal")


@pytest.mark.django_db
def test_without_a_row_all_is_as_delivered() -> None:
    AssistantSettings.objects.all().delete()
    assert read_assistant() == AS_DELIVERED
    AssistantSettings.objects.create()
    assert read_assistant() == AS_DELIVERED


@pytest.mark.django_db
def test_the_form_says_what_was_changed_from_what_to_what(admin_client: Client) -> None:
    assert admin_client.get("/admin/chat/assistantsettings/")["Location"] == PAGE
    form = GOOD | {"greeting_en": "Welcome to the Ink Cellar!", "promotions": ""}
    assert admin_client.post(PAGE, form).status_code == 302
    assert read_assistant().greeting == {"en": "Welcome to the Ink Cellar!"}
    assert not read_assistant().promotions
    told = LogEntry.objects.get().get_change_message()
    assert "greeting_en: – → Welcome to the Ink Cellar!" in told
    assert "promotions: True → False" in told
    assert told in AuditEntry.objects.get(kind="settings").detail
    history = admin_client.get("/admin/chat/assistantsettings/1/history/").content.decode()
    assert "Welcome to the Ink Cellar!" in history


@pytest.mark.django_db
def test_a_wrong_form_says_where_and_changes_nothing(admin_client: Client) -> None:
    admin_client.get("/admin/chat/assistantsettings/")
    page = admin_client.post(PAGE, GOOD | {"greeting_en": "Everything at $5!"})
    assert page.status_code == 200
    assert "would age" in page.content.decode()
    assert read_assistant() == AS_DELIVERED


@pytest.mark.django_db
@pytest.mark.parametrize(("prices", "saved"), [({}, False), ({"input_price": 0.001, "output_price": 0.002}, True)])
def test_a_budget_needs_prices_to_count_by(
    admin_client: Client, settings: Any, prices: dict[str, float], saved: bool
) -> None:
    options = {"base_url": "http://127.0.0.1:1/v1", "model": "qwen"} | prices
    settings.GENERATORS = {"default": {"BACKEND": "chat.backends.openai.OpenAIGenerator", "OPTIONS": options}}
    admin_client.get("/admin/chat/assistantsettings/")
    answer = admin_client.post(PAGE, GOOD | {"budget_per_day": "5"})
    assert (answer.status_code == 302) is saved
    assert (read_assistant().budget_per_day == Decimal(5)) is saved


@pytest.mark.django_db(transaction=True)
def test_processes_that_write_at_once_lose_nothing_of_each_others_spend() -> None:
    def work(_: int) -> None:
        count_spend(cost=0.001, read=100, written=10)
        connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(40)))
    row = ModelSpend.objects.get()
    assert (row.answers, row.tokens_read, row.tokens_written) == (40, 4000, 400)
    assert spent_today() == pytest.approx(Decimal("0.04"))


@pytest.mark.django_db
def test_what_has_no_price_counts_its_tokens() -> None:
    count_spend(cost=None, read=5, written=1)
    assert spent_today() == Decimal(0)
    assert ModelSpend.objects.get().tokens_read == 5
