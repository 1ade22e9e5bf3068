"""What becomes of feedback behind the queue: joined, counted once wherever it belongs now, flagged, shown, exported."""

from __future__ import annotations

import csv
import io
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from chat.feedback import Opinion, save_feedback
from chat.feedback_processing import apply_feedback, flag_of
from chat.models import Conversation, Feedback, FeedbackCount, Message, Turn
from mangaassist.outbox.consumers import MessageRefused
from mangaassist.outbox.models import OutboxMessage
from recommendations.experiments import start
from recommendations.models import Arm, Experiment, Exposure
from tests.mangaassist.downloads import downloaded

pytestmark = pytest.mark.django_db


LIST = "/admin/chat/feedback/"


def answer(
    conversation: Conversation | None = None, *, intent: str = "recommend", said: str = "Try Berserk."
) -> Message:
    conversation = conversation or Conversation.objects.create(customer_id="alice", session_id="s1")
    turn = Turn.objects.create(
        conversation=conversation, status="complete", intent=intent, language="en", engine="ease", generator="composer",
        trace={"steps": [{"step": "memory", "at_ms": 0, "ms": 1}], "cache": [{"kind": "recs", "key": "recs:alice:1", "hit": True}]},
    )  # fmt: skip
    Message.objects.create(conversation=conversation, turn=turn, role="user", content="something dark?")
    return Message.objects.create(
        conversation=conversation, turn=turn, role="assistant", content=said, cards=[{"id": "BERSERK-EN-1"}]
    )


def rate(message: Message, rating: int | None, **more: str) -> Feedback:
    feedback = save_feedback(message.conversation, str(message.public_id), Opinion(rating=rating, **more))
    apply_feedback({"message_id": str(message.public_id)})
    feedback.refresh_from_db()
    return feedback


def counts() -> list[tuple[str, str, int, int]]:
    rows = FeedbackCount.objects.order_by("intent", "arm")
    return [(row.intent, row.engine, row.up, row.down) for row in rows if row.up or row.down]


class TestProcessing:
    def test_it_is_joined_with_how_the_answer_came_about(self) -> None:
        experiment = Experiment.objects.create(name="Popular first")
        arms = [Arm.objects.create(experiment=experiment, name=name) for name in ("a", "b")]
        start(experiment)
        Exposure.objects.create(experiment=experiment, arm=arms[1], owner="alice", first_at=timezone.now())

        feedback = rate(answer(), -1)

        assert feedback.processed_at is not None
        assert feedback.facts == {
            "intent": "recommend", "language": "en", "generator": "composer", "engine": "ease", "latency_ms": None,
            "arms": ["Popular first: b"], "cache": [{"kind": "recs", "key": "recs:alice:1", "hit": True}],
            "cards": ["BERSERK-EN-1"],
        }  # fmt: skip
        assert FeedbackCount.objects.get().arm == "Popular first: b"

    def test_a_changed_mind_moves_and_a_withdrawn_one_goes(self) -> None:
        message = answer()
        rate(message, 1)
        assert counts() == [("recommend", "ease", 1, 0)]
        rate(message, -1)
        assert counts() == [("recommend", "ease", 0, 1)]
        save_feedback(message.conversation, str(message.public_id), Opinion(rating=None))
        assert counts() == []

    def test_the_same_message_twice_or_late_counts_once(self) -> None:
        message = answer()
        rate(message, 1)
        rate(message, -1)
        for _ in range(3):
            apply_feedback({"message_id": str(message.public_id), "rating": 1})
        assert counts() == [("recommend", "ease", 0, 1)]

    def test_each_opinion_in_its_own_bucket(self) -> None:
        rate(answer(), 1)
        rate(answer(), 1)
        rate(answer(intent="faq"), -1)
        assert counts() == [("faq", "ease", 0, 1), ("recommend", "ease", 2, 0)]

    def test_of_an_agents_line_there_is_no_turn(self) -> None:
        conversation = Conversation.objects.create(session_id="s1")
        line = Message.objects.create(conversation=conversation, role="agent", content="Hello, I am Mari.")
        assert rate(line, 1).facts["generator"] == "agent"

    @pytest.mark.parametrize(
        "body", [{}, {"message_id": "x"}, {"message_id": None}, {"message_id": str(uuid.uuid4()), "rating": 1}]
    )
    def test_nonsense_is_refused(self, body: dict[str, Any]) -> None:
        with pytest.raises(MessageRefused):
            apply_feedback(body)


def test_a_comment_of_any_length_is_stored_whole_and_told_as_far_as_it_fits(settings: Any) -> None:
    settings.OUTBOX_WAKE = False
    message = answer()
    comment = "漫画が届かない。" * 20_000
    feedback = save_feedback(message.conversation, str(message.public_id), Opinion(rating=-1, comment=comment))
    assert Feedback.objects.get().comment == comment
    told = OutboxMessage.objects.get(topic="feedback").payload
    assert (told["truncated"], told["feedback_id"]) == (True, str(feedback.pk))
    assert comment.startswith(told["comment"])
    assert 240_000 < len(json.dumps(told, ensure_ascii=False).encode()) < 256 * 1024
    apply_feedback(told)
    assert Feedback.objects.get().flag == Feedback.Flag.COMPLAINT


