"""What operators may enter, and what is refused with a word why."""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from escalation.models import AgentPresence, CannedReply, EscalationRule, OfficeHours
from escalation.presence import set_presence
from tests.escalation.people import agent

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Hello {customer}, {agent} here. {{wave}}", ""),
        ("No variables.", ""),
        ("Hello {name}", "{name} is unknown"),
        ("Hello {customer.password}", "unknown"),
        ("Hello {customer!r}", "unknown"),
        ("Hello {customer:>99}", "unknown"),
        ("Hello {", "brace"),
        ("Hello {}", "unknown"),
    ],
)
def test_a_canned_reply_knows_its_variables(text: str, fault: str) -> None:
    reply = CannedReply(locale="en", shortcut="hi", text=text)
    if fault:
        with pytest.raises(ValidationError, match=fault):
            reply.full_clean()
    else:
        reply.full_clean()


def test_a_canned_reply_is_filled() -> None:
    reply = CannedReply(text="Hello {customer}, {agent} here about {order}.")
    assert reply.filled(customer="Ada", agent="Aiko") == "Hello Ada, Aiko here about ."


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"opens": time(9), "closes": time(18), "zone": "Asia/Tokyo"}, ""),
        ({"opens": time(9), "closes": time(0), "zone": "UTC"}, ""),
        ({"opens": time(18), "closes": time(9), "zone": "UTC"}, "two rows"),
        ({"opens": time(9), "closes": time(9), "zone": "UTC"}, "two rows"),
        ({"opens": time(9), "closes": time(18), "zone": "Mars/Olympus"}, "not a valid choice"),
        ({"opens": None, "closes": time(18), "zone": "UTC"}, "opens"),
        ({"weekday": 7, "opens": time(9), "closes": time(18), "zone": "UTC"}, "weekday"),
    ],
)
def test_office_hours(fields: dict[str, Any], fault: str) -> None:
    hours = OfficeHours(**{"weekday": 0} | fields)
    if fault:
        with pytest.raises(ValidationError, match=fault):
            hours.full_clean()
    else:
        hours.full_clean()


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"keywords": "chargeback\n 返金 "}, ""),
        ({"keywords": " \n"}, "at least one"),
        ({"keywords": "a"}, "single letter"),
        ({"kind": "order_value", "order_value": Decimal("200"), "currency": "USD"}, ""),
        ({"kind": "order_value", "order_value": Decimal("200")}, "currency"),
        ({"kind": "order_value", "order_value": Decimal("-1"), "currency": "USD"}, "greater"),
        ({"kind": "mood", "keywords": "x y"}, "not a valid choice"),
    ],
)
def test_the_shops_own_rules(fields: dict[str, Any], fault: str) -> None:
    rule = EscalationRule(name="rule", **fields)
    if fault:
        with pytest.raises(ValidationError, match=fault):
            rule.full_clean()
    else:
        rule.full_clean()


def test_presence_is_one_of_three_states_with_a_sensible_capacity() -> None:
    set_presence(agent(), status="available", capacity=5)
    set_presence(agent())
    presence = AgentPresence.objects.get()
    assert (presence.status, presence.capacity) == ("available", 5)
    for fields in ({"status": "asleep"}, {"capacity": 0}, {"capacity": 21}):
        with pytest.raises(ValidationError):
            set_presence(agent(), **fields)
