"""Keys: made, limited, rotated and revoked as an operator does it, used as a partner does."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import AsyncClient, Client, override_settings
from django.utils import timezone

from mangaassist.dbthreads import in_database
from partners.authentication import is_inside
from partners.models import SCOPES, ApiKey, KeySecret, create_api_key, digest_of, new_secret
from partners.quotas import Usage
from tests.partners.conftest import Partner

NO_REDIS = dict.fromkeys(("cache", "broker", "channels", "streams"), "redis://127.0.0.1:1/0")


async def _partner(**limits: Any) -> tuple[ApiKey, Partner]:
    key, secret = await sync_to_async(create_api_key)("A shop", list(SCOPES), **limits)
    return key, Partner(secret)


class TestRotation:
    async def test_both_secrets_work_until_the_old_one_is_dropped_and_conversations_stay(
        self, partner: Partner
    ) -> None:
        conversation_id = (await partner.post("/conversations", {})).json()["conversation_id"]
        key = await ApiKey.objects.aget()
        rotated = Partner(await in_database(key.rotate, old_until=timezone.now() + timedelta(hours=1)))
        for each in (partner, rotated):
            assert (await each.get(f"/conversations/{conversation_id}/messages")).status_code == 200
        again = Partner(await in_database(key.rotate, old_until=timezone.now()))
        for each, status in ((partner, 401), (rotated, 401), (again, 200)):
            assert (await each.get(f"/conversations/{conversation_id}/messages")).status_code == status

    @pytest.mark.django_db
    def test_it_never_lengthens_the_life_of_a_secret(self) -> None:
        key, _ = create_api_key("A shop", ["events"])
        soon, late = timezone.now() + timedelta(hours=1), timezone.now() + timedelta(days=9)
        key.rotate(old_until=soon)
        key.rotate(old_until=late)
        ends = KeySecret.objects.order_by("created_at").values_list("usable_until", flat=True)
        assert list(ends) == [soon, late, None]


class TestRevocation:
    async def test_a_remembered_key_is_refused_from_the_next_request_on(self, partner: Partner) -> None:
        for _ in range(2):
            assert (await partner.get("/orders/MA-10002", customer_id="alice")).status_code == 200
        assert await sync_to_async(ApiKey.objects.all().revoke)() == 1
        assert (await partner.get("/orders/MA-10002", customer_id="alice")).status_code == 401

    @pytest.mark.parametrize("row", [ApiKey, KeySecret])
    async def test_what_is_deleted_by_itself_is_refused_as_soon(self, partner: Partner, row: Any) -> None:
        """As the admin's page of one key does it, past every QuerySet."""
        for _ in range(2):
            assert (await partner.get("/products/BERSERK-EN-1")).status_code == 200
        await sync_to_async(lambda: row.objects.get().delete())()
        assert (await partner.get("/products/BERSERK-EN-1")).status_code == 401

    async def test_without_redis_as_well(self, partner: Partner) -> None:
        assert (await partner.get("/products/BERSERK-EN-1")).status_code == 200
        with override_settings(REDIS_URLS=NO_REDIS):
            assert (await partner.get("/products/BERSERK-EN-1")).status_code == 200
            await sync_to_async(ApiKey.objects.all().revoke)()
            assert (await partner.get("/products/BERSERK-EN-1")).status_code == 401

    @pytest.mark.parametrize(
        "change",
        [
            {"expires_at": timezone.now() - timedelta(seconds=1)},
            {"scopes": ["events"]},
            {"allowed_networks": ["192.0.2.0/24"]},
            {"daily_cap": 1},
        ],
    )
    async def test_every_other_limit_holds_as_soon(self, partner: Partner, change: dict[str, Any]) -> None:
        assert (await partner.get("/products/BERSERK-EN-1")).status_code == 200
        await ApiKey.objects.aupdate(**change)
        assert (await partner.get("/products/BERSERK-EN-1")).status_code in {401, 403, 429}


