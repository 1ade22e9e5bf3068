"""The least that a Chainlit application does: it streams a given answer. Run by Chainlit, not by us.

``SAID`` names a JSON file with the pieces of the answer. ``chainlit run bench/_chainlit_app.py --headless --port N``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import chainlit as cl

PIECES: list[str] = json.loads(Path(os.environ["SAID"]).read_text(encoding="utf-8"))


@cl.on_message
async def answer(message: cl.Message) -> None:
    reply = cl.Message(content="")
    for piece in PIECES:
        await reply.stream_token(piece)
    await reply.send()
