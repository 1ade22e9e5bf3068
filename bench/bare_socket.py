"""The least that a WebSocket application can do on our server: the baselines of bench/sockets.py.

It answers ``hello`` with ``ready``, and each question with the frames that hello brought. With ``--keeping`` it also
keeps what MangaAssist promises of a turn: the question is stored before it is acknowledged, each frame is in the turn's
stream, and the answer is stored before its last word. ``python -m bench.bare_socket --port N [--keeping]``.
"""

from __future__ import annotations

import argparse
import uuid
from typing import Any

import django
import orjson

from mangaassist.server import Server, configuration

Frame = dict[str, Any]


async def forgetful(scope: dict[str, Any], receive: Any, send: Any) -> None:
    frames: list[Frame] = []
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
            continue
        frame = orjson.loads(message["text"])
        if frame["type"] == "hello":
            frames = frame.get("frames", [])
            await _say(send, {"type": "ready"})
        else:
            for each in frames:
                await _say(send, each)


async def keeping(scope: dict[str, Any], receive: Any, send: Any) -> None:
    from chat.context import PageContext
    from chat.records import accept_message, store_answer
    from chat.sessions import start_conversation
    from chat.tokens import Shopper
    from chat.turn_stream import append
    from mangaassist.dbthreads import in_database

    frames: list[Frame] = []
    conversation_id = ""
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
            continue
        frame = orjson.loads(message["text"])
        if frame["type"] == "hello":
            frames = frame.get("frames", [])
            shopper = Shopper(session_id=uuid.uuid4().hex)
            conversation = await in_database(start_conversation, shopper, PageContext(), channel="widget")
            conversation_id = str(conversation.pk)
            await _say(send, {"type": "ready"})
            continue
        accepted = await in_database(accept_message, conversation_id, frame["client_msg_id"], frame["text"])
        for number, each in enumerate(frames):
            if number == len(frames) - 1:
                answer = _answer(each)
                await in_database(store_answer, accepted.turn_id, conversation_id, frame["text"], answer)
            if number:
                await append(accepted.turn_id, 1, number, [orjson.dumps(each)])
            await _say(send, each)


def _answer(response: Frame) -> Any:
    from chat.records import Answer

    return Answer(
        message_id=str(uuid.uuid4()),
        content=response["content"],
        template=response["content"],
        cards=[
            {"card_id": card["card_id"], "kind": card["kind"], "id": card["data"].get("asin") or card["data"].get("id")}
            for card in response["cards"]
        ],
        quick_replies=response["quick_replies"],
        citations=response["citations"],
        status="complete",
        intent="",
        confidence=None,
        language="en",
        generator="",
        engine="",
        trace={},
        dialogue={},
        latency_ms=0.0,
        first_delta_ms=None,
    )


async def _say(send: Any, frame: Frame) -> None:
    await send({"type": "websocket.send", "text": orjson.dumps(frame).decode()})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--keeping", action="store_true")
    django.setup()
    options = parser.parse_args()
    config = configuration("127.0.0.1", options.port)
    config.app = keeping if options.keeping else forgetful
    Server(config).run()


if __name__ == "__main__":
    main()