class TestQuota:
    @pytest.mark.parametrize(
        ("usage", "wait_s", "headers"),
        [
            (
                Usage(rate=10, cap=None, minute=1, day=1, at=60.5),
                0,
                {
                    "RateLimit-Policy": '"minute";q=10;w=60',
                    "RateLimit": '"minute";r=9;t=59',
                    "RateLimit-Limit": "10",
                    "RateLimit-Remaining": "9",
                    "RateLimit-Reset": "59",
                },
            ),
            (
                Usage(rate=10, cap=100, minute=11, day=99, at=90.0),
                30,
                {
                    "RateLimit-Policy": '"minute";q=10;w=60, "day";q=100;w=86400',
                    "RateLimit": '"minute";r=0;t=30, "day";r=1;t=86310',
                    "RateLimit-Limit": "10",
                    "RateLimit-Remaining": "0",
                    "RateLimit-Reset": "30",
                },
            ),
            (
                Usage(rate=10, cap=3, minute=4, day=4, at=86_399.9),
                1,
                {
                    "RateLimit-Policy": '"minute";q=10;w=60, "day";q=3;w=86400',
                    "RateLimit": '"minute";r=6;t=1, "day";r=0;t=1',
                    "RateLimit-Limit": "10",
                    "RateLimit-Remaining": "0",
                    "RateLimit-Reset": "1",
                },
            ),
        ],
    )
    def test_what_is_left_is_told_in_the_drafts_words(self, usage: Usage, wait_s: int, headers: dict[str, str]) -> None:
        assert (usage.wait_s, usage.headers()) == (wait_s, headers)

    @pytest.mark.parametrize("redis", [{}, {"REDIS_URLS": NO_REDIS}], ids=["with Redis", "without"])
    async def test_a_used_up_key_is_told_when_to_come_back(self, partner: Partner, redis: dict[str, Any]) -> None:
        _, limited = await _partner(daily_cap=2)
        with override_settings(**redis):
            left = [(await limited.get("/products/BERSERK-EN-1")).headers["RateLimit-Remaining"] for _ in range(2)]
            refused = await limited.get("/products/BERSERK-EN-1")
            assert left == ["1", "0"]
            assert refused.status_code == refused.json()["status"] == 429
            assert refused.json()["type"] == "/api/v1/docs#problem-too-many"
            assert 0 < int(refused.headers["Retry-After"]) <= 86_400
            # Another key has its own.
            assert (await partner.get("/products/BERSERK-EN-1")).status_code == 200


class TestSender:
    @pytest.mark.parametrize(
        ("networks", "status"),
        [
            ([], 200),
            (["127.0.0.0/8"], 200),
            (["2001:db8::/32", "127.0.0.1"], 200),
            (["192.0.2.0/24"], 403),
            (["::1"], 403),
        ],
    )
    async def test_a_key_works_from_its_networks(self, partner: Partner, networks: list[str], status: int) -> None:
        _, limited = await _partner(allowed_networks=networks)
        assert (await limited.get("/products/BERSERK-EN-1")).status_code == status

    @pytest.mark.parametrize(
        ("address", "inside"),
        [("127.0.0.1", True), ("::ffff:127.0.0.1", True), ("::1", False), ("128.0.0.1", False), ("", False)],
    )
    def test_an_address_is_known_in_both_spellings(self, address: str, inside: bool) -> None:
        assert is_inside(address, ["127.0.0.0/8"]) is inside

    async def test_a_header_of_the_clients_own_changes_nothing(self, partner: Partner) -> None:
        _, limited = await _partner(allowed_networks=["192.0.2.0/24"])
        sent = await limited.post("/products/batch", {"asins": ["X"]}, **{"X-Forwarded-For": "192.0.2.7"})
        assert sent.status_code == 403

    async def test_pages_of_its_origins_may_use_it_and_read_the_answer(self, partner: Partner) -> None:
        _, limited = await _partner(allowed_origins=["https://shop.example"])
        body = {"asins": ["BERSERK-EN-1"]}
        allowed = await limited.post("/products/batch", body, origin="https://shop.example")
        assert allowed.status_code == 200
        assert allowed.headers["Access-Control-Allow-Origin"] == "https://shop.example"
        for origin in ("https://evil.example", "null", "https://shop.example.evil.example"):
            refused = await limited.post("/products/batch", body, origin=origin)
            assert refused.status_code == 403
            assert "Access-Control-Allow-Origin" not in refused.headers
        # A server sends none.
        assert (await limited.post("/products/batch", body)).status_code == 200

    async def test_a_browser_asks_before_it_sends_the_key(self, partner: Partner) -> None:
        key, _ = await _partner(allowed_origins=["https://shop.example"])

        async def preflight(origin: str) -> Any:
            headers = {"origin": origin, "access-control-request-method": "POST"}
            return await AsyncClient().options("/api/v1/products/batch", headers=headers)

        allowed = await preflight("https://shop.example")
        assert (allowed.status_code, allowed.headers["Access-Control-Allow-Origin"]) == (204, "https://shop.example")
        assert "Authorization" in allowed.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Origin" not in (await preflight("https://evil.example")).headers
        await sync_to_async(ApiKey.objects.filter(pk=key.pk).revoke)()
        assert "Access-Control-Allow-Origin" not in (await preflight("https://shop.example")).headers


