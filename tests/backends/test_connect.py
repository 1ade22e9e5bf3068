"""Tasks of Amazon Connect through real boto3, against a server that checks every request by the service's model."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from chat.models import Conversation
from escalation.backends import handoff_backends
from escalation.backends.connect import ATTRIBUTE_BYTES, Connect, attributes_of
from escalation.contact_events import apply_contact_event
from escalation.desk_floor import may_see
from escalation.handoffs import cancel_handoff, close_handoff, take_handoff
from escalation.models import Handoff
from escalation.standing import standing_of
from mangaassist.outbox.consumers import MessageRefused
from mangaassist.outbox.models import OutboxMessage
from tests.backends.connect_contacts import FLOW, QUEUE, Configure, contact_event, deliver
from tests.backends.connect_fake import INSTANCE, FakeConnect, contact_id_of
from tests.escalation.people import agent, conversation, waiting
from tests.mangaassist.running import until

pytestmark = pytest.mark.django_db


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


@pytest.mark.parametrize("options", [{"kind": "fax"}, {"kind": "chat"}, {"fallback": "moon"}, {"colour": "red"}])
def test_a_wrong_option_stops_the_start(configure: Configure, options: dict[str, str]) -> None:
    configure(**options)
    with pytest.raises(ImproperlyConfigured):
        handoff_backends["default"]
