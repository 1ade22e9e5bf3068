"""Every verb in every state: what it leads to, what it is refused with, what it leaves in the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.utils import timezone

from chat.models import Conversation
from escalation.actors import NotAnAgent, actor_of, contact_centre
from escalation.handoffs import (
    HandoffConflict,
    assign_handoff,
    cancel_handoff,
    close_handoff,
    rate_handoff,
    return_handoff,
    take_handoff,
    transfer_handoff,
)
from escalation.models import AgentPresence, Handoff
from escalation.presence import return_silent, set_presence
from tests.escalation.people import agent, at_desk, conversation, lead, waiting

pytestmark = pytest.mark.django_db


def in_state(state: str) -> Handoff:
    """A handoff in a state; where it has been taken, by Aiko."""
    handoff = Handoff.objects.get(pk=waiting())
    if state in {"agent", "closed"}:
        take_handoff(str(handoff.pk), by=agent())
    if state == "closed":
        close_handoff(str(handoff.pk), by=agent())
    if state == "cancelled":
        cancel_handoff(handoff.conversation_id)
    handoff.refresh_from_db()
    return handoff


VERBS: dict[str, Callable[[Handoff], object]] = {
    "cancel": lambda handoff: cancel_handoff(handoff.conversation_id),
    "holder takes": lambda handoff: take_handoff(str(handoff.pk), by=agent()),
    "other takes": lambda handoff: take_handoff(str(handoff.pk), by=agent("ben")),
    "contact centre takes": lambda handoff: take_handoff(str(handoff.pk), by=contact_centre("Chie")),
    "lead assigns": lambda handoff: assign_handoff(str(handoff.pk), to=at_desk("ben"), by=lead()),
    "agent assigns": lambda handoff: assign_handoff(str(handoff.pk), to=at_desk("ben"), by=agent()),
    "holder transfers": lambda handoff: transfer_handoff(str(handoff.pk), to=at_desk("ben"), by=agent()),
    "other transfers": lambda handoff: transfer_handoff(str(handoff.pk), to=at_desk("ben"), by=agent("ben")),
    "lead transfers": lambda handoff: transfer_handoff(str(handoff.pk), to=at_desk("ben"), by=lead()),
    "holder returns": lambda handoff: return_handoff(str(handoff.pk), by=agent()),
    "other returns": lambda handoff: return_handoff(str(handoff.pk), by=agent("ben")),
    "holder closes": lambda handoff: close_handoff(str(handoff.pk), by=agent()),
    "other closes": lambda handoff: close_handoff(str(handoff.pk), by=agent("ben")),
    "lead closes": lambda handoff: close_handoff(str(handoff.pk), by=lead()),
    "rate": lambda handoff: rate_handoff(str(handoff.pk), conversation_id=handoff.conversation_id, csat=4),
}
# verb: what becomes of it in (queued, with Aiko, closed by Aiko, cancelled). A state and its holder, or "!" and the code.
TABLE = {
    "cancel": ("cancelled", "closed Aiko", "closed Aiko", "cancelled"),
    "holder takes": ("agent Aiko", "agent Aiko", "!over", "!over"),
    "other takes": ("agent Ben", "!taken", "!over", "!over"),
    "contact centre takes": ("agent Chie", "!taken", "!over", "!over"),
    "lead assigns": ("agent Ben", "!taken", "!over", "!over"),
    "agent assigns": ("!not_allowed", "!not_allowed", "!not_allowed", "!not_allowed"),
    "holder transfers": ("!not_taken", "agent Ben", "!over", "!over"),
    "other transfers": ("!not_taken", "!not_yours", "!over", "!over"),
    "lead transfers": ("!not_taken", "agent Ben", "!over", "!over"),
    "holder returns": ("queued", "queued", "!over", "!over"),
    "other returns": ("queued", "!not_yours", "!over", "!over"),
    "holder closes": ("closed", "closed Aiko", "closed Aiko", "cancelled"),
    "other closes": ("closed", "!not_yours", "closed Aiko", "cancelled"),
    "lead closes": ("closed", "closed Aiko", "closed Aiko", "cancelled"),
    "rate": ("!not_taken", "agent Aiko", "closed Aiko", "!not_taken"),
}
STATES = ("queued", "agent", "closed", "cancelled")
CASES = [(verb, state, row[place]) for verb, row in TABLE.items() for place, state in enumerate(STATES)]


def outcome(handoff: Handoff) -> str:
    handoff.refresh_from_db()
    return f"{handoff.status} {handoff.agent_name}".strip()


@pytest.mark.parametrize(("verb", "state", "expected"), CASES)
def test_the_state_machine(verb: str, state: str, expected: str) -> None:
    handoff = in_state(state)
    before = outcome(handoff)
    rows = handoff.transitions.count()
    if expected.startswith("!"):
        with pytest.raises(HandoffConflict) as refusal:
            VERBS[verb](handoff)
        assert refusal.value.code == expected[1:]
        assert outcome(handoff) == before
    else:
        VERBS[verb](handoff)
        assert outcome(handoff) == expected
    # A row of the trail for each change, and none for a verb that changed nothing.
    assert handoff.transitions.count() == rows + (outcome(handoff) != before)
    assert Conversation.objects.get(pk=handoff.conversation_id).state == (
        handoff.status if handoff.status in Handoff.OPEN else "bot"
    )


@pytest.mark.parametrize("verb", [verb for verb, row in TABLE.items() if not row[0].startswith("!")])
def test_every_verb_may_be_repeated(verb: str) -> None:
    """Two clicks, two tabs, a retry after a timeout: the second changes nothing."""
    handoff = in_state("queued")
    VERBS[verb](handoff)
    first, rows = outcome(handoff), handoff.transitions.count()
    VERBS[verb](handoff)
    assert (outcome(handoff), handoff.transitions.count()) == (first, rows)


def test_the_trail_says_who_did_what() -> None:
    id = waiting()
    take_handoff(id, by=agent())
    transfer_handoff(id, to=at_desk("ben"), by=agent(), detail="speaks Japanese")
    return_handoff(id, by=agent("ben"), detail="lunch")
    take_handoff(id, by=lead())
    close_handoff(id, by=lead(), detail="refunded")
    trail = Handoff.objects.get(pk=id).transitions.values_list("from_status", "status", "by", "detail")
    assert list(trail) == [
        ("", "queued", "shopper", ""),
        ("queued", "agent", "aiko", ""),
        ("agent", "agent", "aiko", "transferred to ben. speaks Japanese"),
        ("agent", "queued", "ben", "lunch"),
        ("queued", "agent", "leo", ""),
        ("agent", "closed", "leo", "refunded"),
    ]


def test_asking_twice_opens_one_and_after_its_end_another() -> None:
    id = conversation()
    first = waiting(id)
    assert waiting(id) == first
    close_handoff(first, by=lead())
    assert waiting(id) != first


def test_one_that_is_closed_while_another_is_opened_is_not_in_its_way() -> None:
    id, by = conversation(), lead()
    first = waiting(id)
    closed: list[bool] = []

    def close_in_between(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Before the one that was in the way is looked for."""
        if not closed and sql.startswith("SELECT") and "escalation_handoff" in sql:
            closed.append(True)
            close_handoff(first, by=by)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(close_in_between):
        second = waiting(id)
    assert closed
    assert Handoff.objects.open().get(conversation_id=id) == Handoff.objects.get(pk=second)
    assert second != first