@pytest.mark.parametrize(
    "secret", ["", "ma_", "ma_wrong", "Bearer", "ma_" + "x" * 43, "ma_" + "x" * 10_000, "ma_\x00" + "x" * 42, "ma_ü"]
)
async def test_what_is_no_secret_is_refused_like_any_other(partner: Partner, secret: str) -> None:
    refused = await Partner(secret).get("/products/BERSERK-EN-1")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")


async def test_a_secret_with_a_known_beginning_is_no_secret(partner: Partner) -> None:
    assert (await Partner(partner.secret[:12] + "x" * 34).get("/products/BERSERK-EN-1")).status_code == 401


@pytest.mark.django_db
class TestCommand:
    def test_it_sets_every_limit(self) -> None:
        out = StringIO()
        call_command(
            "create_api_key", "A shop", "--scope=events", "--expires=2030-01-01T00:00", "--rate=5", "--daily-cap=9",
            "--origin=https://shop.example", "--network=192.0.2.0/24", stdout=out, stderr=StringIO(),
        )  # fmt: skip
        key = ApiKey.objects.get()
        assert (key.scopes, key.rate_per_minute, key.daily_cap) == (["events"], 5, 9)
        assert (key.allowed_origins, key.allowed_networks) == (["https://shop.example"], ["192.0.2.0/24"])
        assert key.expires_at is not None
        assert KeySecret.objects.find(out.getvalue().split()[-1]) is not None

    def test_it_rotates(self) -> None:
        _, first = create_api_key("A shop", ["events"])
        out = StringIO()
        call_command("create_api_key", "A shop", "--rotate", "--overlap-hours=0", stdout=out, stderr=StringIO())
        assert KeySecret.objects.find(first) is None
        assert KeySecret.objects.find(out.getvalue().split()[-1]) is not None

    @pytest.mark.parametrize(
        "wrong",
        [
            ["--scope=everything"],
            ["--expires=tomorrow"],
            ["--rate=0"],
            ["--daily-cap=0"],
            ["--network=shop.example"],
            ["--network=10.0.0.1/8"],
            ["--origin=shop.example"],
            ["--origin=https://shop.example/path"],
            ["--origin=https://a@shop.example"],
            ["--origin=*"],
            ["--rotate"],
        ],
    )
    def test_what_is_wrong_makes_no_key(self, wrong: list[str]) -> None:
        with pytest.raises(CommandError):
            call_command("create_api_key", "A shop", *wrong, stdout=StringIO(), stderr=StringIO())
        assert not ApiKey.objects.exists()


