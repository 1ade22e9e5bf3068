"""Whole turns through the real ASGI application: the same question mix at 1, 10 and 50 shoppers at once.

The baseline is the cheapest exchange that the same socket can have, a ping and its pong, in the same run.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asgiref.testing import ApplicationCommunicator

from bench.tables import Table
from mangaassist.server import SWITCH_S
from tests.learned import share_with

SHOPPERS = (1, 10, 50)
TURNS_EACH = {1: 60, 10: 12, 50: 4}
PINGS = 200
QUESTIONS = (
    "hello",
    "is Berserk volume 3 in stock?",
    "how much is it?",
    "something like Vinland Saga",
    "who wrote Monster?",
    "how long does shipping take?",
    "any deals?",
    "鬼滅の刃の１巻はいくらですか",
)


@dataclass(slots=True)
class Seen:
    """Milliseconds from sending a question."""

    first_frame: list[float] = field(default_factory=list)
    first_delta: list[float] = field(default_factory=list)
    response: list[float] = field(default_factory=list)


def run() -> Table:
    # As in a web process, which this one stands for.
    sys.setswitchinterval(SWITCH_S)
    load_shop()
    return asyncio.run(_measure())


def load_shop() -> None:
    """The demo shop, and a recommender trained on it."""
    from django.conf import settings
    from django.core.management import call_command

    from chat.understanding import intents, moods

    feed = Path(__file__).resolve().parent.parent / "shop" / "demo" / "demo.jsonl.gz"
    with open(os.devnull, "w") as nowhere:
        call_command("import_catalog", str(feed), stdout=nowhere)
        call_command("train_recommender", stdout=nowhere)
    # A question that came first would have to wait for what is learned once.
    share_with(Path(settings.DATA_DIR))
    intents.train_missing()
    moods.train_missing()


async def _measure() -> Table:
    await _shopper(8, Seen())
    ping = await _pings()
    rows = [["ping and pong, 1 shopper", "—", f"{ping:.2f}", "—", f"{ping:.2f}", "1.0"]]
    for shoppers in SHOPPERS:
        seen = Seen()
        began = time.perf_counter()
        await asyncio.gather(*(_shopper(TURNS_EACH[shoppers], seen) for _ in range(shoppers)))
        rate = len(seen.response) / (time.perf_counter() - began)
        middle = statistics.median(seen.response)
        rows.append(
            [
                f"turn, {shoppers} shopper{'s' if shoppers > 1 else ''} at once",
                f"{rate:.0f}",
                f"{statistics.median(seen.first_frame):.2f}",
                f"{statistics.median(seen.first_delta):.2f}",
                f"{middle:.2f}",
                f"{middle / ping:.1f}",
            ]
        )
    return Table(
        title="Turns",
        columns=["", "turns/s", "first frame ms", "first delta ms", "response ms", "response / ping"],
        rows=rows,
        note=(
            "Medians over a mix of eight questions in two languages on the demo shop (162 series, 2,155 editions), with"
            " the composer and the local recommender, in one process without a network. At 50 shoppers all ask at once"
            " and never pause, which real shoppers do: the column then shows queueing on one core."
        ),
    )


async def _pings() -> float:
    socket = await connect()
    times = []
    for number in range(PINGS):
        began = time.perf_counter()
        await _send(socket, {"type": "ping", "t": number})
        while (await _receive(socket))["type"] != "pong":
            pass
        times.append((time.perf_counter() - began) * 1000)
    await close(socket)
    return statistics.median(times)


async def _shopper(turns: int, seen: Seen) -> None:
    socket = await connect()
    for number in range(turns):
        await one_turn(socket, QUESTIONS[number % len(QUESTIONS)], seen)
    await close(socket)


async def one_turn(socket: Any, text: str, seen: Seen) -> None:
    """Asks and reads until the answer is complete."""
    began = time.perf_counter()
    await _send(socket, {"type": "user_message", "client_msg_id": str(uuid.uuid4()), "text": text})
    delta = False
    while True:
        frame = await _receive(socket)
        waited = (time.perf_counter() - began) * 1000
        if frame["type"] == "typing_indicator" and frame["seq"] == 1:
            seen.first_frame.append(waited)
        elif frame["type"] == "delta" and not delta:
            delta = True
            seen.first_delta.append(waited)
        elif frame["type"] == "response":
            seen.response.append(waited)
            assert frame["status"] == "complete", frame
            break
        elif frame["type"] == "error":
            raise RuntimeError(frame)


# --- A socket without a network -----------------------------------------------------------------------------


async def connect() -> Any:
    from chat.tokens import Claims, Shopper, issue_token
    from mangaassist.asgi import application

    communicator: Any = ApplicationCommunicator
    socket = communicator(
        application, {"type": "websocket", "path": "/ws/chat/", "headers": [], "query_string": b"", "subprotocols": []}
    )
    await socket.send_input({"type": "websocket.connect"})
    await socket.receive_output(5)
    token = issue_token(Claims(shopper=Shopper(session_id=uuid.uuid4().hex)))
    await _send(socket, {"type": "hello", "v": 1, "token": token, "caps": ["stream", "cards"]})
    while (await _receive(socket))["type"] != "ready":
        pass
    return socket


async def _send(socket: Any, frame: dict[str, Any]) -> None:
    import orjson

    await socket.send_input({"type": "websocket.receive", "text": orjson.dumps(frame).decode()})


async def _receive(socket: Any) -> dict[str, Any]:
    import orjson

    message = await socket.receive_output(60)
    frame: dict[str, Any] = orjson.loads(message["text"])
    return frame


async def close(socket: Any) -> None:
    await socket.send_input({"type": "websocket.disconnect", "code": 1000})
    await socket.wait(5)