def test_an_agent_takes_no_more_than_they_said_they_can() -> None:
    set_presence(agent(), status="available", capacity=1)
    take_handoff(waiting(), by=agent())
    with pytest.raises(HandoffConflict) as refusal:
        take_handoff(waiting(), by=agent())
    assert refusal.value.code == "full"


def test_conversations_of_an_agent_who_vanished_wait_again() -> None:
    lost, kept = waiting(), waiting()
    set_presence(agent(), status="available")
    set_presence(agent("ben"), status="available")
    take_handoff(lost, by=agent())
    take_handoff(kept, by=agent("ben"))
    assert return_silent() == 0
    presence = AgentPresence.objects.get(user__username="aiko")
    presence.seen_at = presence.seen_at.replace(year=2020)
    presence.save()
    assert return_silent() == 1
    assert outcome(Handoff.objects.get(pk=lost)) == "queued"
    assert outcome(Handoff.objects.get(pk=kept)) == "agent Ben"


@pytest.mark.parametrize("how", ["user deleted", "desk never opened"])
def test_conversations_of_an_agent_who_is_not_there_wait_again(how: str) -> None:
    id = waiting()
    if how == "user deleted":
        set_presence(agent(), status="available")
        take_handoff(id, by=agent())
        User.objects.get(username="aiko").delete()
    else:
        take_handoff(id, by=agent())
    assert return_silent() == 1
    handoff = Handoff.objects.get(pk=id)
    assert outcome(handoff) == "queued"
    assert Conversation.objects.get(pk=handoff.conversation_id).state == "queued"
    take_handoff(id, by=agent("ben"))


@pytest.mark.parametrize("last_seen", ["never", "long ago"])
def test_nobody_is_given_to_a_colleague_who_would_not_see_them(last_seen: str) -> None:
    ben = agent("ben")
    if last_seen == "long ago":
        at_desk("ben")
        AgentPresence.objects.update(seen_at=timezone.now() - timedelta(minutes=5))
    waits, taken = waiting(), waiting()
    take_handoff(taken, by=agent())
    with pytest.raises(HandoffConflict) as assigned:
        assign_handoff(waits, to=ben, by=lead())
    with pytest.raises(HandoffConflict) as transferred:
        transfer_handoff(taken, to=ben, by=agent())
    assert (assigned.value.code, transferred.value.code) == ("not_there", "not_there")
    assert [outcome(Handoff.objects.get(pk=id)) for id in (waits, taken)] == ["queued", "agent Aiko"]


def test_who_is_away_but_there_may_be_given_one_and_a_lead_gives_to_themselves() -> None:
    set_presence(agent("ben"), status="away")
    id = waiting()
    assign_handoff(id, to=agent("ben"), by=lead())
    transfer_handoff(id, to=lead(), by=lead())
    assert outcome(Handoff.objects.get(pk=id)) == "agent Leo"


def test_only_staff_of_the_two_groups_and_superusers_answer() -> None:
    assert agent().role == "agent"
    assert lead().is_lead
    assert actor_of(User.objects.create_superuser("operator")).is_lead
    for user in (
        AnonymousUser(),
        User.objects.create(username="shopper"),
        User.objects.create(username="writer", is_staff=True),
    ):
        with pytest.raises(NotAnAgent):
            actor_of(user)


@pytest.mark.parametrize("csat", [0, 6, -1])
def test_an_opinion_is_a_number_from_1_to_5(csat: int) -> None:
    handoff = in_state("closed")
    with pytest.raises(ValueError, match="1 to 5"):
        rate_handoff(str(handoff.pk), conversation_id=handoff.conversation_id, csat=csat)


def test_nobody_rates_anothers_handoff() -> None:
    with pytest.raises(Handoff.DoesNotExist):
        rate_handoff(str(in_state("closed").pk), conversation_id=conversation(), csat=5)
