"""What was not found is counted behind the answer, and an operator makes an article or a name of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from knowledge.models import Article
from mangaassist.analytics.models import UnansweredCount, UnansweredQuestion
from mangaassist.analytics.tasks import prune
from mangaassist.analytics.unanswered import count, normalised, unanswered
from shop.aliases import AliasRefused, add_alias
from shop.models import Series
from shop.titles import find_mentions
from tests.journeys.shopper import Socket, token
from tests.knowledge.indexing import follow_changes
from tests.shop.catalogue import lay_small_catalogue

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/analytics/unansweredquestion/"


@pytest.fixture(autouse=True)
def no_worker(settings: Any) -> None:
    settings.OUTBOX_WAKE = False


def ask(*questions: str, **hello: Any) -> list[dict[str, Any]]:
    async def shop_visit() -> list[dict[str, Any]]:
        async with Socket() as socket:
            await socket.hello(token(), **hello)
            return [await socket.answer(question) for question in questions]

    answers = async_to_sync(shop_visit)()
    unanswered.flush()
    return answers


def told(question: str, kind: str = "help", **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "language": "en", "question": question, "at": timezone.now(), "nearest": None} | fields


def row(question: str = "do you sell tea?", **fields: Any) -> UnansweredQuestion:
    count([told(question, **fields)])
    return UnansweredQuestion.objects.get(question=question)


# --- From a turn ------------------------------------------------------------------------------------------------------


def test_help_that_is_missing_is_counted_with_the_passage_that_came_nearest() -> None:
    Article.objects.create(slug="returns", locale="en", question="How do I return a book?", body="Within 30 days.")
    Article.objects.create(slug="rental", locale="en", question="Rental of reading rooms", body="We have none.")
    Article.objects.create(slug="gifts", locale="en", question="Do you wrap gifts?", body="Yes.")
    follow_changes()
    ask("What is your policy on recycling of packaging, plastics, cardboard and rental?")
    (found,) = UnansweredQuestion.objects.all()
    assert (found.kind, found.language, found.asked) == ("help", "en", 1)
    assert found.question.startswith("what is your policy on recycling")
    assert (found.nearest, found.nearest_ref, found.nearest_by) == (
        "Rental of reading rooms",
        "article rental/en",
        "words",
    )
    assert found.nearest_score is not None
    assert 0 < found.nearest_score < 0.34


def test_a_title_that_the_shop_does_not_know_is_counted_with_the_nearest_one_until_it_is_a_name() -> None:
    lay_small_catalogue()
    ask("Do you have Bersercus Maximus?")
    (found,) = UnansweredQuestion.objects.all()
    assert (found.kind, found.question) == ("title", "bersercus maximus")
    assert (found.nearest, found.nearest_ref, found.nearest_by) == ("Berserk", "berserk", "spelling")
    assert add_alias("berserk", "Bersercus Maximus")
    (answer,) = ask("Do you have Bersercus Maximus?")
    assert answer["cards"]
    assert UnansweredQuestion.objects.get().asked == 1


def test_what_was_answered_is_not_counted() -> None:
    lay_small_catalogue()
    follow_changes()
    ask("Hello", "Do you have Berserk?", "Can you gift wrap my order?")
    # Asked back, and a name of nothing.
    ask("next volume please")
    assert not UnansweredQuestion.objects.exists()


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("  Do you  sell ＴＥＡ？", "do you sell tea?"),
        ("Write to taro@example.com", "write to [email]"),
        ("where is MA-10001", "where is [order]"),
        ("お茶は ありますか", "お茶は ありますか"),
        ("x" * 900, "x" * 300),
    ],
)
def test_how_a_question_is_kept(said: str, kept: str) -> None:
    assert normalised(said) == kept


# --- Rows -------------------------------------------------------------------------------------------------------------


def test_the_same_question_is_one_row_for_each_language_and_kind() -> None:
    count([told("do you sell tea?"), told("do you sell tea"), told("do you sell tea?", language="ja")])
    count([told("do you sell tea?"), told("do you sell tea?", kind="other")])
    rows = UnansweredQuestion.objects.order_by("language", "kind").values_list("language", "kind", "asked")
    assert list(rows) == [("en", "help", 3), ("en", "other", 1), ("ja", "help", 1)]


def test_what_was_handled_and_is_asked_again_is_open_again() -> None:
    first = row()
    UnansweredQuestion.objects.update(handled_at=timezone.now(), handled_by="op")
    assert row().handled_at is None
    again = UnansweredQuestion.objects.get()
    assert again.first_asked_at == first.first_asked_at < again.last_asked_at


def test_there_are_at_most_so_many_and_the_least_asked_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UnansweredQuestion, "MOST", 3)
    count([told(name) for name in ("aa", "bb", "bb", "cc")])
    count([told("dd"), told("bb")])
    assert {each.question: each.asked for each in UnansweredQuestion.objects.all()} == {"aa": 1, "bb": 3, "cc": 1}
    monkeypatch.setattr(UnansweredQuestion, "MOST", 1)
    prune()
    assert [each.question for each in UnansweredQuestion.objects.all()] == ["bb"]


def test_each_day_is_counted_for_itself_and_forgotten_in_its_time(settings: Any) -> None:
    settings.TIME_ZONE, settings.ANALYTICS_KEPT_DAYS = "Asia/Tokyo", 30
    now = timezone.now().replace(hour=12)
    days_ago = {days: told("tea", at=now - timedelta(days=days)) for days in (0, 1, 40)}
    count([days_ago[40], days_ago[1], days_ago[1], days_ago[0]])
    count([days_ago[1]])
    today = timezone.localdate(now)
    counts = UnansweredCount.objects.order_by("-day").values_list("day", "asked")
    assert list(counts) == [(today, 1), (today - timedelta(days=1), 3), (today - timedelta(days=40), 1)]
    prune()
    assert [asked for _day, asked in counts.all()] == [1, 3]
    assert UnansweredQuestion.objects.get().asked == 5


def test_what_nobody_asks_any_more_is_forgotten(settings: Any) -> None:
    settings.ANALYTICS_KEPT_DAYS = 30
    long_ago: datetime = timezone.now() - timedelta(days=31)
    count([told("old", at=long_ago), told("new")])
    prune()
    assert [each.question for each in UnansweredQuestion.objects.all()] == ["new"]


# --- The operator -----------------------------------------------------------------------------------------------------


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("op"))
    return client


@pytest.fixture
def reader() -> Client:
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_unansweredquestion"))
    client = Client()
    client.force_login(user)
    return client


def questions_on(page: Any) -> list[str]:
    return [each.question for each in page.context["cl"].result_list]


def act(client: Client, action: str, *rows: UnansweredQuestion) -> Any:
    return client.post(LIST, {"action": action, "_selected_action": [each.pk for each in rows]})


def test_the_list_is_by_volume_and_narrows_to_a_language_and_a_kind(operator: Client) -> None:
    count([told("once"), *[told("often")] * 3, *[told("お茶", language="ja")] * 2, told("zorblax", kind="title")])
    assert questions_on(operator.get(LIST))[:2] == ["often", "お茶"]
    assert questions_on(operator.get(LIST, {"language__exact": "ja"})) == ["お茶"]
    assert questions_on(operator.get(LIST, {"kind__exact": "title"})) == ["zorblax"]
    UnansweredQuestion.objects.filter(question="often").update(handled_at=timezone.now())
    assert "often" not in questions_on(operator.get(LIST, {"handled": "no"}))


def test_the_list_asks_the_same_few_questions_of_the_database_however_many_rows_there_are(operator: Client) -> None:
    def asked_for(page: Callable[[], Any]) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page()
        return len(queries)

    count([told(f"question {number}") for number in range(3)])
    operator.get(LIST)
    few = asked_for(lambda: operator.get(LIST))
    count([told(f"question {number}", kind="title") for number in range(400)])
    assert asked_for(lambda: operator.get(LIST)) == few < 15


def test_each_row_has_its_trend_and_its_next_steps_one_click_away(operator: Client, reader: Client) -> None:
    now = timezone.now()
    count([told("tea", at=now - timedelta(days=days)) for days in (0, 0, 3, 8, 20)])
    count([told("berzelk", kind="title")])
    tea, name = (UnansweredQuestion.objects.get(question=question) for question in ("tea", "berzelk"))
    page = operator.get(LIST).content.decode()
    assert "3 this week, 1 the week before" in page
    draft, alias = "/admin/knowledge/article/add/?question=Tea", f"{LIST}{tea.pk}/alias/"
    assert f'<a class="ma-step" href="{draft}&amp;locale=en&amp;slug=tea">' in page
    # Of a title the name comes first.
    assert page.index(f"{LIST}{name.pk}/alias/") < page.index("?question=Berzelk")
    assert page.index(draft) < page.index(alias)
    assert "ma-step" not in reader.get(LIST).content.decode()


def test_questions_are_grouped_by_what_came_nearest(operator: Client) -> None:
    near = {"title": "Tea and cake", "kind": "article", "ref": "tea/en", "score": 0.31, "by": "words"}
    count([told(question, nearest=near) for question in ("tea?", "tea?", "any tea at all")])
    count([told("alone"), told("cake?", nearest=near | {"title": "Cakes", "ref": "cakes/en"})])
    page = operator.get(LIST)
    groups = [(group.nearest, group.wordings, group.asked) for group in page.context["groups"]]
    assert groups == [("Tea and cake", 2, 3), ("Cakes", 1, 1)]
    words = page.content.decode()
    assert "asked 3 times · 2 wordings" in words
    assert "asked once · 1 wording<" in words
    narrowed = operator.get(f"{LIST}?{page.context['groups'][0].filter}")
    assert sorted(questions_on(narrowed)) == ["any tea at all", "tea?"]
    UnansweredQuestion.objects.update(handled_at=timezone.now())
    assert operator.get(LIST).context["groups"] == []


def test_an_article_is_drafted_with_the_question_filled_in(operator: Client) -> None:
    answer = act(operator, "draft_article", row("can i book a signing?"))
    form = operator.get(answer["Location"]).context["adminform"].form
    assert form.initial["question"] == "Can i book a signing?"
    assert (form.initial["slug"], form.initial["locale"]) == ("can-i-book-a-signing", "en")
    page = operator.get(f"{LIST}{UnansweredQuestion.objects.get().pk}/change/")
    assert answer["Location"].encode().replace(b"&", b"&amp;") in page.content


def test_several_questions_make_no_article(operator: Client) -> None:
    answer = act(operator, "draft_article", row("aa"), row("bb"))
    assert answer["Location"].startswith(LIST)


def test_a_title_becomes_a_name_of_a_series(operator: Client) -> None:
    lay_small_catalogue()
    question = row("berzelk", kind="title")
    assert (question.nearest_ref, question.nearest) == ("berserk", "Berserk")
    answer = act(operator, "add_as_alias", question)
    page = operator.get(answer["Location"])
    assert page.context["form"].initial["series"] == Series.objects.get(pk="berserk")
    answer = operator.post(answer["Location"], {"alias": "berzelk", "series": "berserk"})
    assert answer["Location"] == LIST
    assert "berzelk" in Series.objects.get(pk="berserk").aliases
    assert [(each.id, each.exact) for each in find_mentions("Do you have berzelk?")] == [("berserk", True)]
    question.refresh_from_db()
    assert (question.alias_of_id, question.handled_by) == ("berserk", "op")
    assert question.handled_at is not None


@pytest.mark.parametrize(
    ("alias", "series", "fault"),
    [
        ("", "berserk", "This field is required"),
        ("x" * 201, "berserk", "at most 200"),
        ("?", "berserk", "2 to 200 characters"),
        ("berzelk", "unknown", "valid choice"),
        ("berzelk", "", "This field is required"),
        ("frieren", "berserk", "is a name of Frieren"),
    ],
)
def test_what_is_no_name_is_said_and_changes_nothing(operator: Client, alias: str, series: str, fault: str) -> None:
    lay_small_catalogue()
    before = Series.objects.get(pk="berserk").aliases
    question = row("berzelk", kind="title")
    page = operator.post(f"{LIST}{question.pk}/alias/", {"alias": alias, "series": series})
    assert page.status_code == 200
    assert fault in page.content.decode()
    assert Series.objects.get(pk="berserk").aliases == before
    question.refresh_from_db()
    assert question.handled_at is None


def test_a_name_is_added_once_and_never_taken_from_another_series() -> None:
    lay_small_catalogue()
    assert add_alias("berserk", "The  Black Swordsman")
    assert not add_alias("berserk", "the black swordsman!")
    assert "The Black Swordsman" in Series.objects.get(pk="berserk").aliases
    with pytest.raises(AliasRefused):
        add_alias("frieren", "The Black Swordsman")


def test_who_may_only_look_makes_neither_articles_nor_names(reader: Client) -> None:
    lay_small_catalogue()
    question = row("berzelk", kind="title")
    page = reader.get(LIST)
    assert page.status_code == 200
    assert page.context["action_form"] is None
    assert reader.post(f"{LIST}{question.pk}/alias/", {"alias": "berzelk", "series": "berserk"}).status_code == 403
    assert reader.get(f"{LIST}{question.pk}/alias/").status_code == 403
    assert b"alias" not in reader.get(f"{LIST}{question.pk}/change/").content.replace(b"alias_of", b"")
    assert Client().get(LIST).status_code == 302


def test_a_question_that_is_gone_is_not_found(operator: Client) -> None:
    assert operator.get(f"{LIST}999/alias/").status_code == 404