@pytest.mark.parametrize(
    ("rating", "reason", "comment", "intent", "bad_answers", "flag"),
    [
        (1, "", "", "recommend", 0, ""),
        (-1, "", "", "recommend", 1, ""),
        (-1, "wrong_facts", "", "recommend", 1, "wrong_facts"),
        (-1, "", "", "order_status", 1, "order"),
        (-1, "", "", "faq", 2, "repeated"),
        (-1, "", "My book arrived DAMAGED", "faq", 1, "complaint"),
        (1, "", "nice bot, but I want a refund", "faq", 0, "complaint"),
        (-1, "", "本が破損していました", "faq", 1, "complaint"),
        (-1, "not_what_i_wanted", "I like unbroken stories", "recommend", 1, ""),
        (None, "", "", "order_status", 0, ""),
    ],
)
def test_what_needs_a_person(
    rating: int | None, reason: str, comment: str, intent: str, bad_answers: int, flag: str
) -> None:
    feedback = Feedback(rating=rating, reason=reason, comment=comment, facts={"intent": intent})
    assert flag_of(feedback, bad_answers=bad_answers) == flag


class TestAdmin:
    def test_what_needs_a_person_is_found_and_ticked_off(self, admin_client: Client) -> None:
        wrong, fine = rate(answer(), -1, reason="wrong_facts"), rate(answer(), 1)

        def shown() -> set[Any]:
            return {each.pk for each in admin_client.get(LIST, {"open": "yes"}).context["cl"].queryset}

        assert shown() == {wrong.pk}
        chosen = [str(wrong.pk), str(fine.pk)]
        page = admin_client.post(LIST, {"action": "mark_handled", "_selected_action": chosen}, follow=True)
        assert "Handled: 1." in page.content.decode()
        assert shown() == set()
        wrong.refresh_from_db()
        assert wrong.handled_by == "admin"

    def test_another_reason_to_look_opens_it_again(self) -> None:
        message = answer()
        feedback = rate(message, -1, reason="wrong_facts")
        Feedback.objects.update(handled_at=timezone.now(), handled_by="admin")
        rate(message, -1, reason="wrong_facts", comment="still wrong")
        feedback.refresh_from_db()
        assert feedback.handled_at is not None
        rate(message, -1, comment="I want a refund")
        feedback.refresh_from_db()
        assert feedback.flag == "complaint"
        assert feedback.handled_at is None

    def test_the_turn_stands_beside_it(self, admin_client: Client) -> None:
        feedback = rate(answer(said="Try <b>Berserk</b>."), -1, comment="no & no")
        page = admin_client.get(f"{LIST}{feedback.pk}/change/").content.decode()
        for text in ("something dark?", "Try &lt;b&gt;Berserk", "no &amp; no", "recs:alice:1", "ease"):
            assert text in page

    @pytest.mark.parametrize(
        "query", [{"message__turn__intent": "recommend"}, {"rating__exact": "-1"}, {"message__turn__engine": "ease"}]
    )
    def test_filters(self, admin_client: Client, query: dict[str, str]) -> None:
        rate(answer(), -1)
        rate(answer(intent="faq"), 1)
        Turn.objects.filter(intent="faq").update(engine="")
        assert len(admin_client.get(LIST, query).context["cl"].queryset) == 1

    def test_counts_stand_above_the_list(self, admin_client: Client) -> None:
        for rating in (1, 1, 1, -1):
            rate(answer(), rating)
        FeedbackCount.objects.create(day=timezone.now().date() - timedelta(days=60), intent="faq", down=5)
        page = admin_client.get(LIST).content.decode()
        assert "75 %" in page
        assert "good: 3 of 4" in page

    @pytest.mark.django_db(transaction=True)
    def test_a_csv_that_no_spreadsheet_runs(self, admin_client: Client) -> None:
        chosen = [rate(answer(said="『ベルセルク』をどうぞ"), -1, comment="=HYPERLINK(1)"), rate(answer(), 1)]
        response = admin_client.post(LIST, {"action": "export_csv", "_selected_action": [str(f.pk) for f in chosen]})
        text = downloaded(response).decode("utf-8-sig")
        rows = {row["comment"]: row for row in csv.DictReader(io.StringIO(text))}
        assert set(rows) == {"'=HYPERLINK(1)", ""}
        assert rows["'=HYPERLINK(1)"]["answer"] == "『ベルセルク』をどうぞ"
        assert rows[""]["question"] == "something dark?"
        assert (rows[""]["intent"], rows[""]["engine"], rows[""]["rating"]) == ("recommend", "ease", "1")

    def test_who_may_not_look_sees_nothing(self, client: Client) -> None:
        user = User.objects.create_user("packer", password="x", is_staff=True)
        client.force_login(user)
        assert client.get(LIST).status_code == 403
        user.user_permissions.add(Permission.objects.get(codename="view_feedback"))
        assert client.get(LIST).status_code == 200


def test_a_message_of_a_later_schema_is_taken_when_it_names_its_answer() -> None:
    message = answer()
    save_feedback(message.conversation, str(message.public_id), Opinion(rating=1))
    apply_feedback({"schema": 2, "message_id": str(message.public_id), "mood": {"joy": 0.9}})
    assert Feedback.objects.get().processed_at is not None
    with pytest.raises(MessageRefused, match=r"schema: 2"):
        apply_feedback({"schema": 2, "answer_id": str(message.public_id)})
