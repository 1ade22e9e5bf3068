"""What the first question would otherwise wait for, loaded while the process starts."""

from __future__ import annotations

import gc
import threading

import structlog
from django.db import connection

from chat.understanding import intents, moods
from knowledge.help_index import read_help
from mangaassist.backends import build_defaults
from recommendations.recommend import RecommendationRequest, recommend_for
from shop.titles import title_index

log = structlog.get_logger(__name__)


# Clear while a process that serves shoppers has not read its models yet: the first on a machine has to learn them.
_understands = threading.Event()
_understands.set()


def warm_in_background() -> None:
    """Returns at once; a question that is faster simply loads what it needs itself."""
    _understands.clear()
    threading.Thread(target=_warm, name="warm", daemon=True).start()


def understands() -> bool:
    """Whether a question would be understood at once: until then no balancer should send any here."""
    return _understands.is_set()


def _warm() -> None:
    try:
        intents.warm()
        moods.warm()
        _understands.set()
        build_defaults()
        title_index()
        read_help()
        recommend_for(RecommendationRequest(limit=1))
    except Exception as error:  # Only a head start is lost.
        log.warning("not_warmed", error=repr(error)[:300])
    finally:
        _understands.set()
        connection.close()
    settle()


def settle() -> None:
    """What stands now stays: the collector need not go through it again. A full collection of a whole Django process
    takes a tenth of a second, in which no socket is answered."""
    gc.collect()
    gc.freeze()
