"""One shopper is exported and erased across every store, and what is old goes by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import orjson
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.utils import timezone

from caching.trust import trust
from chat.models import Conversation, Feedback, FeedbackNote, Message, Turn
from chat.plain import answer
from chat.sessions import open_session
from chat.tokens import Claims, Shopper
from mangaassist.access.models import AuditEntry
from mangaassist.dbthreads import in_database
from mangaassist.outbox.models import OutboxMessage
from mangaassist.outbox.topics import topic_names
from mangaassist.privacy.erasing import AGAIN_AFTER, erase, finish_due
from mangaassist.privacy.exporting import export_shopper
from mangaassist.privacy.models import Erasure
from mangaassist.privacy.registry import holders, topic_data
from mangaassist.privacy.shoppers import NotOne, find_shopper
from mangaassist.redis import sync_client
from recommendations.interactions import NewInteraction, record_interactions
from recommendations.models import Interaction
from tests.backends.dynamodb_memory import TABLE, dynamodb_memory
from tests.chat.unhurried import open_unhurried_shop
from tests.mangaassist.remains import CUSTOMER, SECRET, SESSION, a_shopper, settle, where
from tests.mangaassist.running import until


class TestTheTable:
    """A new table or topic is named by its app, as personal or not; else this fails."""

    def test_of_every_model_it_is_said_whether_it_holds_shoppers(self) -> None:
        said = [f"{holder.app}.{name}" for holder in holders() for name in (*holder.personal, *holder.impersonal)]
        assert len(said) == len(set(said))
        assert set(said) == {model._meta.label for model in apps.get_models(include_auto_created=True)}

    def test_of_every_topic_as_well(self) -> None:
        assert set(topic_data()) == set(topic_names())

    def test_a_model_with_a_shoppers_name_is_personal(self) -> None:
        impersonal = {f"{holder.app}.{name}" for holder in holders() for name in holder.impersonal}
        naming = {
            model._meta.label
            for model in apps.get_models()
            if {"customer_id", "session_id", "conversation_id"}
            & {field.attname for field in model._meta.concrete_fields}
        }
        assert not naming & impersonal


pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(transactional_db: None, settings: Any) -> None:
    open_unhurried_shop(settings)


@pytest.fixture
def dynamodb(settings: Any) -> Iterator[Any]:
    with dynamodb_memory(settings) as client:
        yield client


@pytest.mark.usefixtures("shop")
class TestErasing:
    async def test_a_customer_is_found_nowhere_afterwards(self) -> None:
        session = await a_shopper()
        own = (CUSTOMER, SESSION, "zzyzxqua")
        before = await in_database(where, *own)
        assert {
            "Conversation", "Message", "Handoff", "Interaction", "Cart", "AnalyticsEvent", "LogEntry", "cache",
        } <= before  # fmt: skip

        subject = await in_database(lambda: find_shopper(customer_id=CUSTOMER))
        erasure = await in_database(lambda: erase(subject, by="operator"))

        assert (erasure.error, erasure.counts["conversations"]) == ("", 1)
        # The merchant's own record stays.
        assert await in_database(where, *own) == {"Order"}
        await in_database(settle)
        assert await in_database(lambda: finish_due(timezone.now() + AGAIN_AFTER + timedelta(seconds=1))) == 1
        await erasure.arefresh_from_db()
        assert (erasure.subject, erasure.again_at, erasure.passes) == ("", None, 2)
        assert await in_database(where, *own, session.conversation_id) == {"Order"}
        said = [line async for line in AuditEntry.objects.filter(kind="erasure").values_list("what", flat=True)]
        assert said == [f"shopper {erasure.reference}"] * 2

    async def test_a_guest_is_found_by_a_conversation(self) -> None:
        session = await a_shopper(customer_id="")
        subject = await in_database(lambda: find_shopper(conversation_id=session.conversation_id))
        assert subject.sessions == {SESSION}
        await in_database(lambda: erase(subject, by="operator"))
        assert await in_database(where, SESSION, "zzyzxqua") == set()

    async def test_others_keep_everything(self) -> None:
        other = Shopper(session_id="other", customer_id="other-customer")
        session = await in_database(open_session, Claims(shopper=other, context={}))
        await answer(session, "tell me about Berserk")
        await a_shopper()
        subject = await in_database(lambda: find_shopper(customer_id=CUSTOMER))
        await in_database(lambda: erase(subject, by="operator"))
        assert await Conversation.objects.aget() == await in_database(session.conversation)
        assert await Message.objects.acount() == 2

    async def test_a_turn_that_runs_meanwhile_leaves_nothing(self) -> None:
        session = await a_shopper()
        turn = await Turn.objects.acreate(conversation_id=session.conversation_id)
        subject = await in_database(lambda: find_shopper(customer_id=CUSTOMER))
        await in_database(lambda: erase(subject, by="operator"))
        # What its process still streams and remembers, before it hears of it.
        client: Any = sync_client("streams")
        client.xadd(f"turn:{{{turn.pk}}}", {"f": SECRET})
        sync_client("cache").set(f"memory:{session.conversation_id}", SECRET)
        assert {"cache", "streams"} == await in_database(where, "zzyzxqua")
        await in_database(lambda: finish_due(timezone.now() + AGAIN_AFTER + timedelta(seconds=1)))
        assert await in_database(where, "zzyzxqua") == set()

    async def test_it_is_asked_for_twice_without_harm_and_what_comes_later_stays(self) -> None:
        await a_shopper()
        subject = await in_database(lambda: find_shopper(customer_id=CUSTOMER))
        await in_database(lambda: erase(subject, by="operator"))
        again = await in_database(lambda: erase(subject, by="operator"))
        assert again.counts == {}
        shopper = Shopper(session_id="new", customer_id=CUSTOMER)
        await in_database(open_session, Claims(shopper=shopper, context={}))
        await in_database(lambda: finish_due(timezone.now() + AGAIN_AFTER + timedelta(seconds=1)))
        assert await Conversation.objects.filter(customer_id=CUSTOMER).acount() == 1

    async def test_a_late_delivery_brings_nothing_back(self) -> None:
        await a_shopper()
        at = timezone.now() - timedelta(days=2)
        subject = await in_database(lambda: find_shopper(customer_id=CUSTOMER))
        await in_database(lambda: erase(subject, by="operator"))
        old = NewInteraction(asin="BERSERK-EN-1", type="view", customer_id=CUSTOMER, at=at)
        await in_database(record_interactions, [old])
        assert not await Interaction.objects.filter(customer_id=CUSTOMER).aexists()

    async def test_dynamodb_forgets_as_well(self, dynamodb: Any) -> None:
        await a_shopper()
        assert dynamodb.scan(TableName=TABLE)["Items"]
        subject = await in_database(lambda: find_shopper(customer_id=CUSTOMER))
        await in_database(lambda: erase(subject, by="operator"))
        await in_database(settle)
        assert dynamodb.scan(TableName=TABLE)["Items"] == []

    async def test_what_waits_for_others_keeps_its_other_records(self) -> None:
        await a_shopper()
        conversation = await Conversation.objects.aget()
        records = [
            {"session_id": str(conversation.pk), "message": SECRET},
            {"session_id": "another", "message": "hello"},
        ]
        row = await OutboxMessage.objects.acreate(topic="analytics", payload={"records": records}, status="parked")
        subject = await in_database(lambda: find_shopper(customer_id=CUSTOMER))
        await in_database(lambda: erase(subject, by="operator"))
        await row.arefresh_from_db()
        assert row.payload["records"] == [{"session_id": "another", "message": "hello"}]

    async def test_without_redis_the_rows_go_and_the_copies_follow(self, settings: Any) -> None:
        await a_shopper()
        subject = await in_database(lambda: find_shopper(customer_id=CUSTOMER))
        urls = settings.REDIS_URLS
        settings.REDIS_URLS = dict.fromkeys(urls, "redis://127.0.0.1:1/0")
        erasure = await in_database(lambda: erase(subject, by="operator"))
        assert erasure.error == "chat: ConnectionError; caching: ConnectionError"
        assert not await Conversation.objects.aexists()
        settings.REDIS_URLS = urls
        # The cache is told what it could not be told meanwhile; in a shop long before the second look.
        await in_database(lambda: until(lambda: not trust.is_open(), "Redis is believed again"))
        for _ in range(3):
            await in_database(lambda: finish_due(timezone.now() + timedelta(minutes=3)))
        await erasure.arefresh_from_db()
        assert (erasure.done_at is not None, erasure.error) == (True, "")
        assert await in_database(where, CUSTOMER) == {"Order"}


@pytest.mark.usefixtures("shop")
class TestExport:
    async def test_everything_is_in_it_under_stable_names(self) -> None:
        session = await a_shopper()
        opinion = await Feedback.objects.aget()
        await FeedbackNote.objects.acreate(feedback=opinion, by="operator", text="I have called them.")
        subject = await in_database(lambda: find_shopper(customer_id=CUSTOMER))
        told = orjson.loads(b"".join(await in_database(lambda: list(export_shopper(subject)))))
        assert list(told) == [
            "format", "version", "exported_at", "shopper", "conversations", "interactions", "experiments", "handoffs",
            "carts", "orders", "events", "webhooks", "on_the_way",
        ] or set(told) >= {"conversations", "interactions", "handoffs", "carts", "orders", "events"}  # fmt: skip
        assert (told["format"], told["version"]) == ("mangaassist-shopper", 1)
        (conversation,) = told["conversations"]
        assert conversation["id"] == session.conversation_id
        assert SECRET in [message["text"] for message in conversation["messages"]]
        assert conversation["opinions"][0]["comment"] == SECRET
        assert [each["id"] for each in told["orders"]] == ["ORDER-77"]
        assert told["carts"][0]["lines"] == [{"asin": "BERSERK-EN-1", "quantity": 1}]
        assert told["interactions"][0]["asin"] == "BERSERK-EN-1"
        assert any(line["role"] == "shopper" for each in told["handoffs"] for line in each["lines"])
        assert told["events"]
        assert conversation["opinions"][0]["notes"][0]["text"] == "I have called them."

    async def test_what_was_asked_in_vain_is_in_it(self) -> None:
        for session_id in (SESSION, "another"):
            shopper = Shopper(session_id=session_id)
            session = await in_database(open_session, Claims(shopper=shopper, context={}))
            asked = "Zorblatt Chronicles" if session_id == SESSION else "Quuxian Tales"
            await answer(session, f"do you have {asked}?")
        subject = await in_database(lambda: find_shopper(session_id=SESSION))
        told = orjson.loads(b"".join(await in_database(lambda: list(export_shopper(subject)))))
        (question,) = told["unanswered"]
        assert "zorblatt" in question["question"]

    def test_the_command_writes_it(self, tmp_path: Any) -> None:
        Interaction.objects.create(
            customer_id=CUSTOMER, asin="BERSERK-EN-1", series_id="berserk", type="view", at=timezone.now()
        )
        file = tmp_path / "shopper.json"
        call_command("export_shopper", customer=CUSTOMER, output=str(file))
        assert len(orjson.loads(file.read_bytes())["interactions"]) == 1

    def test_the_command_asks_before_it_erases(self) -> None:
        Interaction.objects.create(
            customer_id=CUSTOMER, asin="BERSERK-EN-1", series_id="berserk", type="view", at=timezone.now()
        )
        with pytest.raises(CommandError, match="--yes"):
            call_command("erase_shopper", customer=CUSTOMER)
        assert Interaction.objects.exists()
        out = StringIO()
        call_command("erase_shopper", customer=CUSTOMER, yes=True, stdout=out)
        assert "1 interactions" in out.getvalue()
        assert not Interaction.objects.exists()

    @pytest.mark.parametrize("given", [
        {}, {"customer_id": "a", "session_id": "b"}, {"customer_id": "x" * 129}, {"conversation_id": "a\x00b"},
    ])  # fmt: skip
    def test_it_must_be_one_shopper(self, given: dict[str, str]) -> None:
        with pytest.raises(NotOne):
            find_shopper(**given)

    def test_who_is_unknown_is_found_with_nothing(self) -> None:
        assert find_shopper(conversation_id="no-such-one").turns == frozenset()


def test_unfinished_erasures_are_taken_by_one_process() -> None:
    subject = find_shopper(customer_id="nobody")
    erase(subject, by="operator")
    due = timezone.now() + timedelta(minutes=3)
    assert [finish_due(due), finish_due(due)] == [1, 0]
    assert not Erasure.objects.filter(done_at=None).exists()