@pytest.mark.django_db
class TestAdmin:
    FORM = {
        "name": "A shop",
        "scopes": ["events", "catalog:read"],
        "rate_per_minute": "60",
        "allowed_origins": "https://shop.example\r\n\r\n https://other.example ",
        "secrets-TOTAL_FORMS": "0",
        "secrets-INITIAL_FORMS": "0",
    }

    def test_a_new_key_is_shown_once_and_stored_as_a_hash(self, admin_client: Client) -> None:
        page = admin_client.post("/admin/partners/apikey/add/", self.FORM)
        assert page.status_code == 200
        assert "no-store" in page.headers["Cache-Control"]
        secret = page.content.decode().split('<code id="secret">')[1].split("<")[0]
        found = KeySecret.objects.find(secret)
        assert found is not None
        assert found.key.allowed_origins == ["https://shop.example", "https://other.example"]
        for address in ("/admin/partners/apikey/", f"/admin/partners/apikey/{found.key.pk}/change/"):
            shown = admin_client.get(address).content.decode()
            assert found.prefix in shown
            assert secret not in shown
        assert secret not in str(list(ApiKey.objects.values())) + str(list(KeySecret.objects.values()))

    @pytest.mark.parametrize(
        "wrong",
        [
            {"scopes": ["everything"]},
            {"scopes": []},
            {"allowed_networks": "nowhere"},
            {"allowed_origins": "https://shop.example/path"},
            {"rate_per_minute": "0"},
            {"daily_cap": "-1"},
            {"name": ""},
        ],
    )
    def test_what_is_wrong_makes_no_key(self, admin_client: Client, wrong: dict[str, Any]) -> None:
        page = admin_client.post("/admin/partners/apikey/add/", self.FORM | wrong)
        assert "errorlist" in page.content.decode()
        assert not ApiKey.objects.exists()

    def test_all_of_it_is_japanese_for_who_reads_japanese(self, admin_client: Client) -> None:
        key = ApiKey.objects.create(name="A shop", tenant="t", scopes=["events"])
        new_secret(key)
        address = f"/admin/partners/apikey/{key.pk}/change/"
        page = admin_client.get(address, headers={"accept-language": "ja"}).content.decode()
        assert all(word in page for word in ("キーのシークレット", "先頭の文字", "使用期限"))
        assert not any(word in page for word in ("Key secret", "Prefix", "Usable until", "Scopes", "Allowed"))

    def test_a_key_is_rotated_and_revoked(self, admin_client: Client) -> None:
        key, first = create_api_key("A shop", ["events"])
        address = f"/admin/partners/apikey/{key.pk}/rotate/"
        assert admin_client.get(address).status_code == 200
        assert "errorlist" in admin_client.post(address, {"old_until_0": "x", "old_until_1": ""}).content.decode()
        page = admin_client.post(address, {"old_until_0": "2020-01-01", "old_until_1": "00:00"})
        second = page.content.decode().split('<code id="secret">')[1].split("<")[0]
        assert KeySecret.objects.find(first) is None
        assert KeySecret.objects.find(second) is not None
        admin_client.post("/admin/partners/apikey/", {"action": "revoke", "_selected_action": [key.pk]})
        assert KeySecret.objects.find(second) is None

    def test_it_takes_the_right_to_change_keys(self, client: Client) -> None:
        key, secret = create_api_key("A shop", ["events"])
        client.force_login(User.objects.create_user("staff", is_staff=True))
        assert client.post(f"/admin/partners/apikey/{key.pk}/rotate/", {}).status_code == 403
        assert client.get("/admin/partners/apikey/add/").status_code == 403
        client.post("/admin/partners/apikey/", {"action": "revoke", "_selected_action": [key.pk]})
        assert KeySecret.objects.find(secret) is not None
        assert KeySecret.objects.count() == 1


def test_keys_of_before_keep_their_secret_and_their_conversations(transactional_db: None) -> None:
    secret = "ma_" + "a" * 43
    executor = MigrationExecutor(connection)
    latest = [node for node in executor.loader.graph.leaf_nodes() if node[0] == "partners"]
    executor.migrate([("partners", "0001_initial")])
    old = executor.loader.project_state([("partners", "0001_initial")]).apps.get_model("partners", "ApiKey")
    old.objects.create(name="Old", prefix=secret[:12], digest=digest_of(secret), scopes=["events"])
    executor = MigrationExecutor(connection)
    executor.migrate(latest)
    found = KeySecret.objects.find(secret)
    assert found is not None
    assert (found.key.tenant, found.key.scopes) == (secret[:12], ["events"])
