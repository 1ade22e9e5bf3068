"""The operator's table in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.test import Client
from redis.exceptions import ResponseError

from caching.behind import behind
from caching.counters import HOUR, WHOLE, counters, total
from caching.durations import human
from caching.invalidation import bump_now
from caching.models import CachePolicy
from caching.policy_cache import policy_cache
from caching.tasks import watch_server
from caching.trust import trust
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
        ("ttl_s", "0", "Give 1 s to 1 d"),
        ("ttl_s", "86401", "Give 1 s to 1 d"),
        ("ttl_s", "9" * 30, "Write a time such as"),
        ("ttl_s", "-5", "Write a time such as"),
        ("ttl_s", "an hour", "Write a time such as"),
        ("ttl_s", "", "This field is required"),
        ("negative_ttl_s", "-1", "Write a time such as"),
        ("negative_ttl_s", "90000", "Give 0 to 1 d"),
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


@pytest.mark.parametrize(
    ("button", "form", "noted"),
    [
        (f"{FACTS.name}/forget/", {}, "test facts"),
        ("forget-everything/", {}, "everything"),
        ("forget-product/", {"asin": "B1"}, "ASIN B1"),
    ],
)
def test_a_button_makes_entries_misses_and_is_audited(
    operator: Client, button: str, form: dict[str, str], noted: str
) -> None:
    load("old")
    behind.finish()
    assert operator.get(TABLE + button).status_code == 405
    answer = operator.post(TABLE + button, form | {"period": "day"})
    assert answer["Location"] == f"{TABLE}?period=day"
    assert load("new") == Facts(asin="B1", series="berserk", title="new")
    entry = LogEntry.objects.latest("pk")
    assert (entry.object_repr, entry.user.get_username()) == (noted, "admin")
    assert "forgotten" in entry.get_change_message()


@pytest.mark.parametrize("asin", ["", " ", "B" * 33, "B1 B2", "*", "B1:*"])
def test_only_an_asin_can_be_forgotten(operator: Client, asin: str) -> None:
    load("old")
    behind.finish()
    page = operator.post(f"{TABLE}forget-product/", {"asin": asin}, follow=True).content.decode()
    assert "Give an ASIN" in page
    assert load("unused") == Facts(asin="B1", series="berserk", title="old")
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("text", "seconds"), [("120", 120), ("5 min", 300), ("1h 30 min", 5400), ("1 d", 86_400), ("2 H", 7200)]
)
def test_a_ttl_is_changed_in_the_table(operator: Client, text: str, seconds: int) -> None:
    page = operator.post(f"{TABLE}{FACTS.name}/ttl/", {"ttl_s": text}, follow=True).content.decode()
    assert f"1 h → {human(seconds)}" in page
    assert CachePolicy.objects.get(pk=FACTS.name).ttl_s == seconds
    assert f"ttl_s: 3600 → {seconds}" in page
    assert f"ttl_s: 3600 → {seconds}" in LogEntry.objects.latest("pk").get_change_message()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("0", "Give 1 s to 1 d"),
        ("-5", "Write a time such as"),
        ("90000", "Give 1 s to 1 d"),
        ("9999999999999", "Write a time such as"),
        ("999999999 d", "Give 1 s to 1 d"),
        ("an hour", "Write a time such as"),
        ("1 h 30", "Write a time such as"),
        ("", "This field is required"),
    ],
)
def test_a_bad_ttl_in_the_table_changes_nothing(operator: Client, text: str, complaint: str) -> None:
    page = operator.post(f"{TABLE}{FACTS.name}/ttl/", {"ttl_s": text}, follow=True).content.decode()
    assert complaint in page
    assert CachePolicy.objects.get(pk=FACTS.name).ttl_s == 3600
    assert not LogEntry.objects.exists()


def test_a_kind_that_does_not_exist_is_not_found(operator: Client) -> None:
    assert operator.post(f"{TABLE}current_price/ttl/", {"ttl_s": "60"}).status_code == 404
    assert operator.post(f"{TABLE}current_price/forget/").status_code == 404


def test_who_may_only_look_sees_no_button_and_changes_nothing(client: Client, django_user_model: Any) -> None:
    CachePolicy.objects.create_missing()
    looker = django_user_model.objects.create_user("looker", password="-", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_cachepolicy"))
    client.force_login(looker)
    assert "<button" not in client.get(TABLE).content.decode().partition('class="ma-kinds"')[2].partition("</table>")[0]
    for button in (f"{FACTS.name}/ttl/", f"{FACTS.name}/forget/", "forget-everything/", "forget-product/"):
        assert client.post(TABLE + button, {"ttl_s": "60", "asin": "B1"}).status_code == 403
    assert CachePolicy.objects.get(pk=FACTS.name).ttl_s == 3600
    looker.user_permissions.clear()
    client.force_login(django_user_model.objects.get(pk=looker.pk))
    for page in ("", "product/", "entry/"):
        assert client.get(TABLE + page).status_code == 403


def test_bulk_changes_of_policies_are_announced_too(operator: Client) -> None:
    load("old")
    behind.finish()
    CachePolicy.objects.filter(pk=FACTS.name).update(enabled=False)
    assert load("new") == Facts(asin="B1", series="berserk", title="new")


def test_what_shows_a_product(operator: Client) -> None:
    load("old")
    behind.finish()
    assert "product:B1" in operator.get(f"{TABLE}product/", {"asin": "B1"}).content.decode()
    assert "Cached values that show B2: 0" in operator.get(f"{TABLE}product/", {"asin": "B2"}).content.decode()


def test_an_entry_is_looked_up_by_its_key(operator: Client) -> None:
    load("old")
    behind.finish()

    def look_up(key: str) -> str:
        return operator.get(f"{TABLE}entry/", {"key": key}).content.decode()

    page = look_up("product:B1")
    for text in ("It is served.", "asin:B1", "series:berserk", "test facts", "&quot;title&quot;: &quot;old&quot;"):
        assert text in page
    bump_now(["series:berserk"])
    assert "invalidated since (series:berserk)" in look_up("product:B1")
    redis: Any = sync_client("cache")
    redis.set("product:B2", b"\x80\x04foreign")
    redis.rpush("product:B3", "foreign")
    assert "Not an entry of ours" in look_up("product:B2")
    assert "Something foreign lies there" in look_up("product:B3")
    assert "Nothing is kept" in look_up("product:B4")
    assert "No kind of cached value" in look_up("price:B1")
    assert "It is served" not in look_up(" " * 600 + "\x00")


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (lambda: CachePolicy.objects.filter(pk=FACTS.name).update(enabled=False), "switched off"),
        (lambda: CachePolicy.objects.get(pk=FACTS.name).forget_entries(), "this kind was forgotten"),
        (lambda: bump_now(["everything:*"]), "the whole cache was forgotten"),
    ],
)
def test_the_look_up_says_why_an_entry_is_not_served(operator: Client, change: Any, verdict: str) -> None:
    load("old")
    behind.finish()
    change()
    assert verdict in operator.get(f"{TABLE}entry/", {"key": "product:B1"}).content.decode()


def test_a_kind_that_nobody_registers_cannot_become_a_policy() -> None:
    with pytest.raises(ValidationError, match="not a kind"):
        CachePolicy.with_defaults("current_price")
    with pytest.raises(ValidationError, match="not a kind"):
        CachePolicy(kind="current_price", ttl_s=60, negative_ttl_s=0).full_clean()


def test_the_table_shows_how_each_kind_fares(operator: Client) -> None:
    for _ in range(4):
        load("Berserk 1")
        behind.finish()
    bump_now(["asin:B1"])
    load("Berserk 1")
    behind.finish()
    sync_client("cache").set("product:B1", b"foreign")
    load("Berserk 1")
    for period in ("hour", "day", "century"):
        page = " ".join(operator.get(TABLE, {"period": period}).content.decode().split())
        assert '<strong>50%</strong> <span class="ma-quiet">of 6</span>' in page
        assert "1 corrupt entries" in page
        assert "p99" in page


def test_evictions_are_counted_from_what_the_server_says(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    # What Redis says cannot be arranged without filling its memory: the numbers are handed in.
    client: Any = sync_client("cache")
    for evicted in (5, 12, 3):
        monkeypatch.setattr(client, "info", lambda section, evicted=evicted: {"evicted_keys": evicted})
        watch_server()
    monkeypatch.undo()
    assert total(counters.series(HOUR), WHOLE)["evicted"] == 5 + 7 + 3


def test_the_table_stands_where_redis_tells_nothing_of_itself(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    load("old")
    behind.finish()

    def forbidden(*args: Any, **kwargs: Any) -> Any:
        raise ResponseError("NOPERM this user has no permissions to run the 'info' command")

    for name in ("info", "scan"):
        monkeypatch.setattr(sync_client("cache"), name, forbidden)
    assert operator.get(TABLE).status_code == 200
    watch_server()
    assert load("unused") == Facts(asin="B1", series="berserk", title="old")


def test_the_table_stands_without_redis(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust.breaker, "_state", "open", raising=False)
    monkeypatch.setattr(type(trust), "is_open", lambda self: True)
    page = operator.get(TABLE)
    assert page.status_code == 200
    assert "The cache does not answer" in page.content.decode()
