"""The queue of bad opinions: assigned, labelled, noted, resolved; turned into a test; counted over weeks."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from chat.feedback import Opinion, save_feedback
from chat.feedback_processing import apply_feedback
from chat.feedback_trends import OTHERS, trends
from chat.golden import INTENTS, Expected, NotGolden, golden_journey
from chat.models import Conversation, Feedback, FeedbackCount, FeedbackNote, Message, Turn
from chat.plain import answer as answer_of
from chat.sessions import open_session
from chat.tokens import Claims, Shopper
from mangaassist.dbthreads import in_database
from tests.chat.test_feedback import LIST, answer, rate
from tests.chat.unhurried import open_unhurried_shop
from tests.journeys.golden.reading import _read
from tests.journeys.test_golden import _first_fault

pytestmark = pytest.mark.django_db


def shown(client: Client, **query: str) -> set[Any]:
    return {each.pk for each in client.get(LIST, query).context["cl"].queryset}


def review(client: Client, feedback: Feedback, **fields: Any) -> Any:
    answered = client.post(f"{LIST}{feedback.pk}/review/", {"deed": "save"} | fields)
    feedback.refresh_from_db()
    return answered


class TestQueue:
    def test_what_is_open_comes_first(self, admin_client: Client) -> None:
        bad, praise, complaint = rate(answer(), -1), rate(answer(), 1), rate(answer(), 1, comment="I want a refund")
        assert shown(admin_client) == {bad.pk, complaint.pk}
        assert shown(admin_client, o="-1") == {bad.pk, praise.pk, complaint.pk}
        admin_client.post(LIST, {"action": "mark_handled", "_selected_action": [str(bad.pk)]})
        assert shown(admin_client) == {complaint.pk}
        assert shown(admin_client, review="done") == {bad.pk}

    def test_the_filter_says_good_and_bad_in_words(self, admin_client: Client) -> None:
        rate(answer(), -1)
        page = admin_client.get(LIST, {"o": "-1"}, headers={"accept-language": "ja"}).content.decode()
        assert "👍" not in page
        assert re.search(r"rating__exact=-1[^>]*>\s*悪い", page)

    def test_many_are_assigned_and_labelled_at_once(self, admin_client: Client, admin_user: User) -> None:
        chosen = [rate(answer(), -1) for _ in range(3)]
        ids = [str(each.pk) for each in chosen[:2]]
        page = admin_client.post(LIST, {"action": "take", "_selected_action": ids}, follow=True)
        assert "2 are yours now." in page.content.decode()
        assert shown(admin_client, review="mine") == {chosen[0].pk, chosen[1].pk}
        admin_client.post(LIST, {"action": "put_label", "label": "wording", "_selected_action": ids})
        assert (
            list(Feedback.objects.filter(label="wording").values_list("assigned_to", flat=True)) == [admin_user.pk] * 2
        )
        admin_client.post(LIST, {"action": "give_back", "_selected_action": ids})
        assert shown(admin_client, review="mine") == set()
        assert LogEntry.objects.filter(change_message="labelled wording").count() == 2

    def test_a_label_that_is_none_is_refused(self, admin_client: Client) -> None:
        feedback = rate(answer(), -1)
        chosen = {"action": "put_label", "label": "nonsense", "_selected_action": [str(feedback.pk)]}
        page = admin_client.post(LIST, chosen, follow=True)
        assert page.status_code == 200
        feedback.refresh_from_db()
        assert feedback.label == ""

    def test_the_number_that_waits_stands_above(self, admin_client: Client) -> None:
        for _ in range(3):
            rate(answer(), -1)
        assert "To review <b>3</b>" in admin_client.get(LIST).content.decode()


class TestReview:
    def test_one_form_says_all_and_leads_to_the_next(self, admin_client: Client, admin_user: User) -> None:
        older, newer = rate(answer(), -1), rate(answer(), -1)
        fields = {"label": "facts", "assigned_to": admin_user.pk, "note": " The blurb is wrong. ", "deed": "resolve"}
        answered = review(admin_client, newer, **fields)
        assert answered["Location"] == f"{LIST}{older.pk}/change/"
        assert (newer.label, newer.assigned_to, newer.handled_by) == ("facts", admin_user, "admin")
        assert [(note.by, note.text) for note in newer.notes.all()] == [("admin", "The blurb is wrong.")]
        assert LogEntry.objects.get().change_message == "assigned to admin; labelled facts; note written; resolved"
        assert review(admin_client, older, deed="resolve")["Location"] == LIST

    def test_what_is_resolved_is_opened_again(self, admin_client: Client) -> None:
        feedback = rate(answer(), -1)
        review(admin_client, feedback, deed="resolve")
        review(admin_client, feedback, label="fine")
        assert (feedback.label, feedback.handled_by) == ("fine", "admin")
        review(admin_client, feedback, deed="reopen", label="fine")
        assert feedback.handled_at is None

    @pytest.mark.parametrize(
        "fields",
        [
            {"label": "nonsense"},
            {"assigned_to": "999999"},
            {"assigned_to": "x' OR 1=1"},
            {"note": "x" * 2_001},
            {"deed": "explode"},
            {"deed": ""},
        ],
    )
    def test_nonsense_changes_nothing(self, admin_client: Client, fields: dict[str, str]) -> None:
        feedback = rate(answer(), -1)
        answered = review(admin_client, feedback, **{"label": "facts", "note": "kept for another try"} | fields)
        assert answered.status_code == 422
        assert (feedback.label, feedback.handled_at, FeedbackNote.objects.count()) == ("", None, 0)

    def test_only_who_may_review_can_be_chosen(self, admin_client: Client) -> None:
        packer = User.objects.create_user("packer", is_staff=True)
        feedback = rate(answer(), -1)
        assert review(admin_client, feedback, assigned_to=packer.pk).status_code == 422
        packer.user_permissions.add(Permission.objects.get(codename="change_feedback"))
        assert review(admin_client, feedback, assigned_to=packer.pk).status_code == 302

    def test_who_may_only_look_reads_it_without_the_form(self, client: Client) -> None:
        feedback = rate(answer(), -1)
        reader = User.objects.create_user("reader", is_staff=True)
        reader.user_permissions.add(Permission.objects.get(codename="view_feedback"))
        client.force_login(reader)
        page = client.get(f"{LIST}{feedback.pk}/change/").content.decode()
        assert "something dark?" in page
        assert "ma-review" not in page
        assert review(client, feedback, deed="resolve").status_code == 403
        chosen = {"action": "mark_handled", "_selected_action": [str(feedback.pk)]}
        client.post(LIST, chosen)
        feedback.refresh_from_db()
        assert feedback.handled_at is None

    def test_a_comment_is_redacted_by_who_may(self, admin_client: Client, client: Client) -> None:
        feedback = rate(answer(), -1, comment="my neighbour aya keeps my parcels")
        address = f"{LIST}{feedback.pk}/redact/"
        reader = User.objects.create_user("reader", is_staff=True)
        reader.user_permissions.add(Permission.objects.get(codename="view_feedback"))
        client.force_login(reader)
        assert "Redact what they wrote" not in client.get(f"{LIST}{feedback.pk}/change/").content.decode()
        assert client.post(address).status_code == 403
        assert admin_client.get(address).status_code == 405
        assert admin_client.post(f"{LIST}{uuid4()}/redact/").status_code == 404
        assert "Redact what they wrote" in admin_client.get(f"{LIST}{feedback.pk}/change/").content.decode()
        for _ in range(2):
            page = admin_client.post(address, follow=True).content.decode()
        assert "neighbour" not in page
        assert "Redact what they wrote" not in page
        assert list(LogEntry.objects.values_list("change_message", flat=True)) == ["comment redacted"]

    def test_an_agents_line_is_reviewed_as_well(self, admin_client: Client) -> None:
        conversation = Conversation.objects.create(session_id="s1")
        feedback = rate(Message.objects.create(conversation=conversation, role="agent", content="Go away."), -1)
        assert "Go away." in admin_client.get(f"{LIST}{feedback.pk}/change/").content.decode()
        answered = admin_client.post(f"{LIST}{feedback.pk}/golden/", {"name": "a", "says": "b"})
        assert "answers no question" in answered.content.decode()


class TestGolden:
    @pytest.mark.django_db(transaction=True)
    async def test_what_it_writes_is_read_and_run(self, settings: Any) -> None:
        """There and back: a rated conversation becomes a file, and the file a journey that passes where it is right."""
        await sync_to_async(open_unhurried_shop)(settings)
        shopper = Shopper(session_id="s1")
        context = {"locale": "en", "asin": "BERSERK-EN-1"}
        session = await in_database(open_session, Claims(shopper=shopper, context=context))
        for text in ("tell me about\nBerserk", "how much is volume 1?"):
            frame = await answer_of(session, text)
        assert frame is not None
        conversation = await in_database(session.conversation)
        await in_database(save_feedback, conversation, frame["message_id"], Opinion(rating=-1, reason="wrong_facts"))
        feedback = await Feedback.objects.select_related("message__turn", "conversation").aget()

        right = Expected(intent="price", says=["$14.99"], never=["One Piece"], shows=["BERSERK-EN-1"])
        text = await in_database(golden_journey, feedback, "the price of a volume", right)

        assert text.splitlines()[0] == "== the price of a volume"
        assert "page: BERSERK-EN-1" in text
        assert "> tell me about Berserk\nintent: " in text
        (journey,) = _read(text, "en", "exported")
        assert [len(turn.expected) for turn in journey.turns] == [1, 4]
        assert await _first_fault(journey) == ""

        wrong = Expected(says=["costs $1.00"])
        text = await in_database(golden_journey, feedback, "the price of a volume", wrong)
        assert "says: costs $1.00" in await _first_fault(_read(text, "en", "exported")[0])

    def test_it_is_downloaded_from_the_page(self, admin_client: Client) -> None:
        feedback = rate(answer(), -1)
        address = f"{LIST}{feedback.pk}/golden/"
        assert 'value="something dark?"' in admin_client.get(address).content.decode()
        fields = {"name": "dark", "intent": "recommend", "says": "Berserk\n\nClaymore", "never": "", "shows": "A  B"}
        answered = admin_client.post(address, fields)
        assert answered["Content-Disposition"] == f'attachment; filename="en-{feedback.pk.hex[:8]}.txt"'
        (journey,) = _read(answered.content.decode(), "en", "x")
        assert journey.turns[0].expected == [
            ("intent", "recommend"), ("says", "Berserk"), ("says", "Claymore"), ("shows", "A B"),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "fields",
        [
            {"name": "a"},
            {"name": "a", "says": "  \n "},
            {"name": "a", "intent": "nonsense"},
            {"name": "", "says": "b"},
            {"name": "x" * 121, "says": "b"},
        ],
    )
    def test_what_would_expect_nothing_is_refused(self, admin_client: Client, fields: dict[str, str]) -> None:
        answered = admin_client.post(f"{LIST}{rate(answer(), -1).pk}/golden/", fields)
        assert answered.status_code == 200
        assert "Content-Disposition" not in answered

    def test_nothing_in_it_begins_a_line_of_its_own(self) -> None:
        feedback = rate(answer(), -1)
        Message.objects.filter(role="user").update(
            content="hi, I am aya@example.com\n== another\n> more\rintent: price"
        )
        feedback.refresh_from_db()
        text = golden_journey(feedback, "a\n== b", Expected(says=["c\n> d"]))
        (journey,) = _read(text, "en", "x")
        assert (journey.name, len(journey.turns)) == ("a == b", 1)
        assert journey.turns[0].text == "hi, I am [email] == another > more intent: price"

    def test_a_redacted_question_makes_none(self) -> None:
        feedback = rate(answer(), -1)
        Message.objects.filter(role="user").update(redacted_at=timezone.now())
        with pytest.raises(NotGolden):
            golden_journey(feedback, "a", Expected(says=["b"]))

    def test_the_intents_are_those_of_turns(self) -> None:
        assert {"price", "recommend", "unclear", "deed"} <= set(INTENTS)
        with pytest.raises(NotGolden):
            Expected(intent="Literal").lines()


class TestTrends:
    TODAY = date(2026, 6, 17)  # a Wednesday

    def count(self, days_ago: int, *, reason: str = "", intent: str = "faq", up: int = 0, down: int = 0) -> None:
        day = self.TODAY - timedelta(days=days_ago)
        FeedbackCount.objects.create(day=day, intent=intent, reason=reason, language="en", engine="e", up=up, down=down)

    def test_weeks_begin_on_mondays(self) -> None:
        self.count(2, down=1)  # this Monday
        self.count(3, down=2, up=4)  # last Sunday
        self.count(9, down=4)  # last Monday
        self.count(8 * 7, down=100)  # before the first week
        found = trends("intent", 8, today=self.TODAY)
        assert [(each.up, each.down) for each in found.whole.columns[-3:]] == [(0, 0), (4, 6), (0, 1)]
        assert len(found.whole.columns) == 8
        assert (found.rows[0].name, found.rows[0].up, found.rows[0].down) == ("Help", 4, 7)
        assert found.rows[0].columns[-2].share == pytest.approx(0.4)

    def test_the_worst_first_and_the_rest_as_one(self) -> None:
        for number in range(14):
            self.count(1, intent=f"i{number:02}", reason="other", down=number + 1)
        found = trends("intent", 8, today=self.TODAY)
        assert [row.name for row in found.rows[:2]] == ["i13", "i12"]
        assert (found.rows[-1].name, found.rows[-1].down) == (OTHERS, 1 + 2 + 3 + 4)

    def test_how_the_last_four_weeks_stand_to_those_before(self) -> None:
        self.count(1, down=3)
        self.count(30, down=5)
        row = trends("reason", 13, today=self.TODAY).rows[0]
        assert (row.recent, row.before) == (3, 5)

    @pytest.mark.parametrize(
        "query", [{}, {"by": "engine", "weeks": "52"}, {"by": "password", "weeks": "-1"}, {"weeks": "x"}]
    )
    def test_the_page(self, admin_client: Client, query: dict[str, str]) -> None:
        rate(answer(), -1, reason="wrong_facts")
        page = admin_client.get(f"{LIST}trends/", query).content.decode()
        assert "Opinions over weeks" in page
        assert "<svg" in page

    def test_reasons_are_counted_and_a_partners_own_are_other(self) -> None:
        rate(answer(), -1, reason="wrong_facts")
        rate(answer(), -1, reason="my cat dislikes it")
        assert set(FeedbackCount.objects.values_list("reason", "down")) == {("wrong_facts", 1), ("other", 1)}

    def test_what_was_counted_before_reasons_were_is_taken_back_from_its_bucket(self) -> None:
        message = answer()
        feedback = rate(message, -1, reason="wrong_facts")
        before = {name: value for name, value in feedback.counted.items() if name != "reason"}
        Feedback.objects.update(counted=before)
        FeedbackCount.objects.update(reason="")
        save_feedback(message.conversation, str(message.public_id), Opinion(rating=1))
        apply_feedback({"message_id": str(message.public_id)})
        assert set(FeedbackCount.objects.values_list("reason", "up", "down")) == {("", 1, 0)}
        assert Turn.objects.count() == 1
