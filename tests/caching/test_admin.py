"""The operator's table in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.test import Client

from caching.behind import behind
from caching.invalidation import bump_now
from caching.models import CachePolicy
from caching.policy_cache import policy_cache
from mangaassist.redis import sync_client
from tests.caching.conftest import FACTS, Facts

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = "/admin/caching/cachepolicy/"
ROW = f"{TABLE}{FACTS.name}/change/"
FORM = {"enabled": "on", "ttl_s": "3600", "negative_ttl_s": "30", "jitter_percent": "0"}


@pytest.fixture
def operator(admin_client: Client) -> Client:
    CachePolicy.objects.create_missing()
    return admin_client


def load(title: str) -> Facts | None:
    return policy_cache.get_or_compute(FACTS, ("B1",), lambda: Facts(asin="B1", series="berserk", title=title))


def test_the_table_shows_every_kind_and_what_is_never_cached(operator: Client) -> None:
    page = operator.get(TABLE).content.decode()
    for text in ("test facts", "product:{asin}", "1 h", "1 s to 1 d", "current price", "inventory", "order status"):
        assert text in page
    assert operator.get(f"{TABLE}add/").status_code == 403
    assert operator.post(f"{TABLE}{FACTS.name}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("ttl_s", "0", "Give 1 to 86400 seconds"),
        ("ttl_s", "86401", "Give 1 to 86400 seconds"),
        ("ttl_s", "9" * 30, ""),
        ("ttl_s", "-5", "greater than or equal to 0"),
        ("ttl_s", "an hour", "Enter a whole number"),
        ("ttl_s", "", "This field is required"),
        ("negative_ttl_s", "-1", "greater than or equal to 0"),
        ("negative_ttl_s", "90000", "Give 0 to 86400 seconds"),
        ("jitter_percent", "51", "less than or equal to 50"),
    ],
)
def test_a_bad_value_is_refused_with_its_reason(operator: Client, field: str, value: str, complaint: str) -> None:
    answer = operator.post(ROW, FORM | {field: value})
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert complaint in answer.content.decode()
    assert CachePolicy.objects.get(pk=FACTS.name).ttl_s == 3600


def test_a_lower_ttl_acts_on_existing_entries_at_once(operator: Client) -> None:
    load("old")
    behind.finish()
    redis: Any = sync_client("cache")
    epoch, seq, stored_ms, rest = redis.get("product:B1").split(b"\t", 3)
    aged = b"\t".join([epoch, seq, b"%d" % (int(stored_ms) - 60_000), rest])
    redis.set("product:B1", aged, keepttl=True)
    assert load("unused") == Facts(asin="B1", series="berserk", title="old")

    assert operator.post(ROW, FORM | {"ttl_s": "5"}).status_code == 302

    assert load("new") == Facts(asin="B1", series="berserk", title="new")
    assert "ttl_s: 3600 → 5" in LogEntry.objects.latest("pk").get_change_message()


def test_switched_off_means_neither_read_nor_stored(operator: Client) -> None:
    load("old")
    behind.finish()
    assert operator.post(ROW, {name: FORM[name] for name in FORM if name != "enabled"}).status_code == 302
    assert load("new") == Facts(asin="B1", series="berserk", title="new")
    behind.finish()
    redis: Any = sync_client("cache")
    assert b"old" in redis.get("product:B1")
    # And on again: nothing has to be restarted.
    assert operator.post(ROW, FORM).status_code == 302
    assert load("unused") == Facts(asin="B1", series="berserk", title="old")


@pytest.mark.parametrize("action", ["forget_entries", "forget_everything"])
def test_forgetting_makes_existing_entries_misses(operator: Client, action: str) -> None:
    load("old")
    behind.finish()
    operator.post(TABLE, {"action": action, "_selected_action": [FACTS.name]})
    assert load("new") == Facts(asin="B1", series="berserk", title="new")


def test_bulk_changes_of_policies_are_announced_too(operator: Client) -> None:
    load("old")
    behind.finish()
    CachePolicy.objects.filter(pk=FACTS.name).update(enabled=False)
    assert load("new") == Facts(asin="B1", series="berserk", title="new")


def test_what_shows_a_product(operator: Client) -> None:
    load("old")
    behind.finish()
    assert "product:B1" in operator.get(f"{TABLE}shows/", {"asin": "B1"}).content.decode()
    assert operator.post(f"{TABLE}shows/", {"asin": "B1"}).status_code == 200
    assert load("new") == Facts(asin="B1", series="berserk", title="new")


def test_a_kind_that_nobody_registers_cannot_become_a_policy() -> None:
    with pytest.raises(ValidationError, match="not a kind"):
        CachePolicy.with_defaults("current_price")
    with pytest.raises(ValidationError, match="not a kind"):
        CachePolicy(kind="current_price", ttl_s=60, negative_ttl_s=0).full_clean()


def test_hits_and_misses_are_counted_for_the_table(operator: Client) -> None:
    for _ in range(4):
        load("Berserk 1")
        behind.finish()
    bump_now(["asin:B1"])
    load("Berserk 1")
    assert "3 of 5 (60%)" in operator.get(TABLE).content.decode()
