"""The least that a WebSocket application can do on our server: the baseline of bench/sockets.py.

It answers ``hello`` with ``ready``, and each question with the frames that hello brought. ``python -m bench.bare_socket
--port N``.
"""

from __future__ import annotations

import argparse
from typing import Any

import django
import orjson

from mangaassist.server import Server, configuration


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    frames: list[dict[str, Any]] = []
    while True:
        message = await receive()
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif message["type"] == "websocket.disconnect":
            return
        else:
            frame = orjson.loads(message["text"])
            if frame["type"] == "hello":
                frames = frame.get("frames", [])
                await _say(send, {"type": "ready"})
            else:
                for each in frames:
                    await _say(send, each)


async def _say(send: Any, frame: dict[str, Any]) -> None:
    await send({"type": "websocket.send", "text": orjson.dumps(frame).decode()})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    django.setup()
    config = configuration("127.0.0.1", parser.parse_args().port)
    config.app = application
    Server(config).run()


if __name__ == "__main__":
    main()
