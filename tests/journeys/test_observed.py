"""One question, followed through logs, outbox, figures and traces by the id that the browser gave it."""

from __future__ import annotations

import asyncio
import io
import logging
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from django.db import OperationalError
from django.test import AsyncClient
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY

from mangaassist import tracing
from mangaassist.dbthreads import in_database
from mangaassist.logs import logging_config
from mangaassist.outbox.models import OutboxMessage
from mangaassist.outbox.relay import drain
from tests.journeys.shopper import Socket, token

pytestmark = pytest.mark.usefixtures("shop")
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What is logged, as a deployment writes it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    described = logging_config("INFO", "json")["formatters"]["structured"].copy()
    handler.setFormatter(described.pop("()")(**described))
    logging.getLogger().addHandler(handler)
    yield lambda: [orjson.loads(line) for line in written.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracing.begin_with(SimpleSpanProcessor(exporter), "test")
    yield exporter
    tracing.end()


def figure(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_one_line_a_turn_under_the_browsers_own_id(lines: Lines) -> None:
    asked = str(uuid.uuid4())
    async with Socket() as socket:
        await socket.hello(token())
        accepted, *_, response = await socket.ask("is Berserk volume 3 in stock?", client_msg_id=asked)
    (line,) = [each for each in lines() if each["event"] == "turn_finished"]
    assert line["correlation"] == asked
    assert line["turn"] == accepted["turn_id"]
    assert (line["status"], line["intent"]) == ("complete", "availability")
    assert {"memory", "understand", "plan", "generate"} <= line["steps"].keys()
    assert line["ms"] >= line["first_delta_ms"] > 0
    assert not {"message", "response", "customer_id"} & line.keys()
    assert "Berserk" not in str(line)


async def test_an_opinion_keeps_its_id_in_its_row_and_at_its_delivery(lines: Lines) -> None:
    given = str(uuid.uuid4())
    async with Socket() as socket:
        await socket.hello(token())
        response = await socket.answer("hello")
        await socket.send(type="feedback", client_msg_id=given, message_id=response["message_id"], rating="up")
        await socket.next("saved")
    row = await OutboxMessage.objects.aget(topic="feedback")
    assert row.correlation == given
    await in_database(drain, "feedback")
    (line,) = [each for each in lines() if each["event"] == "outbox_delivery" and each["correlation"] == given]
    assert (line["topic"], line["outcome"], line["id"]) == ("feedback", "done", str(row.pk))


async def test_a_turn_is_a_trace_of_its_steps_and_its_id_is_the_turns(spans: InMemorySpanExporter) -> None:
    async with Socket() as socket:
        await socket.hello(token())
        accepted, *_ = await socket.ask("is Berserk volume 3 in stock?")
    await asyncio.sleep(0)
    finished = spans.get_finished_spans()
    (root,) = [span for span in finished if span.name == "turn"]
    steps = [span for span in finished if span.parent and span.parent.span_id == id_of(root).span_id]
    assert id_of(root).trace_id == uuid.UUID(accepted["turn_id"]).int
    assert root.parent is None
    assert {"memory", "understand", "plan", "generate", "live_offers"} <= {span.name for span in steps}
    told = str([(span.name, dict(span.attributes or {}), span.events, span.status.description) for span in finished])
    assert "Berserk" not in told


async def test_what_a_turn_leaves_to_the_worker_stands_in_its_trace(spans: InMemorySpanExporter) -> None:
    turn = str(uuid.uuid4())
    with tracing.turn_traced(turn, "conversation", 1):
        from mangaassist.outbox.delivery import enqueue

        await in_database(enqueue, "feedback", {})
        assert tracing.headers()["traceparent"].split("-")[1] == turn.replace("-", "")
    await in_database(drain, "feedback")
    delivered = {span.name: span for span in spans.get_finished_spans()}["deliver feedback"]
    assert id_of(delivered).trace_id == uuid.UUID(turn).int


def id_of(span: ReadableSpan) -> Any:
    return span.get_span_context()


def test_without_a_collector_nothing_is_traced() -> None:
    with tracing.turn_traced(str(uuid.uuid4()), "conversation", 1), tracing.continued("task", "00-1-1-01"):
        assert tracing.start("step") is None
        assert tracing.headers() == {}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("0b9d7d3e-5a3f-4a55-9c6e-6a4f0f2f9c11", True),
        ("0B9D7D3E-5A3F-4A55-9C6E-6A4F0F2F9C11", True),
        ("kentaro@example.com", False),
        ("090-1234-5678", False),
        ("{0b9d7d3e-5a3f-4a55-9c6e-6a4f0f2f9c11}", False),
        ("", False),
    ],
)
async def test_every_answer_names_its_request(async_client: AsyncClient, given: str, kept: bool) -> None:
    response = await async_client.get("/chat/", headers={"x-request-id": given} if given else {})
    told = response["X-Request-ID"]
    assert str(uuid.UUID(told)) == told
    assert (told == given.lower()) is kept


async def test_a_turn_is_counted(async_client: AsyncClient) -> None:
    before = figure("mangaassist_turn_first_frame_seconds_count")
    steps = figure("mangaassist_turn_step_seconds_count", step="understand")
    resumed = figure("mangaassist_sockets_resumed_total")
    asked = figure("mangaassist_question_accepted_seconds_count")
    async with Socket() as socket:
        ready = await socket.hello(token())
        response = await socket.answer("is Berserk volume 3 in stock?")
        assert figure("mangaassist_sockets_open") >= 1
    async with Socket() as socket:
        await socket.hello(
            token(conversation_id=ready["conversation_id"]), resume={"after_message_id": response["message_id"]}
        )
    assert figure("mangaassist_turn_first_frame_seconds_count") == before + 1
    assert figure("mangaassist_turn_step_seconds_count", step="understand") == steps + 1
    assert figure("mangaassist_question_accepted_seconds_count") == asked + 1
    assert figure("mangaassist_sockets_resumed_total") == resumed + 1
    assert figure("mangaassist_turns_running") == 0
    assert figure("mangaassist_database_wait_seconds_count") > 0


async def test_refused_frames_are_counted_by_codes_of_ours() -> None:
    unknown = figure("mangaassist_frames_refused_total", code="unknown_type")
    async with Socket() as socket:
        await socket.hello(token())
        await socket.send(type="me@example.com")
        await socket.receive_error()
    assert figure("mangaassist_frames_refused_total", code="unknown_type") == unknown + 1


@pytest.mark.parametrize(("fault", "code"), [(OperationalError, "unavailable"), (RuntimeError, "internal")])
async def test_a_question_that_could_not_be_stored_is_counted(
    monkeypatch: pytest.MonkeyPatch, fault: type[Exception], code: str
) -> None:
    def fail(*args: Any) -> Any:
        raise fault

    # A zero is told before the first one: without it Prometheus sees no rise.
    before = REGISTRY.get_sample_value("mangaassist_frames_refused_total", {"code": code})
    assert before is not None
    async with Socket() as socket:
        await socket.hello(token())
        monkeypatch.setattr("chat.consumers.accept_message", fail)
        await socket.send(type="user_message", client_msg_id=str(uuid.uuid4()), text="hello")
        assert (await socket.receive_error())["code"] == code
    assert figure("mangaassist_frames_refused_total", code=code) == before + 1
