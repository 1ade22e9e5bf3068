"""What a task brings along and leaves behind: the correlation and trace of who sent it, its time, how it ended.

Imported by both Celery applications; beat's has no Django apps.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from celery.signals import after_task_publish, before_task_publish, task_postrun, task_prerun

from mangaassist import correlation, instruments, tracing

TRACE = "traceparent"
# Task id → what ends with the task, and when it began (time.monotonic()).
_running: dict[str, tuple[ExitStack, float]] = {}


@before_task_publish.connect
def send_along(headers: dict[str, Any] | None = None, **kwargs: Any) -> None:
    if headers is None:
        return
    for name, value in ((correlation.NAME, correlation.current()), (TRACE, tracing.traceparent())):
        if value:
            headers.setdefault(name, value)


@after_task_publish.connect
def count_sent(sender: Any = None, **kwargs: Any) -> None:
    instruments.tasks_sent.labels(task=str(sender)).inc()


@task_prerun.connect
def begin(task_id: str, task: Any, **kwargs: Any) -> None:
    stack = ExitStack()
    stack.enter_context(correlation.correlated(str(task.request.get(correlation.NAME) or "")))
    stack.enter_context(tracing.continued(f"task {task.name}", str(task.request.get(TRACE) or "")))
    _running[task_id] = stack, time.monotonic()


@task_postrun.connect
def finish(task_id: str, task: Any, state: str | None = None, **kwargs: Any) -> None:
    begun = _running.pop(task_id, None)
    if begun is None:
        return
    stack, at = begun
    stack.close()
    instruments.task_seconds.labels(task=task.name, state=(state or "unknown").lower()).observe(time.monotonic() - at)
