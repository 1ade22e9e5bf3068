"""Structured logging: ``structlog.get_logger(__name__).info("event", key=value)``, as text or JSON lines.

No line holds a credential or an e-mail address, whoever wrote it: the finished line goes through
mangaassist/concealing.py, and what an exception quotes through mangaassist/redaction.py.
"""

from __future__ import annotations

from typing import Any

import structlog

from mangaassist.concealing import conceal, conceal_addresses

_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def logging_config(level: str, style: str) -> dict[str, Any]:
    """Django's LOGGING; also points structlog at the standard library. ``style``: ``text`` or ``json``."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    last = [structlog.processors.format_exc_info] if style == "json" else []
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last, renderer, _conceal],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.request": {"level": "ERROR"},
            "botocore": {"level": "WARNING"},
            "celery": {"level": "WARNING"},
        },
    }


def _conceal(logger: Any, name: str, line: Any) -> str:
    text = str(line)
    if "Traceback (most recent call last)" in text:
        # What broke may quote what a shopper typed. Loaded with the first fault only: beat needs none of it.
        from mangaassist.redaction import redact

        text = redact(text)
    return conceal_addresses(conceal(text))
