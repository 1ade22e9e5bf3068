"""Celery's application. Tasks are only entrances: the truth is in the outbox's rows."""

import os
from typing import Any

import django
from celery import Celery
from celery.signals import celeryd_after_setup, import_modules, setup_logging, worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mangaassist.settings")

from mangaassist import task_signals  # noqa: F401  (connects them)
from mangaassist.loading import without_collecting


@import_modules.connect
def load(**kwargs: Any) -> None:
    """A worker's: before Celery's own receiver, which is connected with the application and would load it otherwise."""
    with without_collecting():
        django.setup()


app = Celery("mangaassist")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def leave_logging_as_it_is(**kwargs: Any) -> None:
    """Somebody has to say so: else Celery hides from the root logger what is below its own level, WARNING."""


@celeryd_after_setup.connect
def observe_worker(instance: Any, **kwargs: Any) -> None:
    """With processes of its own (`batch`) it is those that do the work, and are observed."""
    # Loaded by workers only.
    from celery.concurrency.prefork import TaskPool

    from mangaassist.observing import observe

    if not issubclass(instance.pool_cls, TaskPool):
        observe("worker")


@worker_process_init.connect
def observe_process(**kwargs: Any) -> None:
    from mangaassist.observing import observe

    observe("batch")
