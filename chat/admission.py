"""How many sockets this process keeps open, and how fast shoppers may ask: by what they cannot choose themselves."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from functools import cache
from typing import Literal

from django.conf import settings

from mangaassist.limits import SharedBuckets

# A burst is so many seconds' worth.
BURST_S = 20
Refusal = Literal["", "rate", "busy"]


class Admission:
    """The sockets of this process. Those that have not said hello are strangers: when there are too many, the oldest

    goes first, for a browser says it at once.
    """

    def __init__(self) -> None:
        self._open = 0
        self._by_address: Counter[str] = Counter()
        self._strangers: dict[object, Callable[[], None]] = {}
        # Socket → its conversation, and how it is told that this process ends.
        self._greeted: dict[object, tuple[str, Callable[[], None]]] = {}

    def enter(self, socket: object, address: str, send_away: Callable[[], None]) -> Refusal:
        """Why there is no place: this address has its share ("rate"; behind a Unix socket there is no address and no
        share), or this process has as many as it may ("busy"). Whatever it answers, :meth:`leave` ends it.
        """
        self._open += 1
        self._by_address[address] += 1
        if address and self._by_address[address] > settings.SOCKETS_PER_ADDRESS:
            return "rate"
        if self.open() > settings.SOCKETS_PER_PROCESS:
            return "busy"
        if len(self._strangers) >= settings.SOCKETS_WITHOUT_HELLO:
            self._strangers.pop(next(iter(self._strangers)))()
        self._strangers[socket] = send_away
        return ""

    def open(self) -> int:
        """Sockets."""
        return self._open

    def greeted(self, socket: object, conversation_id: str, restart: Callable[[], None]) -> None:
        """It has said hello. ``restart`` lets it go to another process."""
        self._strangers.pop(socket, None)
        self._greeted[socket] = (conversation_id, restart)

    def restart(self, *, but: Collection[str]) -> None:
        """Lets all sockets go, ``but`` those of these conversations: their turns still run here."""
        for socket, (conversation_id, restart) in list(self._greeted.items()):
            if conversation_id not in but:
                del self._greeted[socket]
                restart()

    def leave(self, socket: object, address: str) -> None:
        self._strangers.pop(socket, None)
        self._greeted.pop(socket, None)
        self._open -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


admission = Admission()


async def wait_before_hello(address: str) -> float:
    """Seconds; 0 when this address may open a conversation now."""
    return await _buckets("hello", settings.ADDRESS_HELLOS_PER_S).take(address) if address else 0.0


async def wait_before_token(address: str) -> float:
    """Seconds; 0 when this address may have a token now: each of a new guest's costs a row."""
    return await _buckets("token", settings.ADDRESS_HELLOS_PER_S).take(address) if address else 0.0


async def wait_before_question(conversation_id: str, address: str) -> float:
    """Seconds; 0 when this conversation, from this address, may ask now."""
    of_conversation = _buckets("conversation", settings.SOCKET_QUESTIONS_PER_S).take(conversation_id)
    if not address:
        return await of_conversation
    of_address = _buckets("address", settings.ADDRESS_QUESTIONS_PER_S).take(address)
    return max(await asyncio.gather(of_conversation, of_address))


@cache
def _buckets(kind: str, rate: float) -> SharedBuckets:
    return SharedBuckets(kind, rate=rate, burst=max(1, int(rate * BURST_S)))
