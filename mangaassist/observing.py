"""What every process begins with: its traces, its reports of faults, and for those without a web server a port for
Prometheus."""

from __future__ import annotations

import structlog
from django.conf import settings
from prometheus_client import start_http_server

from mangaassist import tracing

log = structlog.get_logger(__name__)


def observe(service: str, *, listens: bool = True) -> None:
    """``listens``: on ``METRICS_PORT``, where that is set; a web server answers /metrics itself."""
    tracing.configure(service)
    if settings.SENTRY_DSN:
        # What it loads, beat and others do without.
        from mangaassist import reporting

        reporting.configure(service)
    if not listens or not settings.METRICS_PORT:
        return
    try:
        start_http_server(settings.METRICS_PORT, addr=settings.METRICS_HOST)
    except OSError as error:
        # Without figures it works all the same.
        log.warning("metrics_not_served", service=service, port=settings.METRICS_PORT, error=str(error))
