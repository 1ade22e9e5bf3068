"""/healthz, /readyz and /metrics."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import AsyncClient, Client
from django.utils import timezone

from chat.records import TurnRecord
from chat.signals import turn_finished
from chat.understanding import intents
from chat.warm import understands, warm_in_background
from mangaassist import breaker
from mangaassist.addresses import read_networks
from mangaassist.analytics.buffer import EventBuffer
from mangaassist.dbthreads import in_database
from mangaassist.health import heartbeat, metrics, probes, tasks
from mangaassist.outbox.models import OutboxMessage, QueuedMessage
from mangaassist.redis import sync_client
from tests.mangaassist.running import until

pytestmark = pytest.mark.django_db(transaction=True)


async def ready(client: AsyncClient) -> tuple[int, dict[str, Any]]:
    response = await client.get("/readyz")
    return response.status_code, response.json()


async def test_live_asks_nothing(async_client: AsyncClient, settings: Any) -> None:
    settings.REDIS_URLS = dict.fromkeys(settings.REDIS_URLS, "unix:///nowhere.sock?db=0")
    response = await async_client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "live"})
    assert "no-store" in response["Cache-Control"]


async def test_ready_when_every_part_is_well(async_client: AsyncClient) -> None:
    for queue in heartbeat.QUEUES:
        await asyncio.to_thread(tasks.heartbeat, queue)
    status, body = await ready(async_client)
    assert status == 200
    assert body["status"] == "ready"
    assert [name for name, part in body["parts"].items() if part["ok"]] == [
        "database", "redis", "worker", "search", "models",
    ]  # fmt: skip


async def test_not_ready_before_it_would_understand_a_question(
    async_client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for queue in heartbeat.QUEUES:
        await asyncio.to_thread(tasks.heartbeat, queue)
    # A process that has read none of its models, and another that is just learning them.
    monkeypatch.setattr(intents.kept, "_models", {})
    with intents.kept._lock:
        warm_in_background()
        status, body = await ready(async_client)
        assert (status, body["parts"]["models"]["fault"]) == (503, "still learning to understand")
    await asyncio.to_thread(until, understands, "it has read its models", within_s=60)
    assert (await ready(async_client))[0] == 200


async def test_no_heartbeat_is_named(async_client: AsyncClient) -> None:
    status, body = await ready(async_client)
    assert status == 503
    assert body["parts"]["worker"]["fault"] == "no heartbeat: interactive, delivery"
    assert body["parts"]["database"]["ok"]


async def test_a_worker_of_another_queue_does_not_count(async_client: AsyncClient) -> None:
    for queue in ("interactive", "batch"):
        await asyncio.to_thread(tasks.heartbeat, queue)
    _, body = await ready(async_client)
    assert body["parts"]["worker"]["fault"] == "no heartbeat: delivery"


async def test_without_redis_it_says_so_and_asks_the_rest(async_client: AsyncClient, settings: Any) -> None:
    settings.REDIS_URLS = dict.fromkeys(settings.REDIS_URLS, "unix:///nowhere.sock?db=0")
    status, body = await ready(async_client)
    assert status == 503
    assert {name for name, part in body["parts"].items() if not part["ok"]} == {"redis", "worker"}
    assert "nowhere" not in str(body)


async def test_a_hanging_part_does_not_hang_the_answer(
    async_client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    monkeypatch.setitem(probes.PROBES, "search", hang)
    monkeypatch.setattr(probes, "PROBE_LIMIT_S", 0.05)
    _, body = await ready(async_client)
    assert body["parts"]["search"] == {
        "ok": False,
        "took_ms": pytest.approx(50, abs=500),
        "fault": "no answer within 0.05 s",
    }


@pytest.mark.skipif(connection.vendor != "sqlite", reason="Another database's disk is elsewhere.")
async def test_a_full_disk_is_red(async_client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1024))
    _, body = await ready(async_client)
    assert body["parts"]["database"]["fault"] == "the disk is full"


async def test_probes_come_by_address_and_without_tls(async_client: AsyncClient, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["shop.example"]
    settings.SECURE_SSL_REDIRECT = True
    for path in ("/healthz", "/metrics"):
        response = await async_client.get(path, headers={"host": "10.0.0.7"})
        assert response.status_code == 200


def test_probes_answer_under_wsgi_too(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "live"}


def test_a_heartbeat_ends_by_itself() -> None:
    tasks.heartbeat("delivery")
    left = sync_client("streams").ttl(heartbeat.key_of("delivery"))
    assert 0 < left <= heartbeat.FRESH_S


def test_a_heartbeat_without_redis_does_not_break_the_worker(settings: Any) -> None:
    settings.REDIS_URLS = dict.fromkeys(settings.REDIS_URLS, "unix:///nowhere.sock?db=0")
    tasks.heartbeat("delivery")


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("10.1.2.3", {}, 200),
        ("::1", {}, 200),
        ("203.0.113.7", {}, 404),
        ("2001:db8::7", {}, 404),
        ("", {}, 404),
        ("somewhere", {}, 404),
        # Through a proxy, whatever it says of whom.
        ("10.1.2.3", {"x-forwarded-for": "127.0.0.1"}, 404),
        ("10.1.2.3", {"forwarded": "for=127.0.0.1"}, 404),
        ("10.1.2.3", {"via": "1.1 balancer"}, 404),
    ],
)
def test_metrics_are_not_for_the_world(client: Client, address: str, headers: dict[str, str], status: int) -> None:
    assert client.get("/metrics", REMOTE_ADDR=address, headers=headers).status_code == status


def test_metrics_networks_can_be_others(client: Client, settings: Any) -> None:
    settings.METRICS_NETWORKS = read_networks(["203.0.113.0/24"])
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.7").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 404


@pytest.mark.skipif(connection.vendor != "sqlite", reason="another program holds the file")
async def test_a_database_that_takes_no_writes_is_red_although_it_is_read(
    async_client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "PROBE_LIMIT_S", 30)
    with closing(sqlite3.connect(str(connection.settings_dict["NAME"]), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        _, body = await ready(async_client)
        assert body["parts"]["database"]["fault"] == "it takes no writes: somebody holds it"
        other.execute("ROLLBACK")
    _, body = await ready(async_client)
    assert body["parts"]["database"]["ok"]


async def test_metrics_tell_of_breakers(async_client: AsyncClient) -> None:
    breaker.Breaker("test-oracle", failures=1).failed()
    try:
        text = (await async_client.get("/metrics")).content.decode()
    finally:
        del breaker.registry["test-oracle"]
    assert 'mangaassist_breaker_state{breaker="test-oracle",state="open"} 1.0' in text
    assert 'mangaassist_breaker_state{breaker="test-oracle",state="closed"} 0.0' in text
    assert "process_resident_memory_bytes" in text


async def test_metrics_tell_what_models_took(async_client: AsyncClient) -> None:
    generation = {
        "generator": "composer",
        "tried": "qwen-test",
        "read": 120,
        "written": 30,
        "cost": 0.25,
        "fallback": "no word",
    }
    notes = [{"note": "sentence_refused", "guard": "numbers-test", "reason": "number 5 outside a slot"}]
    told = TurnRecord(
        session_id="s", turn_id="t", customer_id="", message="", response="", status="complete", intent="price", confidence=1.0,
        language="en", generator="composer", engine="", latency_ms=1.0, first_delta_ms=1.0, steps=[], notes=notes,
        generation=generation, cards=[], cache=[], at=timezone.now(),
    )  # fmt: skip
    turn_finished.send_robust(sender=None, record=told)
    text = (await async_client.get("/metrics")).content.decode()
    assert 'mangaassist_generator_tokens_total{generator="qwen-test",kind="read"} 120.0' in text
    assert 'mangaassist_generator_cost_dollars_total{generator="qwen-test"} 0.25' in text
    assert 'mangaassist_generator_fallbacks_total{generator="qwen-test"} 1.0' in text
    assert 'mangaassist_sentences_refused_total{guard="numbers-test"} 1.0' in text


async def test_metrics_tell_of_the_outbox(async_client: AsyncClient) -> None:
    def fill() -> None:
        for topic, status, attempts in (
            ("feedback", "waiting", 0),
            ("feedback", "waiting", 3),
            ("feedback", "done", 1),
        ):
            OutboxMessage.objects.create(topic=topic, status=status, attempts=attempts, payload={})

    await in_database(fill)
    lines = (await async_client.get("/metrics")).content.decode().splitlines()
    assert 'mangaassist_outbox_messages{status="waiting",topic="feedback"} 2.0' in lines
    assert 'mangaassist_outbox_attempts{status="waiting",topic="feedback"} 3.0' in lines
    assert not any(line.startswith("mangaassist_outbox") and 'status="done"' in line for line in lines)


async def test_metrics_tell_of_dead_letters(async_client: AsyncClient) -> None:
    def fill() -> None:
        for number, dead in enumerate((True, True, False)):
            QueuedMessage.objects.create(queue="feedback", dedup_id=str(number), body={}, dead=dead)

    await in_database(fill)
    lines = (await async_client.get("/metrics")).content.decode().splitlines()
    assert 'mangaassist_queue_dead_letters{queue="feedback"} 2.0' in lines


async def test_metrics_tell_of_events_that_were_dropped(
    async_client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mangaassist.analytics import metrics

    full = EventBuffer(capacity=1, interval_s=3600)
    for _ in range(3):
        full.append({})
    monkeypatch.setattr(metrics, "buffer", full)
    text = (await async_client.get("/metrics")).content.decode()
    assert "mangaassist_analytics_waiting 1.0" in text
    assert "mangaassist_analytics_dropped_total 2.0" in text


async def test_metrics_answer_without_the_database(async_client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(metrics, "read_backlog", fail)
    response = await async_client.get("/metrics")
    assert response.status_code == 200
    assert b"mangaassist_breaker_state" in response.content


async def test_the_search_probe_asks_the_index() -> None:
    from shop import search_index

    assert await in_database(search_index.is_ready)
