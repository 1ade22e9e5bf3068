"""Who may open the desk, and what becomes of its page when they may no more."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session

from escalation import consumers
from escalation.actors import Actor
from escalation.models import AgentPresence, Handoff
from mangaassist.dbthreads import in_database
from tests.escalation.desk import Desk
from tests.escalation.people import in_line, who
from tests.shop.catalogue import lay_small_catalogue


@pytest.fixture(autouse=True)
def shop(transactional_db: None) -> None:
    lay_small_catalogue()


async def test_who_opens_the_desk_first_takes_conversations_and_a_choice_is_kept() -> None:
    aiko = await who()
    async with Desk(aiko) as desk:
        (mine,) = (await desk.next("state"))["agents"]
        assert (mine["status"], mine["load"], mine["capacity"]) == ("available", 0, 3)
        await desk.do("presence", status="away")
        assert (await desk.next("agents"))["agents"][0]["status"] == "away"
    async with Desk(aiko) as desk:
        assert (await desk.next("state"))["agents"][0]["status"] == "away"


def dismiss_all() -> None:
    Group.objects.get(name="agent").user_set.clear()


async def test_nobody_else_gets_in() -> None:
    staff = Actor(name="", shown="", role="agent", user_id=(await User.objects.acreate(username="s", is_staff=True)).pk)
    for actor, origin, code, close in (
        (None, "http://testserver", "signed_out", 4401),
        (staff, "http://testserver", "forbidden", 4403),
        (await who(), "https://evil.example", "forbidden", 4403),
        (await who(), "null", "forbidden", 4403),
    ):
        async with Desk(actor, origin=origin) as desk:
            refused, closed = await desk.closed_with()
            assert refused is not None
            assert (refused["code"], closed) == (code, close)
    assert not await AgentPresence.objects.aexists()


def new_password() -> None:
    user = User.objects.get(username="aiko")
    user.set_password("changed, because somebody else knew it")
    user.save()


@pytest.mark.parametrize("how", ["group", "session", "password", "account"])
async def test_who_loses_the_right_loses_the_page(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "SIGN_OF_LIFE_S", 0.3)
    aiko = await who()
    async with Desk(aiko) as desk:
        await desk.next("state")
        if how == "group":
            await in_database(dismiss_all)
        elif how == "session":
            await Session.objects.all().adelete()
        elif how == "password":
            await in_database(new_password)
        else:
            await User.objects.filter(username=aiko.name).aupdate(is_active=False)
        _, closed = await desk.closed_with()
        assert closed == (4401 if how in {"session", "password"} else 4403)


async def test_a_right_that_is_gone_does_nothing_any_more() -> None:
    id = await in_line()
    async with Desk(await who()) as desk:
        await desk.next("state")
        await in_database(dismiss_all)
        await desk.raw.send_json_to({"type": "take", "client_id": str(uuid.uuid4()), "id": id})
        _, closed = await desk.closed_with()
        assert closed == 4403
    assert (await Handoff.objects.aget(pk=id)).status == "queued"
