"""OpenTelemetry traces, where ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set; else nothing here does anything.

A turn is a trace, and its id is the turn's own (without hyphens): who knows one finds the other. Its steps are spans
of it; an outbox row and a task carry its place (W3C Trace Context, ``traceparent``), so that what the worker does later
stands in the same trace. Spans hold names, numbers and ids of ours, no word of a shopper.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import Span, Tracer

_tracer: Tracer | None = None
_provider: TracerProvider | None = None
# The trace that the next root span begins.
_trace_id: ContextVar[int] = ContextVar("trace_id", default=0)


def configure(service: str) -> None:
    """``service``: what this process is. The exporter reads all its variables (OTEL_EXPORTER_OTLP_*) itself.

    Raises ``ImportError`` without the extra ``otel``.
    """
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    begin_with(BatchSpanProcessor(OTLPSpanExporter()), service)


def begin_with(processor: SpanProcessor, service: str) -> None:
    """From now on spans go to ``processor``."""
    global _tracer, _provider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Ids(RandomIdGenerator):
        def generate_trace_id(self) -> int:
            return _trace_id.get() or super().generate_trace_id()

    named = {"service.namespace": "mangaassist", "service.name": f"mangaassist-{service}"}
    _provider = TracerProvider(resource=Resource.create(named), id_generator=Ids())
    _provider.add_span_processor(processor)
    _tracer = _provider.get_tracer("mangaassist")


def end() -> None:
    """Sends what is left, and does nothing from now on."""
    global _tracer, _provider
    provider, _tracer, _provider = _provider, None, None
    if provider is not None:
        provider.shutdown()


@contextmanager
def turn_traced(turn_id: str, conversation_id: str, attempt: int) -> Iterator[None]:
    """The root span of a turn; steps that begin in this context, and in tasks and threads of it, are its children."""
    if _tracer is None:
        yield
        return
    from opentelemetry.context import Context

    token = _trace_id.set(uuid.UUID(turn_id).int)
    try:
        facts: dict[str, str | int] = {"turn": turn_id, "conversation": conversation_id, "attempt": attempt}
        span = _tracer.start_span("turn", context=Context(), attributes=facts)
    finally:
        _trace_id.reset(token)
    with _current(span):
        yield


@contextmanager
def continued(name: str, traceparent: str, **facts: str | int) -> Iterator[None]:
    """A span of its own in the trace that ``traceparent`` tells of, or in none without one."""
    if _tracer is None or not traceparent:
        yield
        return
    with _current(_tracer.start_span(name, context=_told_by(traceparent), attributes=facts)):
        yield


@contextmanager
def _current(span: Span) -> Iterator[None]:
    from opentelemetry.trace import use_span

    try:
        with use_span(span, record_exception=False, set_status_on_exception=False):
            yield
    except BaseException as error:
        finish(span, error=type(error).__name__)
        raise
    finish(span)


def start(name: str) -> Span | None:
    """A step of the current span; :func:`finish` ends it. It is nobody's parent, so that generators may hold it."""
    return None if _tracer is None else _tracer.start_span(name)


def finish(span: Span | None, *, error: str = "") -> None:
    """``error``: an exception's type. Its text might hold words of a shopper."""
    if span is None:
        return
    if error:
        from opentelemetry.trace import StatusCode

        span.set_status(StatusCode.ERROR, error)
    span.end()


def spent(name: str, ms: float) -> None:
    """A step that was done in pieces, until now."""
    if _tracer is not None:
        now = time.time_ns()
        _tracer.start_span(name, start_time=now - int(ms * 1e6)).end(now)


def passed(name: str, traceparent: str, began_ns: int) -> None:
    """A span from ``began_ns`` (``time.time_ns()``) until now in the trace that ``traceparent`` tells of."""
    if _tracer is None or not traceparent:
        return
    _tracer.start_span(name, context=_told_by(traceparent), start_time=began_ns).end()


def _told_by(traceparent: str) -> Context:
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": traceparent}, Context())


def traceparent() -> str:
    """Where this context stands in its trace, for a header; empty outside of any."""
    if _tracer is None:
        return ""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent", "")


def headers() -> dict[str, str]:
    """The same as headers of a request that we make."""
    place = traceparent()
    return {"traceparent": place} if place else {}
