"""Celery: its broker, its queues and their limits, what beat sends when."""

from __future__ import annotations

from typing import Any

from mangaassist import environment
from mangaassist.settings.assistant import RECOMMENDER_TRAIN_EVERY_H
from mangaassist.settings.basis import DATA_DIR
from mangaassist.settings.stores import REDIS_URLS

# Redis, or Amazon SQS (docs/decisions/0009-celery-queues-and-limits.md says what the queues are for).
CELERY_BROKER_URL = environment.broker_url(environment.celery_url(REDIS_URLS["broker"]))
# SQS: the queues' common address without the name at its end, as in https://sqs.eu-west-1.amazonaws.com/1234/shop-
CELERY_SQS_URL_PREFIX = environment.text("CELERY_SQS_URL_PREFIX")
if CELERY_BROKER_URL == "sqs://" and not CELERY_SQS_URL_PREFIX:
    environment.faults.append("CELERY_BROKER_URL=sqs:// needs CELERY_SQS_URL_PREFIX.")
CELERY_TASK_IGNORE_RESULT = True
# Whoever can write to the broker must not be able to run code here.
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# Early acknowledgement: a worker with a late one exits when Redis drops. The outbox row is the truth.
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Nobody commands workers over the broker, and SQS could not carry it.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
# How long a task of the queue `batch` may take, seconds; its process is then killed.
BATCH_LIMIT_S = environment.number("BATCH_LIMIT_S", 3600, low=2, high=40_000)
CELERY_TASK_TIME_LIMIT = BATCH_LIMIT_S
CELERY_TASK_SOFT_TIME_LIMIT = BATCH_LIMIT_S * 0.95
_QUEUES = ("interactive", "delivery", "batch")
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {
        # Queues that exist already: the application needs no right to list or to create any.
        "predefined_queues": {name: {"url": CELERY_SQS_URL_PREFIX + name} for name in _QUEUES},
        "wait_time_seconds": 10,
        "polling_interval": 0.1,
        # Read over the ten seconds that an empty queue takes to answer.
        "client-config": {
            "connect_timeout": 2,
            "read_timeout": 15,
            "retries": {"total_max_attempts": 2, "mode": "standard"},
        },
    }
    if CELERY_BROKER_URL == "sqs://"
    else {"socket_timeout": 2, "socket_connect_timeout": 2, "max_retries": 1}
) | {"visibility_timeout": BATCH_LIMIT_S + 60}
# What somebody waits for, what must leave in seconds, what may take its time. An outbox topic names its own.
CELERY_TASK_DEFAULT_QUEUE = "delivery"
CELERY_TASK_ROUTES = {
    "mangaassist.outbox.tasks.sweep": {"queue": "interactive"},
    "chat.tasks.fail_left_turns": {"queue": "interactive"},
    "mangaassist.outbox.tasks.prune": {"queue": "batch"},
    "mangaassist.analytics.tasks.prune": {"queue": "batch"},
    "mangaassist.access.tasks.*": {"queue": "batch"},
    "mangaassist.privacy.tasks.*": {"queue": "batch"},
    "recommendations.tasks.*": {"queue": "batch"},
    "caching.tasks.*": {"queue": "batch"},
    "knowledge.tasks.look_at_source": {"queue": "batch"},
    "knowledge.tasks.purge": {"queue": "batch"},
    "knowledge.tasks.embed_the_rest": {"queue": "batch"},
    "partners.tasks.purge_idempotent_requests": {"queue": "batch"},
    "shop.tasks.*": {"queue": "batch"},
    "partners.tasks.purge_webhook_log": {"queue": "batch"},
}
CELERY_TIMEZONE = "UTC"
# Whether a stored effect wakes the worker at once; beat finds it within two seconds in any case.
OUTBOX_WAKE = environment.boolean("OUTBOX_WAKE", True)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "mangaassist.beat:PatientScheduler"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE: dict[str, Any] = {
    "outbox-sweep": {"task": "mangaassist.outbox.tasks.sweep", "schedule": 2.0, "options": {"expires": 2}},
    "outbox-prune": {"task": "mangaassist.outbox.tasks.prune", "schedule": 3600.0},
    "access-forget-old": {"task": "mangaassist.access.tasks.forget_old", "schedule": 3600.0},
    "enforce-retention": {"task": "mangaassist.privacy.tasks.enforce_retention", "schedule": 3600.0},
    "finish-erasures": {
        "task": "mangaassist.privacy.tasks.finish_erasures",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "analytics-prune": {"task": "mangaassist.analytics.tasks.prune", "schedule": 3600.0},
    # Ends after ten seconds, whatever is left to count.
    "roll-up": {"task": "mangaassist.analytics.tasks.roll_up", "schedule": 60.0, "options": {"expires": 60}},
    # One through each queue that shoppers depend on.
    **{
        f"heartbeat-{queue}": {
            "task": "mangaassist.health.tasks.heartbeat",
            "schedule": 5.0,
            "args": (queue,),
            "options": {"expires": 5, "queue": queue},
        }
        for queue in ("interactive", "delivery")
    },
    # Web processes take over what a dead one left; this is for turns that nobody waits for.
    "fail-left-turns": {"task": "chat.tasks.fail_left_turns", "schedule": 2.0, "options": {"expires": 2}},
    "return-silent-agents": {"task": "escalation.tasks.return_silent", "schedule": 15.0, "options": {"expires": 15}},
    "watch-cache-server": {"task": "caching.tasks.watch_server", "schedule": 60.0, "options": {"expires": 60}},
    "embed-the-rest": {"task": "knowledge.tasks.embed_the_rest", "schedule": 60.0, "options": {"expires": 60}},
    "watch-knowledge-folder": {"task": "knowledge.tasks.watch_folder", "schedule": 5.0, "options": {"expires": 5}},
    "look-at-knowledge-source": {"task": "knowledge.tasks.look_at_source", "schedule": 3600.0},
    "purge-knowledge-index": {"task": "knowledge.tasks.purge", "schedule": 3600.0},
    "purge-idempotent-requests": {"task": "partners.tasks.purge_idempotent_requests", "schedule": 3600.0},
    "take-uploaded-feeds": {"task": "shop.tasks.take_feed", "schedule": 15.0, "options": {"expires": 15}},
    "purge-feeds-and-events": {"task": "shop.tasks.purge", "schedule": 3600.0},
    "purge-webhook-log": {"task": "partners.tasks.purge_webhook_log", "schedule": 3600.0},
    "retrain-recommender": {"task": "recommendations.tasks.train", "schedule": RECOMMENDER_TRAIN_EVERY_H * 3600},
}
