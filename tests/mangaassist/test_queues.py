"""Every task goes to the queue of its purpose."""

from __future__ import annotations

import pytest
from django.conf import settings

from mangaassist.beat import app as beat
from mangaassist.celery import app
from mangaassist.outbox.topics import queue_of, topic_names
from mangaassist.supervisor import BATCH_WORKER, WORKER

app.loader.import_default_modules()


def queue_for(task: str) -> str:
    return str(app.amqp.router.route({}, task)["queue"].name)


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("mangaassist.outbox.tasks.sweep", "interactive"),
        ("mangaassist.outbox.tasks.drain", "delivery"),
        ("mangaassist.outbox.tasks.prune", "batch"),
        ("mangaassist.analytics.tasks.prune", "batch"),
        ("recommendations.tasks.train", "batch"),
        ("caching.tasks.sweep_products", "batch"),
        ("caching.tasks.watch_server", "batch"),
    ],
)
def test_tasks_have_queues_by_purpose(task: str, queue: str) -> None:
    assert task in app.tasks
    assert queue_for(task) == queue


def test_topics_name_theirs() -> None:
    assert queue_of("cache.invalidate") == queue_of("feedback") == "interactive"
    assert queue_of("analytics") == "delivery"
    assert queue_of("nobody's") == "delivery"
    assert {queue_of(name) for name in topic_names()} <= {"interactive", "delivery", "batch"}


def test_every_queue_has_a_worker() -> None:
    taken = {queue for command in (WORKER, BATCH_WORKER) for queue in command[command.index("--queues") + 1].split(",")}
    assert taken == {"interactive", "delivery", "batch"}


def test_beat_sends_what_exists_and_a_heartbeat_through_each_queue_that_shoppers_need() -> None:
    schedule = settings.CELERY_BEAT_SCHEDULE
    assert beat.conf.beat_schedule.keys() == schedule.keys()
    assert {entry["task"] for entry in schedule.values()} <= set(app.tasks)
    beats = {entry["options"]["queue"] for entry in schedule.values() if entry["task"].endswith("heartbeat")}
    assert beats == {"interactive", "delivery"}


def test_nothing_but_json_is_spoken() -> None:
    for each in (app, beat):
        assert each.conf.task_serializer == each.conf.result_serializer == "json"
        assert each.conf.accept_content == ["json"]
