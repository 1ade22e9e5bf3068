"""The golden conversations while steps are cut at random: every question is answered, with less where less is known."""

from __future__ import annotations

import random
import uuid

import pytest
from django.conf import settings
from django.test import override_settings

from chat.context import PageContext
from chat.plain import answer
from chat.sessions import open_session
from chat.tokens import Claims, Shopper
from mangaassist.dbthreads import in_database
from tests.journeys.golden.reading import Journey, read_journeys
from tests.journeys.test_golden import big_shop

__all__ = ["big_shop"]

# Each has a limit of its own, or the one of product facts.
STEPS = ("products", "series", "search", "recommendations", "passages", "promotions", "orders")
CUT_SHARE = 0.6
PATIENT_S = 30.0


@pytest.mark.usefixtures("big_shop")
@pytest.mark.parametrize("language", ["en", "ja"])
async def test_every_question_is_answered_whatever_is_cut(language: str) -> None:
    dice = random.Random(f"{language}0")
    journeys = [journey for journey in read_journeys() if journey.language == language]
    faults = [fault for journey in journeys for fault in await _faults(journey, dice)]
    assert not faults, "\n".join(faults)


async def _faults(journey: Journey, dice: random.Random) -> list[str]:
    shopper = Shopper(session_id=uuid.uuid4().hex, customer_id=journey.customer)
    series = journey.page.removeprefix("series/") if journey.page.startswith("series/") else ""
    context = PageContext(locale=journey.language, asin="" if series else journey.page, series=series)
    session = await in_database(open_session, Claims(shopper=shopper, context=context.as_dict()), channel="terminal")
    faults = []
    for said in journey.turns:
        cut = {step for step in STEPS if dice.random() < CUT_SHARE}
        limits = settings.TURN_LIMITS_S | dict.fromkeys(STEPS, PATIENT_S) | dict.fromkeys(cut, 0.0)
        with override_settings(TURN_LIMITS_S=limits):
            frame = await answer(session, said.text)
        assert frame is not None, f"{journey.name}, line {said.line}: not answered"
        if frame["status"] != "complete" or not frame["content"]:
            faults.append(f"{journey.name} (line {said.line}) without {sorted(cut)}: {frame['content']}")
    return faults
