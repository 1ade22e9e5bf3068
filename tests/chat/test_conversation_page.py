"""A conversation in the admin: what the shopper saw with the prices of then, its traces, and what is done with it."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.assistant import AssistantSettings, count_spend
from chat.conversation_page import PAGE
from chat.feedback import Opinion, save_feedback
from chat.models import Conversation, Feedback, Message, SharedConversation, Turn
from chat.plain import answer
from chat.sessions import open_session
from chat.sharing import CHOICES, token_of
from chat.tokens import Claims, Shopper
from mangaassist.access.audit import record
from mangaassist.access.models import AuditEntry
from mangaassist.privacy.models import Erasure
from shop.models import Offer
from tests.chat.unhurried import open_unhurried_shop

pytestmark = pytest.mark.django_db

LIST = "/admin/chat/conversation/"


def page_of(conversation: Conversation) -> str:
    return f"{LIST}{conversation.pk}/change/"


def long_conversation(turns: int) -> Conversation:
    conversation = Conversation.objects.create(customer_id="alice", session_id="s1")
    trace = {"steps": [{"step": "memory", "at_ms": 0, "ms": 1}], "notes": [{"note": "x" * 2_000}]}
    for number in range(turns):
        turn = Turn.objects.create(conversation=conversation, status="complete", intent="price", trace=trace)
        Message.objects.create(conversation=conversation, turn=turn, role="user", content=f"question {number}")
        Message.objects.create(conversation=conversation, turn=turn, role="assistant", content=f"answer {number}")
    return conversation


def staff(*permissions: str) -> Client:
    user = User.objects.create_user(f"u{User.objects.count()}", password="x", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def asked(transactional_db: None, settings: Any) -> Conversation:
    """A price was told, and has changed since."""
    open_unhurried_shop(settings)
    shopper = Shopper(session_id="s1", customer_id="alice")
    session = open_session(Claims(shopper=shopper, context={}))
    async_to_sync(answer)(session, "how much is Berserk volume 1?")
    Offer.objects.filter(edition__asin="BERSERK-EN-1").update(price="5.55")
    return Conversation.objects.get()


class TestTranscript:
    def test_a_card_is_shown_with_the_price_of_then(self, asked: Conversation, admin_client: Client) -> None:
        page = admin_client.get(page_of(asked)).content.decode()
        assert "how much is Berserk volume 1?" in page
        shown = re.sub(r"\s+", " ", page[page.index('class="ma-shown"') :])
        assert "Berserk, Vol. 1" in shown
        assert re.search(r"\$14\.99 <small>as of \d\d:\d\d:\d\d", shown)
        assert "5.55" not in page
        assert "in_stock" not in page

    def test_the_trace_is_fetched_when_it_is_opened(self, asked: Conversation, admin_client: Client) -> None:
        turn = Turn.objects.get()
        assert f'data-src="/admin/chat/turn/{turn.pk}/trace/"' in admin_client.get(page_of(asked)).content.decode()
        trace = admin_client.get(f"/admin/chat/turn/{turn.pk}/trace/").content.decode()
        for told in ("Understanding", "Live prices and stock", "/ 20", "price:BERSERK-EN-1", "$14.99", "composer"):
            assert told in trace
        assert "BERSERK-EN-1</code>" in trace[trace.index("Evidence") :]
        assert "<html" not in trace

    def test_foreign_words_stay_words(self, admin_client: Client) -> None:
        conversation = Conversation.objects.create(session_id="s1")
        Message.objects.create(conversation=conversation, role="user", content="<script>alert(1)</script>")
        Message.objects.create(conversation=conversation, role="assistant", content="[x](javascript:alert(1)) <b>")
        page = admin_client.get(page_of(conversation)).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert 'href="javascript' not in page

    def test_of_200_turns_a_page_is_read_in_few_queries_and_without_traces(self, admin_client: Client) -> None:
        short, long = long_conversation(2), long_conversation(200)
        with CaptureQueriesContext(connection) as few:
            admin_client.get(page_of(short))
        with CaptureQueriesContext(connection) as many:
            page = admin_client.get(page_of(long))
        assert len(many) == len(few) <= 16
        assert not any('"trace"' in query["sql"] for query in many.captured_queries)
        assert page.content.decode().count('class="ma-said') == 400 - 6 * PAGE
        assert "answer 199" in page.content.decode()
        assert "question 0<" in admin_client.get(page_of(long), {"page": 1}).content.decode()

    def test_a_message_is_found_on_its_page(self, admin_client: Client) -> None:
        conversation = long_conversation(100)
        message = Message.objects.get(content="answer 40")
        page = admin_client.get(page_of(conversation), {"at": message.pk}).content.decode()
        assert f'id="m{message.pk}"' in page
        assert "Page 2 of 4" in page

    @pytest.mark.parametrize("query", [{"page": "x"}, {"page": "99999"}, {"page": "-1"}, {"at": "9" * 30}, {"at": "x"}])
    def test_a_page_that_is_not_there_is_the_nearest_one(self, admin_client: Client, query: dict[str, str]) -> None:
        assert admin_client.get(page_of(long_conversation(70)), query).status_code == 200

    @pytest.mark.parametrize("id", ["x", "00000000-0000-0000-0000-000000000000", "%00"])
    def test_an_unknown_conversation_leads_back(self, admin_client: Client, id: str) -> None:
        assert admin_client.get(f"{LIST}{id}/change/").status_code == 302


class TestReplay:
    def test_then_and_now_stand_side_by_side(self, asked: Conversation, admin_client: Client) -> None:
        turn = Turn.objects.get()
        rows = Turn.objects.count(), Message.objects.count()
        page = admin_client.post(f"/admin/chat/turn/{turn.pk}/replay/").content.decode()
        assert "<del>$14.99</del>" in page
        assert "<ins>$5.55</ins>" in page
        assert (Turn.objects.count(), Message.objects.count()) == rows
        assert LogEntry.objects.get().change_message == "replayed"

    def test_one_person_replays_so_many_in_an_hour(self, asked: Conversation, admin_client: Client) -> None:
        address = f"/admin/chat/turn/{Turn.objects.get().pk}/replay/"
        for hours in (0.5,) * 59 + (2.0,) * 9:
            record("changed", actor="admin", detail="replayed" if hours < 1 else "previewed")
            AuditEntry.objects.filter(pk=AuditEntry.objects.latest("pk").pk).update(
                at=timezone.now() - timedelta(hours=hours)
            )
        assert admin_client.post(address).status_code == 200
        answer = admin_client.post(address, follow=True)
        assert "had 60 answers rehearsed within an hour" in answer.content.decode()
        assert LogEntry.objects.count() == 1

    def test_a_spent_budget_refuses(self, asked: Conversation, admin_client: Client, settings: Any) -> None:
        """The answer would be our own sentences': nothing to compare a model's with."""
        address = f"/admin/chat/turn/{Turn.objects.get().pk}/replay/"
        AssistantSettings.objects.update_or_create(pk=AssistantSettings.THE_ROW, defaults={"budget_per_day": 1})
        count_spend(cost=1.5, read=1, written=1)
        # Our own sentences cost nothing.
        assert admin_client.post(address).status_code == 200
        settings.GENERATORS = {
            "default": {
                "BACKEND": "chat.backends.openai.OpenAIGenerator",
                "OPTIONS": {"base_url": "http://127.0.0.1:9/v1", "model": "m"},
            }
        }
        answer = admin_client.post(address, follow=True)
        assert "budget for models is spent" in answer.content.decode()
        assert LogEntry.objects.count() == 1

    def test_it_takes_a_permission_and_a_post(self, asked: Conversation, admin_client: Client) -> None:
        address = f"/admin/chat/turn/{Turn.objects.get().pk}/replay/"
        assert staff("view_turn").post(address).status_code == 403
        assert staff("replay_turn").post(address).status_code == 403
        assert admin_client.get(address).status_code == 405
        assert admin_client.post(f"/admin/chat/turn/{uuid.uuid4()}/replay/").status_code == 404

    @pytest.mark.django_db(transaction=True)
    def test_without_a_question_it_says_so(self, admin_client: Client) -> None:
        turn = Turn.objects.create(conversation=Conversation.objects.create(session_id="s1"), status="complete")
        page = admin_client.post(f"/admin/chat/turn/{turn.pk}/replay/", follow=True).content.decode()
        assert "Its question is not kept any more." in page


class TestSharing:
    def share(self, client: Client, conversation: Conversation, days: str = "7") -> None:
        client.post(f"{LIST}{conversation.pk}/share/", {"days": days})

    def test_other_staff_read_it_without_personal_data(self, admin_client: Client) -> None:
        conversation = Conversation.objects.create(customer_id="alice", session_id="s1")
        Message.objects.create(conversation=conversation, role="user", content="I am aya@example.com")
        self.share(admin_client, conversation)
        shared = SharedConversation.objects.get()
        link = f"{LIST}shared/{token_of(shared)}/"
        assert link in admin_client.get(page_of(conversation)).content.decode()

        page = staff().get(link).content.decode()

        assert "I am [email]" in page
        assert "alice" not in page
        assert "aya@" not in page
        shared.refresh_from_db()
        assert shared.opened == 1
        assert Client().get(link).status_code == 302

    def test_a_partners_own_reason_is_masked_as_well(self, admin_client: Client) -> None:
        conversation = long_conversation(1)
        message = conversation.messages.latest("pk")
        save_feedback(conversation, str(message.public_id), Opinion(rating=-1, reason="call aya@example.com"))
        self.share(admin_client, conversation)
        page = staff().get(f"{LIST}shared/{token_of(SharedConversation.objects.get())}/").content.decode()
        assert "call [email]" in page
        assert "aya@" not in page

    def test_who_opens_it_stands_in_the_audit_log_and_who_may_not_is_counted(self, admin_client: Client) -> None:
        conversation = long_conversation(1)
        self.share(admin_client, conversation)
        shared = SharedConversation.objects.get()
        link = f"{LIST}shared/{token_of(shared)}/"
        reader = staff()
        assert reader.get(link).status_code == 200
        line = AuditEntry.objects.get(what__startswith="shared conversation")
        assert (line.actor, line.what) == ("u1", f"shared conversation ({conversation.pk})")
        for _ in range(2):
            assert Client().get(link).status_code == 302
        assert Client().get(f"{LIST}shared/{shared.pk.hex}:forged/").status_code == 302
        shared.refresh_from_db()
        assert (shared.opened, shared.turned_away) == (1, 2)
        assert "tried 2 times without signing in" in admin_client.get(page_of(conversation)).content.decode()
        assert AuditEntry.objects.filter(what__startswith="shared conversation").count() == 1

    def test_it_ends_by_time_by_hand_and_when_forged(self, admin_client: Client) -> None:
        conversation = Conversation.objects.create(session_id="s1")
        self.share(admin_client, conversation)
        shared = SharedConversation.objects.get()
        link = f"{LIST}shared/{token_of(shared)}/"
        reader = staff()
        assert reader.get(link).status_code == 200
        assert reader.get(f"{LIST}shared/{shared.pk.hex}:forged/").status_code == 403
        assert reader.get(f"{LIST}shared/{shared.pk}/").status_code == 403
        SharedConversation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        assert reader.get(link).status_code == 403
        SharedConversation.objects.update(expires_at=timezone.now() + timedelta(days=1))
        admin_client.post(f"{LIST}{conversation.pk}/revoke/", {"share": str(shared.pk)})
        assert reader.get(link).status_code == 403
        assert admin_client.get(link, follow=True).redirect_chain
        told = list(LogEntry.objects.order_by("pk").values_list("change_message", flat=True))
        assert [text.split()[0] for text in told] == ["shared", "link"]

    @pytest.mark.parametrize("days", ["", "0", "365", "-1", "x", str(max(CHOICES)) + "0"])
    def test_a_time_that_is_not_offered_makes_no_link(self, admin_client: Client, days: str) -> None:
        self.share(admin_client, Conversation.objects.create(session_id="s1"), days)
        assert not SharedConversation.objects.exists()

    @pytest.mark.parametrize("share", ["", "x", "1"])
    def test_a_link_that_is_none_is_not_found(self, admin_client: Client, share: str) -> None:
        conversation = Conversation.objects.create(session_id="s1")
        assert admin_client.post(f"{LIST}{conversation.pk}/revoke/", {"share": share}).status_code == 404


class TestForgetting:
    def test_a_message_is_redacted_once_and_logged(self, admin_client: Client) -> None:
        conversation = long_conversation(1)
        message = conversation.messages.first()
        assert message is not None
        for _ in range(2):
            page = admin_client.post(f"{LIST}{conversation.pk}/redact/", {"message": message.pk}, follow=True)
        assert "question 0" not in page.content.decode()
        assert "[redacted]" in page.content.decode()
        assert LogEntry.objects.count() == 1

    def test_only_a_message_of_this_conversation(self, admin_client: Client) -> None:
        mine, other = long_conversation(1), long_conversation(1)
        for message in (other.messages.latest("pk").pk, "x", "", "9" * 30):
            answered = admin_client.post(f"{LIST}{mine.pk}/redact/", {"message": message})
            assert answered.status_code == 404

    def test_erasing_asks_first_and_leaves_no_name(self, admin_client: Client) -> None:
        conversation = long_conversation(1)
        message = conversation.messages.latest("pk")
        save_feedback(conversation, str(message.public_id), Opinion(rating=-1))
        admin_client.post(f"{LIST}{conversation.pk}/share/", {"days": "1"})
        assert "2 messages go" in admin_client.get(f"{LIST}{conversation.pk}/erase/").content.decode()
        assert Conversation.objects.exists()
        admin_client.post(f"{LIST}{conversation.pk}/erase/")
        assert not Conversation.objects.exists()
        assert set(LogEntry.objects.values_list("object_repr", flat=True)) == {str(conversation.pk)}

    def test_both_stand_on_the_page_of_erasures(self, admin_client: Client) -> None:
        conversation = long_conversation(1)
        message = conversation.messages.earliest("pk")
        admin_client.post(f"{LIST}{conversation.pk}/redact/", {"message": message.pk})
        admin_client.post(f"{LIST}{conversation.pk}/erase/")
        page = admin_client.get("/admin/privacy/").content.decode()
        assert "Words of a conversation" in page
        assert "A conversation" in page
        assert page.count("a second look follows") == 2
        assert set(Erasure.objects.values_list("kind", "asked_by")) == {("words", "admin"), ("conversation", "admin")}

    @pytest.mark.parametrize("deed", ["share", "redact", "erase", "revoke"])
    def test_each_deed_takes_its_own_permission(self, deed: str) -> None:
        conversation = long_conversation(1)
        for client in (staff("view_conversation"), staff(f"{deed}_conversation"), staff()):
            assert client.post(f"{LIST}{conversation.pk}/{deed}/").status_code == 403
        assert Conversation.objects.exists()


class TestLists:
    def test_a_row_costs_no_query(self, admin_client: Client) -> None:
        long_conversation(1)
        with CaptureQueriesContext(connection) as one:
            admin_client.get(LIST)
        for _ in range(20):
            long_conversation(2)
        with CaptureQueriesContext(connection) as many:
            page = admin_client.get(LIST)
        assert len(many) == len(one)
        assert "question 0" in page.content.decode()

    @pytest.mark.parametrize(
        "address", [LIST, "/admin/chat/turn/", "/admin/chat/feedback/?o=-1", f"{LIST}?state=queued"]
    )
    def test_nothing_counts_or_sorts_the_whole_table(self, admin_client: Client, address: str) -> None:
        """Every statement that reads the list's table goes by an index, or ends after a bounded number of rows."""
        # More than one page of each.
        conversation = long_conversation(60)
        Conversation.objects.bulk_create(Conversation(session_id="s2", state="queued") for _ in range(60))
        answers = conversation.messages.filter(role="assistant")
        Feedback.objects.bulk_create(Feedback(conversation=conversation, message=each, rating=-1) for each in answers)
        with CaptureQueriesContext(connection) as asked:
            assert admin_client.get(address).status_code == 200
        table = {"conversation": "chat_conversation", "turn": "chat_turn", "feedback": "chat_feedback"}
        name = table[address.split("/")[3]]
        reads = [query["sql"] for query in asked.captured_queries if f'FROM "{name}"' in query["sql"]]
        assert reads
        for sql in reads:
            outer = sql[: sql.index(f'FROM "{name}"')]
            assert "COUNT(" not in outer.split("(SELECT")[0], sql
            assert "DISTINCT" not in outer, sql
            assert re.search(r"LIMIT \d+$", sql), sql
            if connection.vendor == "sqlite":
                assert not _reads_whole(sql, name), sql

    @pytest.mark.parametrize("term", ["question 1", "alice", "s1"])
    def test_search_finds_by_words_customer_and_session(self, admin_client: Client, term: str) -> None:
        conversation = long_conversation(2)
        Conversation.objects.create(session_id="s2")
        assert list(admin_client.get(LIST, {"q": term}).context["cl"].queryset) == [conversation]

    def test_search_finds_by_id(self, admin_client: Client) -> None:
        conversation = long_conversation(1)
        turn = Turn.objects.get()
        assert list(admin_client.get(LIST, {"q": str(conversation.pk)}).context["cl"].queryset) == [conversation]
        for term in (turn.pk, conversation.pk):
            assert list(admin_client.get("/admin/chat/turn/", {"q": str(term)}).context["cl"].queryset) == [turn]
        assert not admin_client.get("/admin/chat/turn/", {"q": "nonsense"}).context["cl"].queryset

    def test_conversations_with_bad_answers(self, admin_client: Client) -> None:
        good, bad = long_conversation(1), long_conversation(1)
        for conversation, rating in ((good, 1), (bad, -1)):
            message = conversation.messages.latest("pk")
            save_feedback(conversation, str(message.public_id), Opinion(rating=rating))
        assert list(admin_client.get(LIST, {"rated": "-1"}).context["cl"].queryset) == [bad]
        assert list(admin_client.get(LIST, {"locale": "ja"}).context["cl"].queryset) == []


def _reads_whole(sql: str, table: str) -> bool:
    """Whether SQLite sorts a table by itself instead of reading an index in the wanted order."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        plan = [row[3] for row in cursor.fetchall()]
    # Rows of the same moment are put in order among themselves: that is the "right part".
    return any(step == f"SCAN {table}" for step in plan) and any(
        step == "USE TEMP B-TREE FOR ORDER BY" for step in plan
    )
