"""The desk's WebSocket: an agent's page, signed in by its session. Whatever goes wrong is answered."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from django.db import DatabaseError

from escalation.actors import Actor, NotAnAgent
from escalation.desk_actions import agent_at_desk, arrive, perform, session_holds
from escalation.desk_floor import Floor, Row, visible
from escalation.desk_frames import DeskFrame, DeskFrameRefused, Find, Look, Ping, Types, read_desk_frame
from escalation.desk_watch import desk_watch
from mangaassist.dbthreads import in_database
from mangaassist.origins import origin_allowed
from mangaassist.sockets import FrameSocket

log = structlog.get_logger(__name__)

# How often an open page says that its agent is there, and is asked whether they still may be.
SIGN_OF_LIFE_S = 25.0


class DeskConsumer(FrameSocket):
    """One page. It needs no channel layer: what it shows comes from the database (escalation.desk_watch)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user_id = 0
        self._actor: Actor | None = None
        # What this page was told last.
        self._rows: dict[str, Row] | None = None
        self._agents: list[Row] = []
        self._looks_at = ""
        self._lines: set[int] = set()

    # --- Life of a socket

    def leave(self) -> None:
        desk_watch().leave(self)

    async def connect(self) -> None:
        await self.accept()
        user = self.scope.get("user")
        if not origin_allowed(self.scope):
            await self.refuse("forbidden", "This page may not open the desk.", 4403)
        elif user is None or not user.is_authenticated:
            await self.refuse("signed_out", "Please sign in.", 4401)
        else:
            self._user_id = user.pk
            try:
                self._actor = await in_database(self._arrive)
            except NotAnAgent as refusal:
                await self.refuse("forbidden", str(refusal), 4403)
            except DatabaseError:
                log.exception("desk_not_opened")
                await self.refuse("unavailable", "The desk cannot be opened at the moment.", 1013)
            else:
                self.in_background(self.write())
                self.in_background(self._live())
                desk_watch().join(self)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """One frame. Nothing that a page sends gets out of here as an exception."""
        if self._actor is None:
            return
        client_id = ""
        try:
            if self.frames.take():
                raise DeskFrameRefused("rate", "Too much at once.")
            frame = read_desk_frame(text_data)
            client_id = frame.client_id
            await self._answer(frame)
        except DeskFrameRefused as refusal:
            self._tell_refused(refusal.code, str(refusal), refusal.client_id)
        except NotAnAgent as refusal:
            await self.refuse("forbidden", str(refusal), 4403)
        except Exception:  # Our own fault: the agent hears it, the socket lives.
            log.exception("desk_frame_failed")
            self._tell_refused("internal", "Something went wrong on our side.", client_id)

    async def _answer(self, frame: DeskFrame) -> None:
        if isinstance(frame, Ping):
            self.tell({"type": "done", "client_id": frame.client_id})
            return
        answer = await in_database(perform, frame, self._user_id)
        if isinstance(frame, Look):
            self._looks_at = frame.handoff_id
            self._lines = {line["id"] for line in answer["conversation"]["lines"]} if answer else set()
        self.tell({"type": "done", "client_id": frame.client_id, **answer})
        if not isinstance(frame, Find | Types):
            desk_watch().look()

    # --- What the page is shown (escalation.desk_watch.Watcher)

    @property
    def looks_at(self) -> tuple[str, int] | None:
        return (self._looks_at, max(self._lines, default=0)) if self._looks_at else None

    def show(self, floor: Floor) -> None:
        actor = self._actor
        assert actor is not None
        rows = {
            id: row
            for id, row in floor.rows.items()
            if visible(row, actor) and (row["closed_at"] is None or id == self._looks_at)
        }
        if self._rows is None:
            self.tell({"type": "state", "handoffs": list(rows.values()), "agents": floor.agents, **self._me(actor)})
        else:
            changed = [row for id, row in rows.items() if self._rows.get(id) != row]
            gone = [_gone(id, floor.rows.get(id), waits=id in floor.beyond) for id in self._rows.keys() - rows.keys()]
            if changed or gone:
                self.tell({"type": "changed", "handoffs": changed, "gone": gone})
            if floor.agents != self._agents:
                self.tell({"type": "agents", "agents": floor.agents})
        self._rows, self._agents = rows, floor.agents
        self._show_lines(floor, rows)

    def _show_lines(self, floor: Floor, rows: dict[str, Row]) -> None:
        if self._looks_at not in rows:
            return
        lines = [line for line in floor.lines.get(self._looks_at, ()) if line["id"] not in self._lines]
        if lines:
            self._lines.update(line["id"] for line in lines)
            self.tell({"type": "lines", "id": self._looks_at, "lines": lines})

    def show_typing(self, conversation_id: str, active: bool) -> None:
        for id, row in (self._rows or {}).items():
            if row["conversation_id"] == conversation_id:
                self.tell({"type": "typing", "id": id, "active": active})

    def _me(self, actor: Actor) -> dict[str, Any]:
        return {"me": {"id": actor.user_id, "name": actor.shown, "lead": actor.is_lead}}

    def _tell_refused(self, code: str, message: str, client_id: str) -> None:
        self.tell({"type": "refused", "code": code, "message": message, "client_id": client_id or None})

    # --- Beside reading

    def _arrive(self) -> Actor:
        actor = agent_at_desk(self._user_id)
        arrive(actor)
        return actor

    def _still_there(self) -> Actor | None:
        return self._arrive() if session_holds(self.scope["session"].session_key, self._user_id) else None

    async def _live(self) -> None:
        while True:
            await asyncio.sleep(SIGN_OF_LIFE_S)
            try:
                actor = await in_database(self._still_there)
            except NotAnAgent as refusal:
                await self.refuse("forbidden", str(refusal), 4403)
                return
            except DatabaseError:
                log.exception("sign_of_life_not_stored")
                continue
            if actor is None:
                await self.refuse("signed_out", "Please sign in again.", 4401)
                return
            self._actor = actor


def _gone(id: str, row: Row | None, *, waits: bool) -> dict[str, Any]:
    """``row``: what became of it, None when it is over, or waits further back than is shown."""
    if row is None:
        return {"id": id, "status": "queued" if waits else "closed", "agent_name": ""}
    return {"id": id, "status": row["status"], "agent_name": row["agent_name"]}
