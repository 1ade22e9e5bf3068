"""A web process's end: nobody waits here for the turn of somebody else."""

from __future__ import annotations

import asyncio

from chat.admission import admission
from chat.runner import runner

LOOK_EVERY_S = 0.1


async def drain(timeout_s: float) -> None:
    """Lets the running turns finish, and each socket go (1012) as soon as its conversation has none here."""
    draining = asyncio.create_task(runner.drain(timeout_s), name="drain")
    while not draining.done():
        admission.restart(but=runner.conversations())
        await asyncio.wait({draining}, timeout=LOOK_EVERY_S)
    admission.restart(but=())
    await draining
