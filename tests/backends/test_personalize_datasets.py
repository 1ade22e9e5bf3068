"""New editions, new shoppers and forgotten histories reach Amazon Personalize: through the outbox, in its own limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from django.db import transaction
from django.utils import timezone
from moto import mock_aws

from mangaassist.outbox.models import OutboxMessage
from mangaassist.outbox.relay import drain
from recommendations import dataset_updates, forgetting, streaming
from recommendations.backends.personalize_datasets import PersonalizeDatasets
from recommendations.checks import personalize_is_configured
from recommendations.export import DATASETS
from recommendations.interactions import NewInteraction, forget_history, join_guest, record_interactions
from shop.models import Edition, Offer, Promotion, Series
from tests.backends.personalize_fake import FakePersonalize, fake_personalize
from tests.shop.catalogue import lay_small_catalogue

pytestmark = pytest.mark.django_db(transaction=True)

BERSERK = "BERSERK-EN-1"
DATASET = "arn:aws:personalize:us-east-1:123456789012:dataset/shop/"
GROUP = "arn:aws:personalize:us-east-1:123456789012:dataset-group/shop"
ROLE = "arn:aws:iam::123456789012:role/personalize-reads"
OPTIONS = {
    "campaign_arn": "arn:aws:personalize:us-east-1:123456789012:campaign/x",
    "items_dataset_arn": f"{DATASET}ITEMS",
    "users_dataset_arn": f"{DATASET}USERS",
    "dataset_group_arn": GROUP,
    "deletion_location": "s3://forgotten/shoppers/",
    "deletion_role_arn": ROLE,
    "region": "us-east-1",
}


def configure(settings: Any, **options: str) -> None:
    backend = "recommendations.backends.personalize.PersonalizeRecommender"
    settings.RECOMMENDERS = {"default": {"BACKEND": backend, "OPTIONS": OPTIONS | options}}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[FakePersonalize]:
    lay_small_catalogue()
    with fake_personalize() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL_PERSONALIZE_EVENTS", fake.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_PERSONALIZE", fake.url)
        settings.OUTBOX_WAKE = False
        configure(settings)
        for made in (dataset_updates._datasets, forgetting._deletion):
            made.cache_clear()
        yield fake
        for made in (dataset_updates._datasets, forgetting._deletion):
            made.cache_clear()


def waiting(topic: str) -> list[dict[str, Any]]:
    rows = OutboxMessage.objects.filter(topic=topic, status=OutboxMessage.Status.WAITING).order_by("created_at")
    return [row.payload for row in rows]


def items_told(fake: FakePersonalize) -> dict[str, dict[str, Any]]:
    drain(dataset_updates.ITEM_TOPIC)
    return {each["itemId"]: json.loads(each["properties"]) for call in fake.asked for each in call.get("items", ())}


def seen(**more: Any) -> NewInteraction:
    return NewInteraction(**({"asin": BERSERK, "type": "view"} | more))


class TestEditions:
    def test_a_changed_edition_is_told_as_the_export_would(self, service: FakePersonalize) -> None:
        edition = Edition.objects.get(pk=BERSERK)
        edition.format = "hardcover"
        edition.save()

        told = items_told(service)

        assert set(told) == {BERSERK}
        assert service.last["datasetArn"] == f"{DATASET}ITEMS"
        item = told[BERSERK]
        assert (item["format"], item["language"], item["inStock"]) == ("hardcover", "en", "true")
        assert item["creationTimestamp"] == int(edition.series.updated_at.timestamp())
        columns = {column.name.lower().replace("_", "") for column in DATASETS[1].columns[1:]}
        assert {name.lower() for name in item} <= columns
        assert "" not in item.values()

    def test_what_is_sold_out_and_an_ebook_that_never_is(self, service: FakePersonalize) -> None:
        Offer.objects.filter(pk=BERSERK).update(stock=0)
        Offer.objects.filter(pk="BERSERK-EN-3").update(stock=None)

        told = items_told(service)

        assert (told[BERSERK]["inStock"], told["BERSERK-EN-3"]["inStock"]) == ("false", "true")

    def test_a_changed_series_is_told_with_all_its_editions_ten_at_a_time(self, service: FakePersonalize) -> None:
        for number in range(12):
            Edition.objects.create(
                asin=f"EXTRA-{number}", series_id="berserk", title="x", language="en", format="ebook"
            )
        OutboxMessage.objects.all().delete()
        series = Series.objects.get(pk="berserk")
        series.genres = ["horror"]
        series.save()

        told = items_told(service)

        assert {item["genres"] for item in told.values()} == {"horror"}
        assert set(told) == set(Edition.objects.filter(series="berserk").values_list("pk", flat=True))
        assert all(len(call["items"]) <= 10 for call in service.asked)

    def test_what_was_rolled_back_is_not_told(self, service: FakePersonalize) -> None:
        with transaction.atomic():
            Edition.objects.filter(pk=BERSERK).update(format="hardcover")
            transaction.set_rollback(True)

        assert waiting(dataset_updates.ITEM_TOPIC) == []

    def test_what_is_gone_meanwhile_is_left_out(self, service: FakePersonalize) -> None:
        Edition.objects.create(asin="GONE", series_id="berserk", title="x", language="en", format="ebook")
        Edition.objects.filter(pk="GONE").delete()

        assert "GONE" not in items_told(service)
        assert waiting(dataset_updates.ITEM_TOPIC) == []

    def test_a_promotion_changes_no_item(self, service: FakePersonalize) -> None:
        now = timezone.now()
        Promotion.objects.create(id="p", title="Sale", percent_off=10, starts=now, ends=now + timedelta(days=1))

        assert waiting(dataset_updates.ITEM_TOPIC) == []

    def test_one_that_the_service_never_takes_holds_no_other_back(self, service: FakePersonalize) -> None:
        service.refused_items = {BERSERK}
        Edition.objects.filter(series="berserk").update(format="hardcover")

        told = items_told(service)

        assert "BERSERK-EN-3" in told
        (row,) = OutboxMessage.objects.filter(topic=dataset_updates.ITEM_TOPIC).exclude(status="done")
        assert "InvalidInputException" in row.error

    def test_an_outage_loses_nothing(self, service: FakePersonalize) -> None:
        service.failure = (400, "ResourceInUseException")
        Edition.objects.filter(pk=BERSERK).update(format="hardcover")
        drain(dataset_updates.ITEM_TOPIC)
        service.failure = None
        OutboxMessage.objects.update(due_at=timezone.now())

        assert BERSERK in items_told(service)

    def test_without_a_dataset_nothing_is_written_down(self, service: FakePersonalize, settings: Any) -> None:
        configure(settings, items_dataset_arn="", users_dataset_arn="")
        Edition.objects.filter(pk=BERSERK).update(format="hardcover")
        record_interactions([seen(session_id="s1")])

        assert waiting(dataset_updates.ITEM_TOPIC) == waiting(dataset_updates.USER_TOPIC) == []

    def test_what_is_longer_than_the_service_takes_is_not_sent(self, service: FakePersonalize) -> None:
        failed = PersonalizeDatasets(region="us-east-1").put_items(
            f"{DATASET}ITEMS", {"A": "x" * 32_001, "B" * 257: "{}", "C": "{}"}
        )

        assert set(failed) == {"A", "B" * 257}
        assert [each["itemId"] for each in service.last["items"]] == ["C"]


class TestShoppers:
    def test_a_new_one_is_told_once(self, service: FakePersonalize) -> None:
        record_interactions([seen(session_id="s1"), seen(session_id="s1", type="click"), seen(customer_id="alice")])
        record_interactions([seen(session_id="s1", type="add_to_cart"), seen(customer_id="alice", type="purchase")])
        drain(dataset_updates.USER_TOPIC)

        assert sorted((each["userId"], each["properties"]) for each in service.last["users"]) == [
            ("alice", '{"kind":"customer"}'),
            ("s1", '{"kind":"guest"}'),
        ]
        assert len(service.asked) == 1

    def test_a_guest_who_signs_in_is_a_new_customer(self, service: FakePersonalize) -> None:
        record_interactions([seen(session_id="s1")])
        join_guest("s1", "alice")

        assert [each["user_id"] for each in waiting(dataset_updates.USER_TOPIC)] == ["s1", "alice"]


class TestForgetting:
    @pytest.fixture(autouse=True)
    def bucket(self, service: FakePersonalize) -> Iterator[Any]:
        with mock_aws():
            s3 = boto3.client("s3", region_name="us-east-1")
            s3.create_bucket(Bucket="forgotten")
            forgetting._deletion.cache_clear()
            yield s3

    def test_one_job_forgets_all_names_of_all_who_wait(self, service: FakePersonalize, bucket: Any) -> None:
        record_interactions([seen(session_id="s1")])
        join_guest("s1", "alice")
        record_interactions([seen(session_id="s2")])
        forget_history(customer_id="alice")
        forget_history(session_id="s2")

        drain(forgetting.TOPIC)

        job = service.last
        assert (job["datasetGroupArn"], job["roleArn"]) == (GROUP, ROLE)
        location = job["dataSource"]["dataLocation"]
        assert location == f"s3://forgotten/shoppers/{job['jobName']}.csv"
        file = bucket.get_object(Bucket="forgotten", Key=location.removeprefix("s3://forgotten/"))
        assert file["Body"].read().decode().split() == ["USER_ID", "alice", "s1", "s2"]
        assert service.jobs == [job["jobName"]]

    def test_what_was_about_to_be_told_is_not_told_any_more(self, service: FakePersonalize, settings: Any) -> None:
        configure(settings, tracking_id="track-1")
        record_interactions([seen(session_id="s1"), seen(customer_id="bob")])
        forget_history(session_id="s1")

        assert [each["customer_id"] for each in waiting(streaming.TOPIC)] == ["bob"]
        assert [each["user_id"] for each in waiting(dataset_updates.USER_TOPIC)] == ["bob"]

    def test_when_too_many_jobs_run_it_waits_and_loses_nobody(self, service: FakePersonalize) -> None:
        service.failure = (400, "LimitExceededException")
        forget_history(customer_id="alice")
        drain(forgetting.TOPIC)
        row = OutboxMessage.objects.get(topic=forgetting.TOPIC)
        assert (row.status, row.attempts) == ("waiting", 1)
        assert "LimitExceededException" in row.error

        service.failure = None
        OutboxMessage.objects.update(due_at=timezone.now())
        drain(forgetting.TOPIC)
        row.refresh_from_db()
        assert row.status == "done"

    def test_a_job_that_was_made_before_the_answer_was_lost_is_that_job(self, service: FakePersonalize) -> None:
        forget_history(customer_id="alice")
        drain(forgetting.TOPIC)
        OutboxMessage.objects.update(status="waiting", due_at=timezone.now())
        drain(forgetting.TOPIC)

        assert OutboxMessage.objects.get(topic=forgetting.TOPIC).status == "done"
        assert len(service.jobs) == 1

    def test_without_a_group_nobody_is_told(self, service: FakePersonalize, settings: Any) -> None:
        configure(settings, dataset_group_arn="")
        forget_history(customer_id="alice")

        assert waiting(forgetting.TOPIC) == []


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({}, None),
        ({"items_dataset_arn": "items"}, "PERSONALIZE_ITEMS_DATASET_ARN is not the ARN"),
        ({"ranking_campaign_arn": "x"}, "PERSONALIZE_RANKING_CAMPAIGN_ARN is not the ARN"),
        ({"deletion_role_arn": "arn:aws:iam::12:role/x"}, "PERSONALIZE_DELETION_ROLE_ARN is not the ARN of a role"),
        ({"deletion_location": "forgotten/"}, "write s3://bucket/folder"),
        ({"deletion_location": ""}, "needs PERSONALIZE_DELETION_LOCATION as well"),
        ({"dataset_group_arn": "", "deletion_location": "", "deletion_role_arn": ""}, None),
    ],
)
def test_contradictory_settings_are_said(settings: Any, options: dict[str, str], fault: str | None) -> None:
    configure(settings, **options)

    faults = [str(each.msg) for each in personalize_is_configured(None)]

    assert len(faults) == (0 if fault is None else 1)
    assert fault is None or fault in faults[0]
