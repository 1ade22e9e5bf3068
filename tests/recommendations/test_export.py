"""What Amazon Personalize is trained with."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from recommendations.export import DATASETS, _joined
from recommendations.interactions import NewInteraction, record_interactions
from shop.models import Offer
from tests.recommendations.library import START
from tests.shop.catalogue import lay_small_catalogue

pytestmark = pytest.mark.django_db


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def written(tmp_path: Path) -> Path:
    lay_small_catalogue()
    seen: dict[str, Any] = {"asin": "BERSERK-EN-1", "at": START}
    record_interactions(
        [
            NewInteraction(**seen, type="rating", value=4, customer_id="alice"),
            NewInteraction(**seen, type="view", session_id="guest-1"),
        ]
    )
    Offer.objects.filter(pk="BERSERK-EN-1").update(stock=0)
    call_command("export_personalize", tmp_path / "new" / "folder", stdout=StringIO())
    return tmp_path / "new" / "folder"


def test_interactions_of_customers_and_guests(written: Path) -> None:
    rated, seen = sorted(read(written / "interactions.csv"), key=lambda row: row["USER_ID"])[0:2]
    assert (rated["USER_ID"], rated["EVENT_TYPE"], rated["EVENT_VALUE"]) == ("alice", "rating", "4.0")
    assert (seen["USER_ID"], seen["EVENT_TYPE"], seen["EVENT_VALUE"]) == ("guest-1", "view", "")
    assert rated["TIMESTAMP"] == str(int(START.timestamp()))


def test_items_and_users(written: Path) -> None:
    items = {row["ITEM_ID"]: row for row in read(written / "items.csv")}
    assert items["BERSERK-EN-1"]["GENRES"] == "dark fantasy|action"
    assert items["BERSERK-EN-1"]["IN_STOCK"] == "false"
    assert items["YOTSUBA-EN-1"]["IN_STOCK"] == "true"
    assert {row["USER_ID"]: row["KIND"] for row in read(written / "users.csv")}["guest-1"] == "guest"
    assert not list(written.glob(".*"))


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_a_schema_names_the_columns_of_its_file(written: Path, dataset: Any) -> None:
    schema = json.loads((written / f"{dataset.name.lower()}.schema.json").read_text())
    assert schema["name"] == dataset.name
    rows = read(written / f"{dataset.name.lower()}.csv")
    assert [field["name"] for field in schema["fields"]] == list(rows[0])
    optional = {field["name"] for field in schema["fields"] if "null" in field["type"]}
    for row in rows:
        assert all(value or name in optional for name, value in row.items()), row


def test_many_words_stay_within_the_limit_and_none_is_cut() -> None:
    joined = _joined([f"genre {number} | of many" for number in range(100)])
    assert len(joined) <= 1000
    assert joined.split("|")[-1].endswith("of many")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError):
        call_command("export_personalize", tmp_path / "file", stdout=StringIO())
