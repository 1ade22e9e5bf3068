"""Whole conversations in both languages, written as text (tests/journeys/golden) and run through the real turn."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from chat.context import PageContext
from chat.models import Turn
from chat.plain import answer
from chat.sessions import open_session
from chat.tokens import Claims, Shopper
from mangaassist.dbthreads import in_database
from tests.journeys.golden.reading import Journey, read_journeys
from tests.shop.catalogue import edition, import_lines, offer, small_catalogue
from tests.shop.families import families

JOURNEYS = read_journeys()


def late() -> list[dict[str, Any]]:
    """What erin ordered: one parcel that should have come long ago, one that has time. Gwen has the last volume."""
    first = {"kind": "order", "customer_id": "erin", "status": "shipped", "carrier": "Parcel Post", "tracking": "PP1",
             "placed_at": "2026-01-05T10:00:00Z", "lines": [{"asin": "BERSERK-EN-1", "quantity": 1}]}  # fmt: skip
    last = {
        "id": "MA-40003",
        "customer_id": "gwen",
        "status": "delivered",
        "lines": [{"asin": "LR-EN-9", "quantity": 1}],
    }
    return [
        first | {"id": "MA-40001", "eta": "2026-01-12"},
        first | {"id": "MA-40002", "eta": "2099-06-18"},
        first | last,
    ]


def dated(day: str) -> list[dict[str, Any]]:
    """A volume that comes out on ``day``, and an art book of long ago."""
    return [
        edition("LRI-EN-2", "lantern-road-inn", "The Inn on Lantern Road, Vol. 2", [2], release_date=day, age_rating="all"),
        offer("LRI-EN-2", "10.00", 5),
        edition("LRI-ART", "lantern-road-inn", "The Inn in Colour", [], release_date="2011-05-10", isbn13="9780306406157"),
        offer("LRI-ART", "30.00", 5),
    ]  # fmt: skip


@pytest.fixture
def big_shop(transactional_db: None) -> Iterator[None]:
    """The small catalogue and some families of series; no step is cut, however busy the machine is."""
    for lines in ([*small_catalogue(), *families(), *late(), *dated("2099-03-01")], dated("2099-06-15")):
        _, rejected = import_lines(lines)
        assert not rejected, rejected
    with override_settings(TURN_LIMITS_S=dict.fromkeys(settings.TURN_LIMITS_S, 30)):
        yield


@pytest.mark.usefixtures("big_shop")
@pytest.mark.parametrize("subject", sorted({journey.subject for journey in JOURNEYS}))
async def test_journeys(subject: str) -> None:
    """All of a file in one shop: conversations do not touch each other."""
    faults = [await _first_fault(journey) for journey in JOURNEYS if journey.subject == subject]
    assert not any(faults), "\n\n".join(fault for fault in faults if fault)


async def _first_fault(journey: Journey) -> str:
    """Where a journey leaves its path, with what was said; empty when it does not."""
    shopper = Shopper(session_id=uuid.uuid4().hex, customer_id=journey.customer)
    series = journey.page.removeprefix("series/") if journey.page.startswith("series/") else ""
    context = PageContext(locale=journey.language, asin="" if series else journey.page, series=series)
    session = await in_database(open_session, Claims(shopper=shopper, context=context.as_dict()), channel="terminal")
    for said in journey.turns:
        frame = await answer(session, said.text)
        assert frame is not None, f"{journey.name}, line {said.line}: not answered"
        intent = await in_database(_last_intent, session.conversation_id)
        wrong = [fault for key, value in said.expected if (fault := _fault(key, value, frame, intent))]
        if wrong:
            heard = f"== {journey.name} (line {said.line})\n> {said.text}\n{frame['content']}\n[{intent}]"
            return "\n".join([heard, *wrong])
    return ""


def _last_intent(conversation_id: str) -> str:
    return Turn.objects.filter(conversation_id=conversation_id).order_by("-started_at").values_list("intent")[0][0]


def _fault(key: str, value: str, frame: dict[str, Any], intent: str) -> str:
    """What is wrong with an answer; empty for nothing."""
    content, ids = frame["content"], [card["card_id"].partition("-")[2] for card in frame["cards"]]
    alternatives = value.split(" | ")
    right = {
        "intent": intent == value,
        "says": any(each in content for each in alternatives),
        "not": value not in content,
        "cards": ids == value.split(),
        "shows": set(value.split()) <= set(ids),
        "replies": any(each in frame["quick_replies"] for each in alternatives),
    }[key]
    return "" if right else f"{key}: {value}\n  cards: {' '.join(ids)}\n  replies: {frame['quick_replies']}"


def test_there_are_many_of_both_languages_that_go_on() -> None:
    counted = Counter(journey.language for journey in JOURNEYS if len(journey.turns) > 1)
    assert counted["en"] >= 40
    assert counted["ja"] >= 20
    assert all(turn.expected for journey in JOURNEYS for turn in journey.turns)


def test_names_are_unique() -> None:
    assert len({(journey.subject, journey.name) for journey in JOURNEYS}) == len(JOURNEYS)


def test_a_turn_without_its_mark_is_not_passed_over() -> None:
    from tests.journeys.golden.reading import _read

    with pytest.raises(ValueError, match="neither a turn"):
        _read("== a\n> hello\nwhat is this", "en", "x")
    with pytest.raises(ValueError, match="no place here"):
        _read("== a\nintent: greeting", "en", "x")


def test_every_kind_of_fault_is_seen() -> None:
    frame = {"content": "It is here.", "cards": [{"card_id": "product-A"}], "quick_replies": ["More?"]}
    for key, value in [
        ("intent", "price"),
        ("says", "gone"),
        ("not", "here"),
        ("cards", "A B"),
        ("shows", "B"),
        ("replies", "x"),
    ]:
        assert _fault(key, value, frame, "search").startswith(key)
    for key, value in [("intent", "search"), ("says", "x | here"), ("not", "gone"), ("cards", "A"), ("shows", "A")]:
        assert not _fault(key, value, frame, "search")
