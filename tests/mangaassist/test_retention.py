"""What is old goes by itself: whatever is kept has its days."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.utils import timezone

from chat.models import Conversation, Message, Turn
from escalation.models import Handoff
from mangaassist.privacy.models import RetentionRun
from mangaassist.privacy.registry import retentions
from mangaassist.privacy.retention import enforce, kept
from recommendations.models import Interaction
from shop.models import Cart

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def thirty_days(settings: Any) -> None:
    settings.CONVERSATIONS_KEPT_DAYS = settings.HANDOFFS_KEPT_DAYS = 30
    settings.INTERACTIONS_KEPT_DAYS = settings.CARTS_KEPT_DAYS = 30


@pytest.mark.parametrize(("days", "is_kept"), [(29.9, True), (30.1, False)])
def test_the_border(days: float, is_kept: bool) -> None:
    at = timezone.now() - timedelta(days=days)
    conversation = Conversation.objects.create(session_id="s1", created_at=at, updated_at=at)
    turn = Turn.objects.create(conversation=conversation, status="complete", started_at=at)
    Message.objects.create(conversation=conversation, turn=turn, role="user", content="hello")
    Handoff.objects.create(conversation_id=str(uuid4()), status="closed", opened_at=at, closed_at=at)
    Interaction.objects.create(session_id="s1", asin="A", series_id="a", type="view", at=at)
    Cart.objects.create(session_id="s1", updated_at=at)
    removed = enforce()
    stays = [model.objects.exists() for model in (Conversation, Turn, Message, Handoff, Interaction, Cart)]
    assert stays == [is_kept] * 6
    assert set(removed.values()) == ({0} if is_kept else {1})
    assert RetentionRun.objects.get(pk="conversations").removed == (0 if is_kept else 1)


def test_a_running_turn_and_an_open_handoff_are_never_removed() -> None:
    at = timezone.now() - timedelta(days=400)
    running = Conversation.objects.create(session_id="s1", updated_at=at)
    Turn.objects.create(conversation=running)
    waiting = Conversation.objects.create(session_id="s2", updated_at=at, state="queued")
    Handoff.objects.create(conversation_id=str(waiting.pk), status="queued", opened_at=at)
    enforce()
    assert set(Conversation.objects.all()) == {running, waiting}
    assert Handoff.objects.count() == 1


def test_a_closed_handoff_goes_with_its_conversation(settings: Any) -> None:
    settings.HANDOFFS_KEPT_DAYS = 1000
    at = timezone.now() - timedelta(days=40)
    conversation = Conversation.objects.create(session_id="s1", updated_at=at)
    Handoff.objects.create(conversation_id=str(conversation.pk), status="closed", opened_at=at, closed_at=at)
    enforce()
    assert not Handoff.objects.exists()


def test_a_run_that_is_out_of_time_goes_on_with_the_next() -> None:
    at = timezone.now() - timedelta(days=40)
    Cart.objects.bulk_create(Cart(session_id=f"s{number}", updated_at=at) for number in range(450))
    assert enforce(longest_s=0)["carts"] == 200
    assert RetentionRun.objects.get(pk="carts").is_behind
    enforce(longest_s=0)
    enforce(longest_s=0)
    assert not Cart.objects.exists()
    assert RetentionRun.objects.get(pk="carts").removed_in_all == 450


def test_one_kind_that_fails_keeps_the_others_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(before: datetime, most: int) -> int:
        raise OperationalError("no")

    broken = replace(next(each for each in retentions() if each.remove), key="broken", remove=fail)
    monkeypatch.setattr("mangaassist.privacy.retention.retentions", lambda: [broken, *retentions()])
    Cart.objects.create(session_id="s1", updated_at=timezone.now() - timedelta(days=40))
    removed = enforce()
    assert (removed["broken"], removed["carts"]) == (0, 1)
    run = RetentionRun.objects.get(pk="broken")
    assert (run.error, RetentionRun.objects.get(pk="carts").error) == ("OperationalError", "")
    monkeypatch.undo()
    mended = replace(broken, remove=lambda before, most: 0)
    monkeypatch.setattr("mangaassist.privacy.retention.retentions", lambda: [mended])
    enforce()
    run.refresh_from_db()
    assert run.error == ""


def test_every_kind_says_how_long_it_is_kept() -> None:
    days = {each.retention.key: each.days for each in kept()}
    assert days["conversations"] == 30
    assert {"audit", "analytics", "webhooks", "handoffs", "interactions", "carts"} <= set(days)
