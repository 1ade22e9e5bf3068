"""Chats with Amazon Connect through real boto3: every word there and back once, and nothing that is not for the shopper."""

from __future__ import annotations

import uuid
from typing import Any

import boto3
import orjson
import pytest
from moto import mock_aws

from chat.models import Conversation, Message
from escalation.contact_events import ContactUnknown, apply_contact_event
from escalation.desk_actions import perform
from escalation.desk_frames import DeskFrameRefused, read_desk_frame
from escalation.handoffs import close_handoff, take_handoff
from escalation.lines import shopper_spoke
from escalation.models import Handoff
from escalation.presence import return_silent, set_presence
from escalation.standing import standing_of
from mangaassist.breaker import registry
from mangaassist.outbox.consumers import NothingToConsume, consume
from mangaassist.outbox.models import OutboxMessage
from tests.backends.connect_contacts import TOPIC_ARN, Configure, contact_event, deliver
from tests.backends.connect_fake import FakeConnect, contact_id_of
from tests.escalation.people import agent, conversation, lead, waiting

pytestmark = pytest.mark.django_db


def streamed(content_type: str, *, visibility: str = "ALL", role: str = "AGENT", **event: Any) -> dict[str, Any]:
    """As SNS wraps what Connect streams (administrator guide: the Amazon SNS payload)."""
    message = {
        "ContactId": contact_id_of(1),
        "InitialContactId": contact_id_of(1),
        "ContentType": content_type,
        "DisplayName": "Chie",
        "ParticipantRole": role,
        "Id": str(uuid.uuid4()),
        "AbsoluteTime": "2026-11-27T10:00:00.000Z",
    }
    return {
        "Type": "Notification",
        "Message": orjson.dumps(message | event).decode(),
        "MessageAttributes": {"MessageVisibility": {"Type": "String", "Value": visibility}},
    }


JOINED = "application/vnd.amazonaws.connect.event.participant.joined"
ENDED = "application/vnd.amazonaws.connect.event.chat.ended"


@pytest.fixture
def chat(connect: FakeConnect, configure: Configure) -> str:
    """The id of a conversation whose chat contact waits."""
    configure(kind="chat", streaming_topic_arn=TOPIC_ARN)
    conversation_id = conversation()
    waiting(conversation_id)
    deliver()
    return conversation_id


def test_a_chat_is_begun_and_joined(connect: FakeConnect, chat: str) -> None:
    assert [name for name, _ in connect.asked] == ["StartChatContact", "CreateParticipantConnection"]
    (started,) = connect.of("StartChatContact")
    assert started["ChatStreamingConfiguration"] == {"StreamingEndpointArn": TOPIC_ARN}
    assert started["InitialMessage"]["Content"] == "please"
    assert started["Attributes"]["session_id"] == chat


def test_words_go_there_and_back_once(connect: FakeConnect, chat: str) -> None:
    shopper_spoke(chat, "hello? " + "x" * 2000, client_id=uuid.uuid4())
    deliver()
    assert "".join(connect.words.values()) == "hello? " + "x" * 2000
    assert {request["ConnectionToken"] for request in connect.of("SendMessage")} == {f"speak {contact_id_of(1)}"}
    # The agent's word may come before the news that they joined, and twice.
    word = streamed("text/plain", Content="Hi, I'm Chie.")
    for _ in range(2):
        apply_contact_event(word)
    apply_contact_event(streamed(JOINED))
    message = Message.objects.get(role="agent")
    assert (message.author, message.content) == ("Chie", "Hi, I'm Chie.")
    apply_contact_event(streamed("text/plain", Content="And I'm Dan.", DisplayName="Dan"))
    assert Handoff.objects.get().agent_name == "Dan"
    apply_contact_event(streamed(ENDED, role="SYSTEM"))
    apply_contact_event(streamed("text/plain", Content="too late"))
    assert Conversation.objects.get().state == "bot"
    assert not Message.objects.filter(content="too late").exists()


def test_a_look_at_our_desk_says_nothing_of_who_works_in_the_contact_centre(connect: FakeConnect, chat: str) -> None:
    set_presence(agent(), status="away")
    standing = standing_of(chat)
    assert standing is not None
    assert standing.attended


def test_a_tasks_end_closes_nothing_that_our_own_desk_answers(connect: FakeConnect, configure: Configure) -> None:
    """Its agent completes the task and goes on talking at the desk; events come twice and in any order."""
    configure()
    id = waiting()
    deliver()
    contact_event("CONNECTED_TO_AGENT")
    take_handoff(id, by=agent())
    for kind in ("DISCONNECTED", "CONNECTED_TO_AGENT", "COMPLETED", "DISCONNECTED"):
        contact_event(kind)
    handoff = Handoff.objects.get()
    assert (handoff.status, handoff.agent_name) == ("agent", "Aiko")
    assert handoff.transitions.filter(detail="task ended").count() == 1
    close_handoff(id, by=agent())
    assert Handoff.objects.get().close_reason == "resolved"


