"""Amazon Connect through real boto3, against a server that checks every request by the service's model."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import boto3
import orjson
import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db.models import F
from django.test import Client
from moto import mock_aws

from chat.models import Conversation, Message
from escalation.backends import handoff_backends
from escalation.backends.connect import ATTRIBUTE_BYTES, Connect, attributes_of
from escalation.contact_events import ContactUnknown, apply_contact_event
from escalation.desk_actions import perform
from escalation.desk_floor import may_see
from escalation.desk_frames import DeskFrameRefused, read_desk_frame
from escalation.handoffs import cancel_handoff, close_handoff, take_handoff
from escalation.lines import shopper_spoke
from escalation.models import Handoff
from escalation.presence import return_silent, set_presence
from escalation.standing import standing_of
from mangaassist.breaker import registry
from mangaassist.outbox.consumers import MessageRefused, NothingToConsume, consume
from mangaassist.outbox.models import OutboxMessage
from mangaassist.outbox.relay import drain
from tests.backends.connect_fake import INSTANCE, FakeConnect, contact_id_of, fake_connect
from tests.escalation.people import agent, conversation, lead, waiting
from tests.mangaassist.running import until

pytestmark = pytest.mark.django_db
FLOW = "22222222-2222-3333-4444-555555555555"
QUEUE = "33333333-2222-3333-4444-555555555555"
TOPIC_ARN = "arn:aws:sns:us-east-1:123456789012:chat"
Configure = Callable[..., None]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeConnect]:
    with fake_connect() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL_CONNECT", fake.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_CONNECTPARTICIPANT", fake.url)
        yield fake
        assert fake.faults == []


@pytest.fixture
def configure(settings: Any) -> Configure:
    def configured(**options: str) -> None:
        known = {"instance_id": INSTANCE, "contact_flow_id": FLOW, "queue_id": QUEUE}
        settings.HANDOFFS = {"default": {"BACKEND": "escalation.backends.connect.Connect", "OPTIONS": known | options}}

    return configured


def deliver() -> None:
    """The relay, as soon as everything is due."""
    OutboxMessage.objects.filter(topic="handoff-contact").update(due_at=F("created_at") - timedelta(seconds=1))
    drain("handoff-contact")


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


# --- Tasks ---------------------------------------------------------------------------------------------------


def test_a_task_carries_what_the_contract_names(connect: FakeConnect, configure: Configure) -> None:
    configure(desk_url="https://shop.example/desk/")
    conversation_id = conversation()
    id = waiting(conversation_id)
    assert connect.asked == []  # Nobody waits for Connect.
    deliver()
    ((operation, task),) = connect.asked
    assert operation == "StartTaskContact"
    assert (task["InstanceId"], task["ContactFlowId"], task["ClientToken"]) == (INSTANCE, FLOW, id)
    assert task["Name"] == "Asked for a person: please"
    assert task["References"] == {"MangaAssist": {"Value": f"https://shop.example/desk/#{id}", "Type": "URL"}}
    assert {"customer_id", "conversation_summary", "session_id", "escalation_reason"} <= set(task["Attributes"])
    assert task["Attributes"]["session_id"] == conversation_id
    assert Handoff.objects.get().contact_id == contact_id_of(1)
    deliver()
    assert len(connect.asked) == 1


@pytest.mark.parametrize("lost", [1, 3])
def test_a_time_out_after_success_makes_one_contact(connect: FakeConnect, configure: Configure, lost: int) -> None:
    configure()
    connect.lost_answers = lost
    waiting()
    for _ in range(3):
        deliver()
    assert len(connect.contacts) == 1
    assert Handoff.objects.get().contact_id == contact_id_of(1)
    assert len({task["ClientToken"] for task in connect.of("StartTaskContact")}) == 1


def test_two_clicks_make_one_contact(connect: FakeConnect, configure: Configure) -> None:
    configure()
    conversation_id = conversation()
    assert waiting(conversation_id) == waiting(conversation_id)
    deliver()
    assert len(connect.asked) == 1


def test_who_gives_up_before_it_began_makes_no_contact_and_after_it_is_ended(
    connect: FakeConnect, configure: Configure
) -> None:
    configure()
    early, late = conversation(), conversation()
    waiting(early)
    cancel_handoff(early)
    deliver()
    assert connect.asked == []
    waiting(late)
    deliver()
    cancel_handoff(late)
    for _ in range(2):
        deliver()
    assert connect.stopped == {contact_id_of(1)}


def test_a_contact_that_has_ended_by_itself_needs_no_end(connect: FakeConnect, configure: Configure) -> None:
    configure()
    conversation_id = conversation()
    waiting(conversation_id)
    deliver()
    connect.stopped.add(contact_id_of(1))
    cancel_handoff(conversation_id)
    deliver()
    assert not OutboxMessage.objects.exclude(status="done").exists()


def test_connect_is_down_and_the_shopper_knows(connect: FakeConnect, configure: Configure) -> None:
    configure()
    connect.failure = "InternalServiceException"
    conversation_id = conversation()
    waiting(conversation_id)
    deliver()
    standing = standing_of(conversation_id)
    assert standing is not None
    assert standing.unreached
    connect.failure = ""
    deliver()
    standing = standing_of(conversation_id)
    assert standing is not None
    assert not standing.unreached
    assert Handoff.objects.get().contact_id == contact_id_of(1)
    details = list(Handoff.objects.get().transitions.values_list("detail", flat=True))
    assert details == ["", "the contact centre does not answer", f"contact {contact_id_of(1)}"]


def test_our_own_desk_takes_what_connect_does_not(connect: FakeConnect, configure: Configure) -> None:
    configure(fallback="desk")
    connect.failure = "ThrottlingException"
    id = waiting()
    for _ in range(3):
        deliver()
    assert Handoff.objects.get().contact == {"fallback": "desk"}
    assert Handoff.objects.queued().filter(pk=id).exists()
    connect.failure, connect.asked = "", []
    take_handoff(id, by=agent())
    close_handoff(id, by=agent())
    deliver()
    # Which engine answered: the desk, and Connect was not asked again.
    assert connect.asked == []
    assert Handoff.objects.get().agent_name == "Aiko"


def test_attributes_stay_within_what_connect_takes() -> None:
    handoff = Handoff(conversation_id="c" * 64, customer_id="あ" * 128, reason="理" * 500, summary="要" * 20_000)
    attributes = attributes_of(handoff)
    assert sum(len(name.encode()) + len(value.encode()) for name, value in attributes.items()) <= ATTRIBUTE_BYTES
    assert attributes["conversation_summary"].startswith("要要")


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        ({"ESTIMATED_WAIT_TIME": 95.4, "POSITION_IN_QUEUE": 3.0}, (3, 95)),
        ({"POSITION_IN_QUEUE": 1.0}, (1, None)),
        ({"ESTIMATED_WAIT_TIME": 0.0}, (None, None)),  # Never 0.
        ({}, (None, None)),
    ],
)
def test_the_place_in_connects_queue(
    connect: FakeConnect, configure: Configure, waits: dict[str, float], expected: tuple[int | None, int | None]
) -> None:
    configure()
    connect.waits = waits
    waiting()
    deliver()
    handoff = Handoff.objects.get()
    backend = handoff_backends["default"]
    backend.look(handoff)
    assert isinstance(backend, Connect)
    until(lambda: handoff.contact_id in backend._looks, "Connect was asked")
    view = backend.look(handoff)
    assert (view.position, view.estimated_wait) == expected
    assert len(connect.of("GetContactMetrics")) == 1  # Not again within ten seconds.


def test_before_there_is_a_contact_the_queue_is_asked(connect: FakeConnect, configure: Configure) -> None:
    configure()
    connect.queue_wait = 180.0
    waiting()
    handoff = Handoff.objects.get()
    backend = handoff_backends["default"]
    assert backend.look(handoff).estimated_wait is None
    until(lambda: backend.look(handoff).estimated_wait == 180, "Connect was asked")
    (asked,) = connect.of("GetCurrentMetricData")
    assert asked["Filters"] == {"Queues": [QUEUE], "Channels": ["TASK"]}


def contact_event(kind: str, number: int = 1, **detail: str) -> None:
    """Of our contact, or (from 2) of one that transfers have made of it."""
    known = {"eventType": kind, "contactId": contact_id_of(number), "initialContactId": contact_id_of(1)}
    if number > 1:
        known["previousContactId"] = contact_id_of(number - 1)
    apply_contact_event({"detail-type": "Amazon Connect Contact Event", "detail": known | detail})


def test_the_tasks_link_opens_the_desk(connect: FakeConnect, configure: Configure, client: Client) -> None:
    configure(desk_url="https://shop.example/desk")
    id = waiting()
    deliver()
    ((_, task),) = connect.asked
    address = urlsplit(task["References"]["MangaAssist"]["Value"])
    assert address.fragment == id  # Which the page opens.
    client.force_login(User.objects.get(username=agent().name))
    assert client.get(address.path).status_code == 200


def test_who_accepts_a_task_takes_the_shopper_at_the_desk(connect: FakeConnect, configure: Configure) -> None:
    configure()
    id = waiting()
    deliver()
    for _ in range(2):
        contact_event("CONNECTED_TO_AGENT")
    assert Conversation.objects.get().state == "queued"
    handoff = Handoff.objects.get()
    assert may_see(handoff, agent())
    take_handoff(id, by=agent())
    details = list(handoff.transitions.values_list("status", "detail"))[1:]
    assert details == [
        ("queued", f"contact {contact_id_of(1)}"),
        ("queued", f"task {contact_id_of(1)} accepted"),
        ("agent", ""),
    ]


def test_a_task_is_ended_by_contact_events(connect: FakeConnect, configure: Configure) -> None:
    configure()
    waiting()
    deliver()
    contact_event("DISCONNECTED", contactId="x", initialContactId="x")  # Another's: none of our business.
    assert Handoff.objects.get().status == "queued"
    contact_event("DISCONNECTED")
    handoff = Handoff.objects.get()
    assert (handoff.status, handoff.close_reason) == ("closed", "elsewhere")


TRANSFERS: list[list[tuple[str, int]]] = [
    [("INITIATED", 2), ("DISCONNECTED", 1), ("INITIATED", 3), ("DISCONNECTED", 2), ("DISCONNECTED", 3)],
    [("CONNECTED_TO_AGENT", 3), ("DISCONNECTED", 2), ("DISCONNECTED", 1), ("INITIATED", 2), ("DISCONNECTED", 3)],
    [("INITIATED", 2), ("DISCONNECTED", 2)],  # The end of the first was lost.
]


@pytest.mark.parametrize("events", TRANSFERS)
def test_a_task_that_is_transferred_ends_with_its_last_contact(
    connect: FakeConnect, configure: Configure, events: list[tuple[str, int]]
) -> None:
    configure()
    waiting()
    deliver()
    for kind, number in events[:-1]:
        contact_event(kind, number)
        assert Handoff.objects.get().status == "queued"
    contact_event(*events[-1])
    assert Handoff.objects.get().status == "closed"


def test_the_contact_that_is_ended_is_the_one_that_lives(connect: FakeConnect, configure: Configure) -> None:
    configure()
    conversation_id = conversation()
    waiting(conversation_id)
    deliver()
    connect.contacts["a transfer"] = contact_id_of(2)
    contact_event("INITIATED", 2)
    contact_event("DISCONNECTED", 1)
    cancel_handoff(conversation_id)
    deliver()
    assert connect.stopped == {contact_id_of(2)}


# --- Chats -----------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"Message": "{"},
        {"Message": "[]"},
        {"Message": 7},
        {"Message": None},
        {"detail-type": "Amazon Connect Contact Event"},
        {"detail-type": "Amazon Connect Contact Event", "detail": []},
    ],
)
def test_nonsense_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(MessageRefused):
        apply_contact_event(body)


def test_a_word_that_overtakes_its_contact_comes_again(connect: FakeConnect, configure: Configure) -> None:
    configure(kind="chat", streaming_topic_arn=TOPIC_ARN)
    with pytest.raises(ContactUnknown):
        apply_contact_event(streamed("text/plain", Content="hello"))


@pytest.mark.parametrize("options", [{"kind": "fax"}, {"kind": "chat"}, {"fallback": "moon"}, {"colour": "red"}])
def test_a_wrong_option_stops_the_start(configure: Configure, options: dict[str, str]) -> None:
    configure(**options)
    with pytest.raises(ImproperlyConfigured):
        handoff_backends["default"]
