"""What every turn asks of the database, prepared (mangaassist.statements)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from chat.models import Conversation, Feedback, Message, Turn
from mangaassist.statements import Insert, Select, Update

# (state, last finished turn); none: there is no such conversation.
conversation_now = Select(lambda id: Conversation.objects.filter(pk=id).values_list("state", "last_turn_id"), UUID)
last_turn = Select(lambda id: Conversation.objects.filter(pk=id).values_list("last_turn_id"), UUID)
thumbs_down = Select(lambda id: Feedback.objects.filter(conversation_id=id, rating=-1).values_list("pk"), UUID)
running_turns = Select(
    lambda id: Turn.objects.running().filter(conversation_id=id).order_by().values_list("pk", flat=True), UUID
)
with_a_person = Select(
    lambda id: Conversation.objects.filter(pk=id, state=Conversation.State.AGENT).values_list("pk"), UUID
)
# (customer id, the conversation's state, whether words were taken out of the turn)
owner_of_turn = Select(
    lambda id: (
        Turn.objects.filter(pk=id)
        .order_by()
        .values_list("conversation__customer_id", "conversation__state", "is_redacted")
    ),
    UUID,
)
touch = Update(lambda id: Conversation.objects.filter(pk=id), UUID, fields=["updated_at"])
touch_with_turn = Update(lambda id: Conversation.objects.filter(pk=id), UUID, fields=["updated_at", "last_turn_id"])
end_turn = Update(
    lambda id, attempt: Turn.objects.running().filter(pk=id, attempt=attempt),
    *(UUID, int),
    fields=(
        "status intent confidence language generator engine trace dialogue latency_ms first_delta_ms finished_at"
    ).split(),
)

_new_turn = Insert(
    Turn, "id conversation status intent language generator engine trace dialogue started_at alive_at".split()
)
_new_message = Insert(
    Message,
    "public_id conversation turn role author content template cards".split()
    + "quick_replies citations client_msg_id created_at".split(),
)


def new_turn(conversation: UUID, now: datetime) -> UUID:
    """A running one."""
    id = uuid4()
    _new_turn(
        id=id, conversation=conversation, status=Turn.Status.RUNNING, intent="", language="", generator="", engine="",
        trace={}, dialogue={}, started_at=now, alive_at=now,
    )  # fmt: skip
    return id


def new_question(conversation: UUID, turn: UUID | None, text: str, client_msg_id: UUID, now: datetime) -> UUID:
    """→ Its public id. Raises ``IntegrityError`` when this ``client_msg_id`` was stored before."""
    public_id = uuid4()
    _new_message(
        public_id=public_id, conversation=conversation, turn=turn, role=Message.Role.USER, author="", content=text,
        template="", cards=[], quick_replies=[], citations=[], client_msg_id=client_msg_id, created_at=now,
    )  # fmt: skip
    return public_id


def new_answer(
    public_id: UUID, conversation: UUID, turn: UUID, content: str, template: str,
    cards: list[dict[str, object]], quick_replies: list[str], citations: list[dict[str, str]], now: datetime,
) -> None:  # fmt: skip
    _new_message(
        public_id=public_id, conversation=conversation, turn=turn, role=Message.Role.ASSISTANT, author="",
        content=content, template=template, cards=cards, quick_replies=quick_replies, citations=citations,
        client_msg_id=None, created_at=now,
    )  # fmt: skip
