"""Celery's entrances to the knowledge index."""

from __future__ import annotations

import structlog
from celery import shared_task

from knowledge import index, reindexing
from knowledge.backends import knowledge_sources
from knowledge.backends.base import EmbedderUnavailable, SourceUnavailable
from knowledge.index import IndexBusy

log = structlog.get_logger(__name__)


@shared_task(name="knowledge.tasks.watch_folder", ignore_result=True)
def watch_folder() -> None:
    """Every few seconds, for a source that tells nobody of its changes."""
    if knowledge_sources["default"].watched:
        look_at_source()


@shared_task(name="knowledge.tasks.look_at_source", ignore_result=True)
def look_at_source() -> None:
    """Every hour, for events that never came."""
    try:
        reindexing.look_at_source()
    except SourceUnavailable as error:
        log.warning("knowledge_source_unavailable", error=str(error)[:300])


@shared_task(name="knowledge.tasks.purge", ignore_result=True)
def purge() -> None:
    index.purge()


@shared_task(name="knowledge.tasks.embed_the_rest", ignore_result=True)
def embed_the_rest() -> None:
    """Every minute: passages that lack a vector of the model in use."""
    try:
        reindexing.embed_the_rest()
    except (EmbedderUnavailable, SourceUnavailable, IndexBusy) as error:
        log.info("vectors_still_missing", error=str(error)[:300])