@pytest.mark.parametrize("type", ["take", "assign", "transfer"])
def test_our_desk_takes_nobody_from_the_contact_centre(connect: FakeConnect, chat: str, type: str) -> None:
    by, handoff = lead(), Handoff.objects.get()
    if type == "transfer":
        apply_contact_event(streamed(JOINED))
    body = orjson.dumps({"type": type, "client_id": str(uuid.uuid4()), "id": str(handoff.pk), "to": by.user_id})
    assert by.user_id is not None
    frame = read_desk_frame(body.decode())
    with pytest.raises(DeskFrameRefused) as refusal:
        perform(frame, by.user_id)
    assert refusal.value.code == "elsewhere"
    if type != "transfer":  # It fell back to the desk.
        Handoff.objects.update(contact={"fallback": "desk"}, contact_id="")
        perform(frame, by.user_id)
        assert Handoff.objects.get().agent_name == "Leo"


def test_what_the_contact_centre_has_is_not_put_back_for_want_of_a_user_here(connect: FakeConnect, chat: str) -> None:
    apply_contact_event(streamed(JOINED))
    assert return_silent() == 0
    assert Handoff.objects.get().agent_name == "Chie"


def test_a_chat_goes_on_through_a_transfer(connect: FakeConnect, chat: str) -> None:
    contact_event("CONNECTED_TO_AGENT")
    contact_event("INITIATED", 2)
    # A renewed token and what is known of the transfer are kept together.
    connect.expired = {f"speak {contact_id_of(1)}"}
    shopper_spoke(chat, "still there?", client_id=uuid.uuid4())
    deliver()
    for number in (1, 2):
        contact_event("DISCONNECTED", number)
    handoff = Handoff.objects.get()
    assert (handoff.status, set(handoff.contact)) == ("agent", {"participant_token", "connection_token", "contacts"})
    apply_contact_event(streamed("text/plain", Content="I'm Dan.", ContactId=contact_id_of(2), DisplayName="Dan"))
    apply_contact_event(streamed(ENDED, role="SYSTEM", ContactId=contact_id_of(2)))
    assert Message.objects.get(role="agent").content == "I'm Dan."
    assert Handoff.objects.get().status == "closed"


def test_an_expired_connection_is_made_anew_and_no_word_is_lost(connect: FakeConnect, chat: str) -> None:
    first = f"speak {contact_id_of(1)}"
    connect.expired = {first}
    for word in ("one", "two"):
        shopper_spoke(chat, word, client_id=uuid.uuid4())
        deliver()
    assert list(connect.words.values()) == ["one", "two"]
    assert [each["ConnectionToken"] for each in connect.of("SendMessage")] == [
        first,
        f"{first} again",
        f"{first} again",
    ]


def test_an_outage_of_hours_parks_nothing_and_a_refusal_is_parked_in_the_end(
    connect: FakeConnect, configure: Configure
) -> None:
    configure()
    connect.failure = "InternalServiceException"
    waiting(conversation())
    for _ in range(20):
        registry["connect"].reset()
        deliver()
    row = OutboxMessage.objects.get(topic="handoff-contact")
    assert (row.status, "InternalServiceException" in row.error) == ("waiting", True)
    connect.failure = "InvalidParameterException"
    for _ in range(20):
        deliver()
    assert OutboxMessage.objects.get(topic="handoff-contact").status == "parked"


def test_words_come_from_the_queue_by_its_consumer(connect: FakeConnect, chat: str, settings: Any) -> None:
    with mock_aws():
        sqs = boto3.client("sqs", endpoint_url="https://sqs.us-east-1.amazonaws.com")
        url = sqs.create_queue(QueueName="handoff-events")["QueueUrl"]
        settings.HANDOFF_EVENTS_QUEUES = {
            "default": {"BACKEND": "mangaassist.outbox.backends.sqs.SqsQueue", "OPTIONS": {"queue_url": url}}
        }
        word = orjson.dumps(streamed("text/plain", Content="Hi, I'm Chie.")).decode()
        for body in (word, word, '{"no": "event"}'):
            sqs.send_message(QueueUrl=url, MessageBody=body)
        while consume("handoff-events"):
            pass
    assert Message.objects.get(role="agent").content == "Hi, I'm Chie."
    assert OutboxMessage.objects.parked().get().topic == "handoff-events"


def test_without_a_queue_there_is_nothing_to_consume() -> None:
    with pytest.raises(NothingToConsume, match="CONNECT_EVENTS_QUEUE_URL"):
        consume("handoff-events")


def test_a_long_word_arrives_whole(connect: FakeConnect, chat: str) -> None:
    apply_contact_event(streamed("text/plain", Content="a" * 9000))
    assert "".join(Message.objects.order_by("id").values_list("content", flat=True)) == "a" * 9000


NOT_FOR_SHOPPERS = [
    streamed("text/plain", Content="shopper's own", role="CUSTOMER"),
    streamed("text/plain", Content="for agents", visibility="AGENT"),
    streamed("text/plain", Content="Welcome to our flow", role="SYSTEM"),
    streamed("application/json", Content="{}"),
    streamed("application/vnd.amazonaws.connect.event.participant.left"),
    streamed("text/plain", Content=""),
]


@pytest.mark.parametrize("event", NOT_FOR_SHOPPERS)
def test_what_is_not_for_the_shopper(connect: FakeConnect, chat: str, event: dict[str, Any]) -> None:
    apply_contact_event(event)
    assert not Message.objects.exists()
    assert Handoff.objects.get().status == "queued"


def test_a_word_that_overtakes_its_contact_comes_again(connect: FakeConnect, configure: Configure) -> None:
    configure(kind="chat", streaming_topic_arn=TOPIC_ARN)
    with pytest.raises(ContactUnknown):
        apply_contact_event(streamed("text/plain", Content="hello"))
