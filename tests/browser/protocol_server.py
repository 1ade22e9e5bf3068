"""A small server that speaks the widget's protocol v1 with scripted turns, so that the widget is tested alone.

One process, one thread, a real socket: the browser under test sees what the real server would send, and a test decides
when a turn goes on, when the socket is cut, and what the server has received.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import uvicorn

from tests.browser.scripted_turns import SCRIPTS, Step

Frame = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

WIDGET = Path(__file__).resolve().parents[2] / "static" / "widget" / "v1"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><link rel="icon" href="/covers/icon.svg"><title>A shop's page</title>
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<link rel="stylesheet" href="/page.css"><script type="module" src="/widget/v1/widget.js"></script></head>
<body><main><h1>Manga, shelf by shelf</h1><p>A page of the shop, with the widget on it.</p><a href="/elsewhere">A link</a></main>
<manga-assist{attributes}><p slot="plain">The plain form of the page.</p></manga-assist></body></html>"""
PAGE_CSS = """html, body { margin: 0; block-size: 100%; font-family: sans-serif; background: #eef0f2; color: #222 }
main { padding: 3rem } manga-assist[mode=page] { position: fixed; inset: 0 }"""


def now() -> str:
    return datetime.now(UTC).isoformat()


@dataclass
class Turn:
    turn_id: str
    frames: list[Frame] = field(default_factory=list)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False


@dataclass
class Conversation:
    conversation_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    messages: list[Frame] = field(default_factory=list)
    turns: dict[str, Turn] = field(default_factory=dict)
    state: str = "bot"


