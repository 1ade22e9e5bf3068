"""A shopper with a raw WebSocket, for tests: the real ASGI application, no browser."""

from __future__ import annotations

import json
import uuid
from typing import Any

from channels.testing import WebsocketCommunicator

from chat.tokens import Claims, Shopper, issue_token
from mangaassist.asgi import application

Frame = dict[str, Any]
# The first turn of a process trains what a shop has trained at its start; a busy machine takes its time over it.
PATIENCE_S = 40


def token(*, customer_id: str = "", session_id: str = "guest-1", conversation_id: str = "", **context: str) -> str:
    shopper = Shopper(session_id=session_id, customer_id=customer_id)
    return issue_token(Claims(shopper=shopper, conversation_id=conversation_id, context=context))


class Socket:
    """One connection; frames of the turn in progress are collected until its ``response``."""

    def __init__(self, *, origin: str | None = None) -> None:
        headers = [(b"host", b"testserver")] + ([(b"origin", origin.encode())] if origin else [])
        self.raw = WebsocketCommunicator(application, "/ws/chat/", headers=headers)

    async def __aenter__(self) -> Socket:
        accepted, _ = await self.raw.connect()
        assert accepted
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.raw.disconnect()

    async def hello(self, token: str, *, caps: list[str] | None = None, **fields: Any) -> Frame:
        caps = ["stream", "cards"] if caps is None else caps
        await self.raw.send_json_to({"type": "hello", "v": 1, "token": token, "caps": caps} | fields)
        return await self.next("ready")

    async def send(self, **frame: Any) -> None:
        await self.raw.send_json_to(frame)

    async def receive(self) -> Frame:
        frame: Frame = await self.raw.receive_json_from(timeout=PATIENCE_S)
        return frame

    async def next(self, type: str) -> Frame:
        """The next frame of a type; others on the way are passed over, but errors are not."""
        while True:
            frame = await self.receive()
            if frame["type"] == type:
                return frame
            assert frame["type"] != "error", frame

    async def receive_error(self) -> Frame:
        while True:
            frame = await self.receive()
            if frame["type"] == "error":
                return frame

    async def ask(self, text: str, *, client_msg_id: str = "", **fields: Any) -> list[Frame]:
        """All frames of one turn, from ``accepted`` to ``response``."""
        client_msg_id = client_msg_id or str(uuid.uuid4())
        await self.send(type="user_message", client_msg_id=client_msg_id, text=text, **fields)
        frames: list[Frame] = []
        while not frames or frames[-1]["type"] not in {"response", "error"}:
            frame = await self.receive()
            if frame["type"] != "token":
                frames.append(frame)
        return frames

    async def answer(self, text: str, **fields: Any) -> Frame:
        return (await self.ask(text, **fields))[-1]

    async def closed_with(self) -> tuple[Frame | None, int]:
        """(the error frame, the close code)."""
        error = None
        while True:
            message = await self.raw.receive_output(timeout=PATIENCE_S)
            if message["type"] == "websocket.close":
                return error, message["code"]
            frame = json.loads(message["text"])
            error = frame if frame["type"] == "error" else error
