"""Who comes back to a turn that has ended is told its end, whatever they say they have of it."""

from __future__ import annotations

import pytest

from chat.runner import runner
from mangaassist.redis import sync_client
from tests.journeys.shopper import Socket, token

pytestmark = pytest.mark.usefixtures("shop")


@pytest.mark.parametrize("kept", ["in memory", "in the stream", "in the database"])
async def test_the_answer_is_told_to_who_has_more_frames_than_there_are(kept: str) -> None:
    async with Socket() as socket:
        ready = await socket.hello(token())
        answer = await socket.answer("hello")
        # The streams are written beside the turn: what follows is told behind it.
        await socket.answer("thanks")
    if kept != "in memory":
        runner._told.clear()
    if kept == "in the database":
        sync_client("streams").flushdb()
    for after_seq in (answer["seq"], 900, 1_000_000):
        async with Socket() as socket:
            resume = {"turn_id": answer["turn_id"], "after_seq": after_seq}
            again = await socket.hello(token(conversation_id=ready["conversation_id"]), resume=resume)
            assert answer["message_id"] not in [message["message_id"] for message in again["messages"]]
            told = await socket.next("response")
            assert (told["seq"], told["message_id"]) == (after_seq + 1, answer["message_id"])
            assert told["content"] == answer["content"]
