"""An agent with a raw WebSocket, for tests: the real ASGI application, signed in by a real session."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.test import Client

from escalation.actors import Actor
from mangaassist.asgi import application
from mangaassist.dbthreads import in_database

Frame = dict[str, Any]


def session_of(user_id: int | None) -> str:
    """A new session of this user; of nobody for None."""
    client = Client()
    if user_id is None:
        return ""
    client.force_login(User.objects.get(pk=user_id))
    return client.cookies["sessionid"].value


class Desk:
    """One page of one agent. Frames that a test has passed over are kept in ``frames``."""

    def __init__(self, actor: Actor | None, *, origin: str | None = "http://testserver") -> None:
        self._user_id = actor.user_id if actor else None
        self._origin = origin
        self.frames: list[Frame] = []
        self.session = ""

    async def __aenter__(self) -> Desk:
        self.session = await in_database(session_of, self._user_id)
        headers = [(b"host", b"testserver"), (b"cookie", f"sessionid={self.session}".encode())]
        if self._origin is not None:
            headers.append((b"origin", self._origin.encode()))
        self.raw = WebsocketCommunicator(application, "/ws/desk/", headers=headers)
        accepted, _ = await self.raw.connect(timeout=20)
        assert accepted
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.raw.disconnect()

    async def receive(self) -> Frame:
        frame: Frame = await self.raw.receive_json_from(timeout=20)
        self.frames.append(frame)
        return frame

    async def next(self, type: str, that: Callable[[Frame], bool] = lambda frame: True) -> Frame:
        """The next frame of a type, and of what else is asked of it."""
        while True:
            frame = await self.receive()
            if frame["type"] == type and that(frame):
                return frame

    async def ask(self, type: str, *, client_id: str = "", **fields: Any) -> Frame:
        """The answer, ``done`` or ``refused``."""
        client_id = client_id or str(uuid.uuid4())
        await self.raw.send_json_to({"type": type, "client_id": client_id, **fields})
        while True:
            frame = await self.receive()
            if frame["type"] in {"done", "refused"} and frame["client_id"] == client_id:
                return frame

    async def do(self, type: str, **fields: Any) -> Frame:
        """The same for what must not be refused."""
        answer = await self.ask(type, **fields)
        assert answer["type"] == "done", answer
        return answer

    async def row(self, id: str, that: Callable[[Frame], bool] = lambda row: True) -> Frame:
        """A handoff's row, once it is as asked."""
        while True:
            frame = await self.receive()
            if frame["type"] in {"state", "changed"}:
                for row in frame["handoffs"]:
                    if row["id"] == id and that(row):
                        return dict(row)

    async def gone(self, id: str) -> Frame:
        frame = await self.next("changed", lambda frame: any(each["id"] == id for each in frame["gone"]))
        return next(dict(each) for each in frame["gone"] if each["id"] == id)

    async def closed_with(self) -> tuple[Frame | None, int]:
        """(the last ``refused``, the close code)."""
        refused = None
        while True:
            message = await self.raw.receive_output(timeout=40)
            if message["type"] == "websocket.close":
                return refused, message["code"]
            frame = json.loads(message["text"])
            refused = frame if frame["type"] == "refused" else refused
