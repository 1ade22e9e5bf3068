"""Help found by what a question means: vectors come with a version, and an answer never waits for a model that is away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from caching.behind import behind
from knowledge import meaning
from knowledge.backends.base import EmbedderUnavailable
from knowledge.index import serving_version
from knowledge.models import Article, IndexVersion, Passage
from knowledge.reindexing import embed_the_rest, reindex_everything
from knowledge.search import Passages, asearch_passages
from knowledge.tasks import embed_the_rest as embed_the_rest_task
from mangaassist import breaker
from mangaassist.redis import sync_client
from shop.models import Edition
from tests.backends.embedding_fake import FakeModels, fake_models
from tests.knowledge.indexing import follow_changes
from tests.shop.catalogue import load_small_catalogue

pytestmark = pytest.mark.django_db(transaction=True)

# Nothing of its words is in the article.
MONEY_BACK = "Please refund what I paid"


@pytest.fixture
def models() -> Iterator[FakeModels]:
    meaning.vectors._kept.clear()
    with fake_models() as fake:
        yield fake


@pytest.fixture(autouse=True)
def embedded(settings: Any, models: FakeModels) -> None:
    settings.OUTBOX_WAKE = False
    settings.TURN_LIMITS_S = settings.TURN_LIMITS_S | {"passages": 20.0}
    use_model(settings, models, "bge-m3")
    Article.objects.bulk_create(
        [
            Article(slug="returns", locale="en", question="May I send back books?", body="Within 30 days."),
            Article(slug="shipping", locale="en", question="When does a parcel arrive?", body="Three days."),
            Article(slug="returns", locale="ja", question="返品について", body="30日以内です。"),
        ]
    )
    follow_changes()


def use_model(settings: Any, models: FakeModels, name: str, **options: Any) -> None:
    settings.EMBEDDERS = {
        "default": {
            "BACKEND": "knowledge.backends.openai_embedder.OpenAIEmbedder",
            "OPTIONS": {"base_url": f"{models.url}/v1", "model": name, "floor": 0.5, "answer_within_s": 10.0} | options,
        }
    }


def ask(question: str, locale: str = "en") -> Passages:
    """As the turn does."""

    async def search() -> Passages:
        found = await asearch_passages(question, locale)
        await behind.afinish()
        return found

    return async_to_sync(search)()


def texts(found: Passages) -> list[str]:
    return [passage.text for passage in found.found]


def without_model(question: str, settings: Any) -> list[str]:
    settings.EMBEDDERS = {}
    return texts(ask(question))


@pytest.mark.parametrize(
    ("question", "locale", "text"),
    [
        (MONEY_BACK, "en", "Within 30 days."),
        ("Deliver it when?", "en", "Three days."),
        ("返金してほしい", "ja", "30日以内です。"),
        # Found by its words, whatever it means.
        ("books", "en", "Within 30 days."),
    ],
)
def test_a_question_finds_what_means_the_same(question: str, locale: str, text: str) -> None:
    found = ask(question, locale)
    assert texts(found)[0] == text
    assert found.meaning == "used"
    assert found.found[0].version == serving_version()


def test_without_a_model_words_alone_decide(settings: Any) -> None:
    assert without_model(MONEY_BACK, settings) == []
    assert ask("send back books").meaning == "none"


def test_what_nothing_is_like_is_not_found_and_the_nearest_is_told(models: FakeModels) -> None:
    found = ask("Where is the moon?")
    assert (found.found, found.meaning) == ((), "used")
    assert found.nearest is not None
    assert (found.nearest.by, found.nearest.kind) == ("meaning", "article")
    assert found.nearest.score < 0.5


def test_what_both_rankings_name_stands_before_what_one_names(models: FakeModels) -> None:
    Article.objects.create(slug="gifts", locale="en", question="Refunds of a gift", body="The giver gets a refund.")
    follow_changes()
    assert texts(ask("refund of a gift"))[0] == "The giver gets a refund."


def test_a_question_is_embedded_once_also_when_the_cache_is_lost(models: FakeModels) -> None:
    before = len(models.asked)
    ask(MONEY_BACK)
    ask(MONEY_BACK.upper() + "!")
    ask(MONEY_BACK)
    sync_client("cache").flushall()
    ask(MONEY_BACK)
    assert len(models.asked) == before + 1


def test_no_personal_data_leaves_with_a_question(models: FakeModels) -> None:
    ask("refund to taro@example.com, card 4111 1111 1111 1111, phone +81 90-1234-5678")
    asked = models.texts()[-1]
    assert asked == "refund to [email], card [card], phone [phone]"


def test_only_new_and_changed_passages_are_embedded(models: FakeModels) -> None:
    long = "\n\n".join(f"Part {number}. " + "We say more of it here. " * 100 for number in range(3))
    article = Article.objects.create(slug="long", locale="en", question="All of it?", body=long)
    follow_changes()
    models.asked.clear()
    article.body = long.replace("Part 2.", "Part two.")
    article.save()
    follow_changes()
    assert [text[:20] for text in models.texts()] == ["All of it?\nPart two."]
    assert Passage.objects.serving().filter(ref="long/en").exclude(vector=None).count() == 3
    reindex_everything(lambda done, of: None)
    assert len(models.texts()) == 1


def test_what_publishers_say_of_products_is_not_embedded(models: FakeModels) -> None:
    load_small_catalogue()
    follow_changes()
    models.asked.clear()
    Edition.objects.update(description="About a refund.")
    follow_changes()
    assert Passage.objects.serving().filter(kind="product").exists()
    assert models.asked == []


def test_another_model_is_never_compared_with_the_vectors_of_the_one_before(settings: Any, models: FakeModels) -> None:
    use_model(settings, models, "e5")
    found = ask(MONEY_BACK)
    assert (found.found, found.meaning) == ((), "no_vectors")
    version = serving_version()
    assert embed_the_rest() == 3
    assert serving_version() > version
    follow_changes()
    assert texts(ask(MONEY_BACK)) == ["Within 30 days."]
    assert set(Passage.objects.serving().values_list("vector_model", flat=True)) == {"e5"}
    assert IndexVersion.objects.get(pk=serving_version()).embedded == 3
    assert embed_the_rest() == 0


def test_a_model_that_is_away_holds_up_no_version_and_is_asked_again(models: FakeModels, monkeypatch: Any) -> None:
    monkeypatch.setattr("knowledge.backends.openai_embedder.PAUSES_S", (0.0, 0.0))
    models.refusals = [(503, "x")] * 99
    Article.objects.create(slug="gifts", locale="en", question="Do you wrap?", body="Of course.")
    follow_changes()
    assert texts(ask("Do you wrap?")) == ["Of course."]
    version = serving_version()
    with pytest.raises(EmbedderUnavailable):
        embed_the_rest()
    embed_the_rest_task()
    assert serving_version() == version
    assert IndexVersion.objects.filter(status="failed").count() == 0
    breaker.registry["embedder"].reset()
    models.refusals.clear()
    embed_the_rest_task()
    follow_changes()
    assert texts(ask("For a birthday")) == ["Of course."]


def test_a_passage_that_the_model_refuses_is_found_by_its_words(models: FakeModels) -> None:
    models.refuses = lambda text: "ink" in text
    Article.objects.create(slug="ink", locale="en", question="Is the ink safe?", body="It is vegan.")
    Article.objects.create(slug="gifts", locale="en", question="Do you wrap?", body="Of course.")
    follow_changes()
    assert texts(ask("For a birthday")) == ["Of course."]
    found = ask("Is the ink safe?")
    assert (texts(found), found.meaning) == (["It is vegan."], "refused")
    assert embed_the_rest() == 0


def test_a_late_model_costs_its_limit_and_what_is_found_without_it_is_not_kept(
    settings: Any, models: FakeModels
) -> None:
    use_model(settings, models, "bge-m3", answer_within_s=0.05)
    models.go.clear()
    found = ask("send back books, refund")
    assert (texts(found), found.meaning) == (["Within 30 days."], "late")
    assert ask(MONEY_BACK).found == ()
    models.go.set()
    use_model(settings, models, "bge-m3")
    breaker.registry["embedder"].reset()
    assert texts(ask(MONEY_BACK)) == ["Within 30 days."]


def test_a_model_that_fails_again_and_again_is_left_alone_for_a_while(models: FakeModels) -> None:
    models.refusals = [(500, "x")] * 99
    before = len(models.asked)
    told = [ask(f"refund number {number}").meaning for number in range(7)]
    assert told == ["failed"] * 5 + ["paused"] * 2
    assert len(models.asked) == before + 5


def test_a_model_whose_vectors_have_other_dimensions_all_at_once_is_not_believed(models: FakeModels) -> None:
    models.means = lambda text: [1.0, 0.0]
    found = ask(MONEY_BACK)
    assert (found.found, found.meaning) == ((), "no_vectors")