class ProtocolServer:
    """`received` and `token_requests` are what came in; the methods below "For tests" are what a test may do."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.reset()

    def reset(self) -> None:
        self.conversations: dict[str, Conversation] = {}
        self.latest: Conversation | None = None
        self.received: list[Frame] = []
        self.token_requests: list[Frame] = []
        self.sockets: set[Send] = set()
        self.gate = asyncio.Event()
        self.tasks: set[asyncio.Task[None]] = set()
        self.refusals: list[int] = []  # close codes for the next hellos
        self.deaf = False  # messages are read and neither stored nor acknowledged
        self.mute = False  # pings get no answer, as on a connection that died without a word
        self.skip_seq = 0  # the frame of this seq gets lost once on its way

    # --- For tests

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = uvicorn.Config(
            self, host="127.0.0.1", port=self.port, log_level="error", ws="websockets-sansio", lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._server.serve())

    def stop(self) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(5)

    def of_type(self, kind: str) -> list[Frame]:
        return [frame for frame in self.received if frame["type"] == kind]

    def release(self) -> None:
        """Waiting turns go on."""
        self.loop.call_soon_threadsafe(self.gate.set)

    def hold(self) -> None:
        """Turns wait again."""
        self.loop.call_soon_threadsafe(self.gate.clear)

    def cut(self, code: int = 1012) -> None:
        """Every socket is closed, as when a server restarts."""
        self._do(self._cut(code))

    def push(self, frame: Frame) -> None:
        """A frame to everybody in the latest conversation; a message is kept as well."""
        self._do(self._push(frame))

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(5)

    async def _cut(self, code: int) -> None:
        sockets, self.sockets = self.sockets, set()
        for send in sockets:
            await send({"type": "websocket.close", "code": code})

    async def _push(self, frame: Frame) -> None:
        if frame["type"] == "message":
            frame = {"message_id": str(uuid.uuid4()), "at": now(), **frame}
            assert self.latest is not None
            self.latest.messages.append(frame)
        await self._tell(frame)

    # --- ASGI

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._converse(receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/widget/v1/token":
            message = await receive()
            self.token_requests.append(json.loads(message["body"]))
            body = {"token": f"token-{len(self.token_requests)}", "expires_in": 900}
            await self._respond(send, json.dumps(body), "application/json")
        elif path.startswith("/widget/v1/"):
            file = WIDGET / path.rsplit("/", 1)[1]
            await self._respond(send, file.read_text("utf-8"), TYPES[file.suffix])
        elif path.startswith("/covers/"):
            await self._respond(send, cover(path.rsplit("/", 1)[1]), "image/svg+xml")
        elif path == "/page.css":
            await self._respond(send, PAGE_CSS, "text/css")
        elif path in {"/", "/elsewhere"}:
            given = dict(parse_qsl(scope["query_string"].decode()))
            attributes = "".join(f' {name}="{escape(value)}"' for name, value in given.items())
            page = PAGE.format(lang=escape(given.get("lang", "en")), attributes=attributes)
            await self._respond(send, page, "text/html")
        else:
            await self._respond(send, "not here", "text/plain", 404)

    async def _respond(self, send: Send, body: str, kind: str, status: int = 200) -> None:
        headers = [
            (b"content-type", f"{kind}; charset=utf-8".encode()),
            (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})

    async def _converse(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            while (message := await receive())["type"] == "websocket.receive":
                frame = json.loads(message["text"])
                self.received.append(frame)
                await self._read(frame, send)
        finally:
            self.sockets.discard(send)

    # --- The protocol

    async def _read(self, frame: Frame, send: Send) -> None:
        match frame["type"]:
            case "hello":
                await self._hello(frame, send)
            case "user_message":
                await self._user_message(frame, send)
            case "stop":
                assert self.latest is not None
                self.latest.turns[frame["turn_id"]].stopped.set()
            case "action" | "feedback":
                await _write(send, {"type": "saved", "client_msg_id": frame["client_msg_id"]})
                if frame["type"] == "feedback":
                    await self._rate(frame, but=send)
                if frame.get("action") == "add_to_cart":
                    asin = frame["card_id"].removeprefix("card-")
                    words = {"role": "system", "content": f"{asin} is in your cart now.", "asin": asin}
                    await self._push({"type": "message", "action": "add_to_cart", "cart_count": 3, **words})
            case "handoff":
                await _write(send, {"type": "saved", "client_msg_id": frame["client_msg_id"]})
                await self._hand_off(cancel=bool(frame.get("cancel")))
            case "ping" if not self.mute:
                await _write(send, {"type": "pong", "t": frame["t"]})

    async def _hello(self, hello: Frame, send: Send) -> None:
        if self.refusals:
            code = self.refusals.pop(0)
            await send({"type": "websocket.close", "code": code})
            return
        known = self.conversations.get(hello.get("conversation_id", ""))
        last = self.latest if self.token_requests and self.token_requests[-1].get("previous") else None
        conversation = known or last or Conversation()
        self.conversations[conversation.conversation_id] = self.latest = conversation
        resume = hello.get("resume") or {}
        ids = [message["message_id"] for message in conversation.messages]
        after = resume.get("after_message_id")
        start = ids.index(after) + 1 if after in ids else 0
        running = [turn for turn in conversation.turns.values() if not turn.ended]
        resumed = conversation.turns.get(resume.get("turn_id", ""))
        comes = {resumed.turn_id} if resumed else set()
        missed = [m for m in conversation.messages[start:] if not (m["role"] == "assistant" and m["turn_id"] in comes)]
        ready = {
            "type": "ready",
            "conversation_id": conversation.conversation_id,
            "heartbeat_s": 25,
            "max_text": 4000,
            "token_expires_in": 900,
            "messages": missed,
            "active_turn": {"turn_id": running[0].turn_id, "seq": len(running[0].frames)} if running else None,
            "state": conversation.state,
            "reset": bool(after) and after not in ids,
        }
        await _write(send, ready)
        for turn in [resumed, *running] if resumed and resumed not in running else running:
            for frame in turn.frames[resume.get("after_seq", 0) if turn is resumed else 0 :]:
                await _write(send, frame)
        self.sockets.add(send)

    async def _rate(self, frame: Frame, *, but: Send) -> None:
        """Kept with the answer, and told to the other tabs."""
        assert self.latest is not None
        opinion = {name: frame.get(name) for name in ("rating", "reason") if name == "rating" or frame.get(name)}
        for message in self.latest.messages:
            if message["message_id"] == frame["message_id"]:
                message.update(opinion)
        for send in self.sockets - {but}:
            await _write(send, {"type": "feedback", "message_id": frame["message_id"], **opinion})

    async def _user_message(self, frame: Frame, send: Send) -> None:
        conversation = self.latest
        assert conversation is not None
        if self.deaf:
            return
        for message in conversation.messages:
            if message.get("client_msg_id") == frame["client_msg_id"]:
                await _write(send, _accepted(message, duplicate=True))
                return
        message = {
            "type": "message",
            "message_id": str(uuid.uuid4()),
            "role": "user",
            "content": frame["text"],
            "client_msg_id": frame["client_msg_id"],
            "turn_id": str(uuid.uuid4()) if conversation.state == "bot" else None,
            "at": now(),
        }
        conversation.messages.append(message)
        await _write(send, _accepted(message, duplicate=False))
        if message["turn_id"]:
            turn = conversation.turns[message["turn_id"]] = Turn(message["turn_id"])
            task = asyncio.create_task(self._run_turn(conversation, turn, frame))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _run_turn(self, conversation: Conversation, turn: Turn, asked: Frame) -> None:
        script = next((steps for word, steps in SCRIPTS.items() if word in asked["text"].lower()), SCRIPTS[""])
        said: list[str] = []
        cards: list[Frame] = []
        for step in script(asked["text"]):
            if step.waits and not await self._may_go_on(turn):
                await self._answer(conversation, turn, Step(content="".join(said), status="stopped"), cards)
                return
            if step.card:
                cards.append(step.card)
                await self._emit(turn, {"type": "card", **step.card})
            elif step.typing:
                await self._emit(turn, {"type": "typing_indicator", "message": step.typing})
            elif step.delta:
                said.append(step.delta)
                await self._emit(turn, {"type": "delta", "text": step.delta})
            elif step.content is not None:
                await self._answer(conversation, turn, step, cards)
            await asyncio.sleep(0.01)

    async def _may_go_on(self, turn: Turn) -> bool:
        """Waits until the test lets turns go on, or the shopper stops this one."""
        waits = [asyncio.create_task(self.gate.wait()), asyncio.create_task(turn.stopped.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        return not turn.stopped.is_set()

    async def _answer(self, conversation: Conversation, turn: Turn, step: Step, cards: list[Frame]) -> None:
        body = {
            "content": step.content,
            "message_id": str(uuid.uuid4()),
            "cards": cards,
            "quick_replies": list(step.quick_replies),
            "citations": list(step.citations),
            "status": step.status,
        }
        turn.ended = True
        conversation.messages.append(
            {"type": "message", "role": "assistant", "at": now(), "turn_id": turn.turn_id, **body}
        )
        retryable = {"retryable": True} if step.status == "failed" else {}
        await self._emit(turn, {"type": "response", **body, **retryable})

    async def _emit(self, turn: Turn, body: Frame) -> None:
        frame = {**body, "turn_id": turn.turn_id, "seq": len(turn.frames) + 1}
        turn.frames.append(frame)
        if self.skip_seq == frame["seq"]:
            self.skip_seq = 0
        else:
            await self._tell(frame)

    async def _tell(self, frame: Frame) -> None:
        for send in tuple(self.sockets):
            await _write(send, frame)

    async def _hand_off(self, *, cancel: bool) -> None:
        assert self.latest is not None
        self.latest.state = "bot" if cancel else "queued"
        words = "The assistant is with you again." if cancel else "You are in the queue."
        place = {} if cancel else {"position": 2, "estimated_wait": 240}
        await self._tell({"type": "handoff_state", "state": self.latest.state, "message": words, **place})


def _accepted(message: Frame, *, duplicate: bool) -> Frame:
    ids = {name: message[name] for name in ("client_msg_id", "message_id", "turn_id")}
    return {"type": "accepted", "duplicate": duplicate, **ids}


async def _write(send: Send, frame: Frame) -> None:
    await send({"type": "websocket.send", "text": json.dumps(frame)})


def cover(name: str) -> str:
    """A printed-looking cover: a tone, a disc, a title's first letters."""
    hue = sum(map(ord, name)) * 47 % 360
    letters = name.split(".", maxsplit=1)[0].split("-", maxsplit=1)[0][:2].upper()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 300"><rect width="200" height="300" '
        f'fill="hsl({hue} 38% 30%)"/><circle cx="128" cy="118" r="74" fill="hsl({(hue + 35) % 360} 62% 62%)"/>'
        f'<path d="M0 300V214l70-44 60 38 70-52v144z" fill="hsl({hue} 42% 17%)"/><rect x="14" y="14" width="172" '
        f'height="272" fill="none" stroke="#fff" stroke-opacity=".55" stroke-width="2"/><text x="28" y="262" '
        f'font-family="sans-serif" font-weight="800" font-size="44" fill="#fff">{letters}</text></svg>'
    )
