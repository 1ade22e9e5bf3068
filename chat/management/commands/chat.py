"""A conversation in the terminal: the same turn as in the browser."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from chat.context import PageContext
from chat.frames import FrameRefused, clean_text
from chat.plain import turn_frames
from chat.records import accept_message
from chat.sessions import Session, open_session
from chat.tokens import Claims, Shopper, new_session_id
from mangaassist.dbthreads import in_database


class Command(BaseCommand):
    help = "Talk to the assistant here; an empty line or Ctrl-D ends. With a TEXT, answers that and ends."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("text", nargs="*", help="one question")
        parser.add_argument("--customer", default="", help="speak as this customer")
        parser.add_argument("--locale", default="en", choices=["en", "ja"])

    def handle(self, *args: Any, **options: Any) -> None:
        # The line of a turn in the log belongs to servers; here it would stand in the middle of the talk.
        logging.getLogger("mangaassist.health.receivers").setLevel(logging.WARNING)
        shopper = Shopper(session_id=new_session_id(), customer_id=options["customer"])
        context = PageContext(locale=options["locale"]).as_dict()
        session = open_session(Claims(shopper=shopper, context=context), channel="terminal")
        if options["text"]:
            asyncio.run(self._turn(session, " ".join(options["text"])))
            return
        asyncio.run(self._converse(session))

    async def _converse(self, session: Session) -> None:
        while True:
            try:
                text = await asyncio.to_thread(input, "> ")
            except (EOFError, KeyboardInterrupt):
                return
            if not text.strip():
                return
            await self._turn(session, text)

    async def _turn(self, session: Session, text: str) -> None:
        try:
            text = clean_text(text)
        except FrameRefused as refusal:
            self.stderr.write(refusal.message)
            return
        client_msg_id = str(uuid.uuid4())
        accepted = await in_database(accept_message, session.conversation_id, client_msg_id, text)
        async for frame in turn_frames(session, accepted, text, client_msg_id):
            match frame["type"]:
                case "delta":
                    self.stdout.write(frame["text"], ending="")
                    self.stdout.flush()
                case "card":
                    self.stdout.write(f"\n  [{_card(frame)}]", ending="")
                case "response":
                    self.stdout.write("")


def _card(frame: dict[str, Any]) -> str:
    data = frame["data"]
    price = data.get("price")
    parts = [data.get("title") or data["id"]]
    if price:
        parts.append(f"{price['amount']} {price['currency']}")
    if "availability" in data:
        parts.append(data["availability"])
    return " · ".join(parts)
