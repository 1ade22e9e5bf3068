"""An erasure that is finished late, or never: what comes after the request stays, and what fails is seen."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session as BrowserSession
from django.core import signing
from django.db import OperationalError
from django.utils import timezone

from mangaassist.access.models import AuditEntry
from mangaassist.dbthreads import in_database
from mangaassist.outbox.delivery import enqueue
from mangaassist.privacy.erasing import _SALT as SALT
from mangaassist.privacy.erasing import AGAIN_AFTER, erase, finish_due
from mangaassist.privacy.models import Erasure
from mangaassist.privacy.registry import Holder, _holders, register_holder
from mangaassist.privacy.shoppers import find_shopper
from mangaassist.privacy.subject import Subject
from recommendations.models import Arm, Experiment, Exposure, ForgottenHistory, Interaction
from shop.cart import CartOwner, add_to_cart
from shop.models import Cart
from tests.chat.unhurried import open_unhurried_shop
from tests.mangaassist.remains import CUSTOMER, a_shopper, where

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(transactional_db: None, settings: Any) -> None:
    open_unhurried_shop(settings)


def later() -> datetime:
    return timezone.now() + AGAIN_AFTER + timedelta(seconds=1)


def come_back(customer_id: str) -> None:
    """What a shopper does after they have asked to be erased."""
    now = timezone.now()
    Interaction.objects.create(
        customer_id=customer_id, session_id="new", asin="BERSERK-EN-1", series_id="berserk", type="view", at=now
    )
    add_to_cart(CartOwner(customer_id=customer_id, session_id=""), "BERSERK-EN-1")
    enqueue("recommendations.event", {"customer_id": customer_id})
    experiment = Experiment.objects.create(name="new", status="running")
    arm = Arm.objects.create(experiment=experiment, name="a")
    Exposure.objects.create(experiment=experiment, arm=arm, owner=customer_id, first_at=now)
    LogEntry.objects.create(
        user=User.objects.create(username="packer"), content_type=ContentType.objects.get_for_model(Cart),
        object_id="1", object_repr=f"Cart of {customer_id}", action_flag=CHANGE, change_message="",
    )  # fmt: skip


class TestWhatComesAfter:
    """An erasure that is finished late takes nothing of who has come back since."""

    @pytest.mark.usefixtures("shop")
    async def test_it_stays_at_the_second_look_and_after_a_failure(self, settings: Any) -> None:
        await a_shopper()
        subject = await in_database(lambda: find_shopper(customer_id=CUSTOMER))
        urls = settings.REDIS_URLS
        settings.REDIS_URLS = dict.fromkeys(urls, "redis://127.0.0.1:1/0")
        erasure = await in_database(lambda: erase(subject, by="operator"))
        assert erasure.error
        settings.REDIS_URLS = urls
        await in_database(come_back, CUSTOMER)
        for _ in range(3):
            await in_database(lambda: finish_due(later()))
        await erasure.arefresh_from_db()
        assert erasure.done_at is not None
        assert await in_database(where, CUSTOMER) == {
            "Order", "Interaction", "Cart", "OutboxMessage", "Exposure", "LogEntry", "AuditEntry",
        }  # fmt: skip

    def test_a_browser_session_of_now_stays(self) -> None:
        subject = find_shopper(customer_id=CUSTOMER)
        old, new = SessionStore(), SessionStore()
        for session in (old, new):
            session["customer_id"] = CUSTOMER
            session.create()
        BrowserSession.objects.filter(pk=old.session_key).update(
            expire_date=subject.until + timedelta(seconds=settings.SESSION_COOKIE_AGE - 60)
        )
        erase(subject, by="operator")
        assert set(BrowserSession.objects.values_list("pk", flat=True)) == {new.session_key}

    def test_what_was_forgotten_is_marked_with_the_time_of_the_request(self) -> None:
        now = timezone.now()
        Interaction.objects.create(
            customer_id=CUSTOMER, asin="A", series_id="a", type="view", at=now - timedelta(hours=1)
        )
        subject = replace(find_shopper(customer_id=CUSTOMER), until=now - timedelta(minutes=30))
        erase(subject, by="operator")
        assert ForgottenHistory.objects.get().at == subject.until


class TestWhatCannotBeFinished:
    # With names: what is signed differs from process to process.
    @pytest.mark.parametrize(
        "spoilt",
        ["nonsense", "", "eyJh:forged", signing.dumps("[]", salt=SALT)],
        ids=["nonsense", "empty", "forged", "signed but no target"],
    )
    def test_an_erasure_that_cannot_be_read_ends_and_is_seen(self, spoilt: str) -> None:
        bad = erase(find_shopper(customer_id="a-customer"), by="operator")
        good = erase(find_shopper(customer_id="another-one"), by="operator")
        Erasure.objects.filter(pk=bad.pk).update(subject=spoilt)
        assert finish_due(later()) == 2
        assert finish_due(later() + timedelta(days=1)) == 0
        bad.refresh_from_db()
        good.refresh_from_db()
        assert (bad.is_given_up, bad.done_at, good.done_at is not None) == (True, None, True)
        assert "cannot be read" in bad.error
        assert AuditEntry.objects.filter(kind="erasure", detail=bad.error).exists()

    def test_an_app_that_fails_is_named_and_asked_again(self) -> None:
        asked = []

        def fail(subject: Subject) -> dict[str, int]:
            asked.append(subject)
            raise OperationalError("no")

        register_holder(Holder(app="broken", erase=fail))
        try:
            erasure = erase(find_shopper(customer_id="a-customer"), by="operator")
            finish_due(later())
        finally:
            _holders.pop("broken")
        erasure.refresh_from_db()
        assert (erasure.error, len(asked)) == ("broken: OperationalError", 2)
        finish_due(later())
        erasure.refresh_from_db()
        assert (erasure.error, erasure.passes) == ("", 1)


class TestStaffLogs:
    @pytest.mark.parametrize("customer", ["bob", "花子", "山田 太郎", "42"])
    def test_short_and_foreign_names_are_taken_out_where_they_are_names(self, customer: str) -> None:
        staff = User.objects.create(username="operator")
        cart = Cart.objects.create(customer_id=customer)
        entry = LogEntry.objects.create(
            user=staff, content_type=ContentType.objects.get_for_model(Cart), object_id=str(cart.pk),
            object_repr=f"Cart of {customer}", action_flag=CHANGE,
            change_message=json.dumps([{"changed": {"name": "line", "object": f"of {customer}", "fields": ["quantity"]}}]),
        )  # fmt: skip
        AuditEntry.objects.create(kind="export", what=f"orders of “{customer}”", detail="42 rows, bob or 花子 helped")
        erase(find_shopper(customer_id=customer), by="operator")
        entry.refresh_from_db()
        assert (entry.object_repr, "of [erased]" in entry.change_message) == ("Cart of [erased]", True)
        told = AuditEntry.objects.get(kind="export")
        assert (told.what, told.detail) == ("orders of “[erased]”", "42 rows, bob or 花子 helped")
        assert not AuditEntry.objects.filter(kind="changed", what__contains=f"Cart of {customer}").exists()
