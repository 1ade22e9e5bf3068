"""Training, publishing and loading the model."""

from __future__ import annotations

import random
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from recommendations.artefact import ModelCorrupt, ModelStore, directory, load, models, publish
from recommendations.backends.base import NotTrained, RecommenderQuery
from recommendations.backends.local import LocalEngine
from recommendations.interactions import NewInteraction, record_interactions
from recommendations.promotion import Sample, train_and_publish
from recommendations.tasks import train
from recommendations.training import AlreadyTraining, NothingToLearn, Seen, fit, observe, only_one
from tests.recommendations.library import START, purchase, readers

DAY = 86_400.0
SEEN = [
    ("anna", "b", 1.0, 1 * DAY),
    ("anna", "a", 0.3, 2 * DAY),
    ("anna", "a", 1.0, 0 * DAY),
    ("ben", "a", 1.0, 9 * DAY),
]


class TestObservations:
    def test_one_pair_per_reader_and_item_with_the_strongest_and_the_last(self) -> None:
        found = observe(iter(SEEN))

        assert found.item_ids == ("a", "b")
        assert found.matrix.toarray() == pytest.approx(np.array([[1.0, 1.0], [1.0, 0.0]]))
        assert sorted(found.days) == [1, 2, 9]

    def test_the_order_of_arrival_does_not_matter(self) -> None:
        shuffled = [(new.customer_id, new.asin, 1.0, new.at.timestamp() if new.at else 0.0) for new in readers()]
        versions = set()
        for seed in range(3):
            random.Random(seed).shuffle(shuffled)
            versions.add(fit(observe(iter(shuffled))).version)

        assert len(versions) == 1

    def test_popularity_fades(self) -> None:
        model = fit(observe(iter([("old", "a", 1.0, 0.0), ("new", "b", 1.0, 30 * DAY)])))

        assert model.popularity == pytest.approx([0.5, 1.0])

    def test_a_robots_history_is_cut_to_its_newest(self) -> None:
        found = observe(("robot", f"i{number:04}", 1.0, number * DAY) for number in range(600))

        assert len(found.items) == 500
        assert found.days.min() == 100

    def test_nothing_is_nothing_to_learn_from(self) -> None:
        with pytest.raises(NothingToLearn):
            observe(iter(()))


class TestArtefact:
    def test_what_is_published_is_loaded(self) -> None:
        model = fit(observe(iter(SEEN)))

        version = publish(model)
        loaded = load(directory() / version)

        assert loaded.item_ids == model.item_ids
        assert loaded.ease == pytest.approx(model.ease)
        assert loaded.version == version == model.version

    def test_a_store_sees_each_new_model_and_holds_on_to_it(self) -> None:
        store = ModelStore()
        assert store.current() is None
        assert store.version() == "untrained"

        first = publish(fit(observe(iter(SEEN[:3]))))
        assert store.version() == first
        held = store.current()
        assert store.current() is held
        second = publish(fit(observe(iter(SEEN))))

        assert store.version() == second != first
        assert store.current() is not held

    @pytest.mark.parametrize("file", ["model.npz", "ease.npy"])
    @pytest.mark.parametrize("damage", ["gone", "cut", "rubbish"])
    def test_a_corrupt_successor_leaves_the_old_model_in_force(self, file: str, damage: str) -> None:
        store = ModelStore()
        publish(fit(observe(iter(SEEN[:3]))))
        before = store.current()
        broken = directory() / publish(fit(observe(iter(SEEN)))) / file
        if damage == "gone":
            broken.unlink()
        elif damage == "cut":
            broken.write_bytes(broken.read_bytes()[:-9])
        else:
            broken.write_bytes(b"rubbish" * 100)

        with pytest.raises(ModelCorrupt):
            load(broken.parent)
        assert store.current() is before

    def test_publishing_again_repairs_a_damaged_model(self) -> None:
        model = fit(observe(iter(SEEN)))
        (directory() / publish(model) / "ease.npy").unlink()

        publish(model)

        assert ModelStore().current() is not None

    def test_arrays_that_do_not_belong_together_are_no_model(self) -> None:
        folder = directory() / publish(fit(observe(iter(SEEN))))
        np.save(folder / "ease.npy", np.zeros((7, 7), dtype=np.float32))

        with pytest.raises(ModelCorrupt, match="belong together"):
            load(folder)

    def test_two_versions_are_kept(self) -> None:
        for number in range(4):
            more = [(f"reader {each}", "a", 1.0, 10.0) for each in range(number)]
            publish(fit(observe(iter([*SEEN, *more]))))

        assert len([path for path in directory().iterdir() if path.is_dir()]) == 2
        assert ModelStore().current() is not None

    def test_drafts_leave_nothing_behind(self) -> None:
        publish(fit(observe(iter(SEEN))))

        assert [path.name for path in directory().iterdir() if path.name.startswith(".")] == []


@pytest.mark.usefixtures("library")
class TestTraining:
    def test_a_dislike_teaches_nothing(self) -> None:
        rating = NewInteraction(customer_id="anna", asin="horror-00-EN-1", type="rating", value=1, at=START)
        record_interactions([rating, purchase("anna", "horror-01-EN-1")])

        assert train_and_publish().model.item_ids == ("horror-01",)

    def test_guests_teach_as_well_and_are_nobody_else(self) -> None:
        record_interactions(
            [
                NewInteraction(customer_id="same", asin="horror-00-EN-1", type="view", at=START),
                NewInteraction(session_id="same", asin="horror-01-EN-1", type="view", at=START),
            ]
        )

        assert train_and_publish().model.sessions.readers == 2

    def test_the_task_trains_and_every_process_uses_it(self) -> None:
        record_interactions(readers())

        train()

        assert models.current() is not None
        assert LocalEngine().recommend(RecommenderQuery()).items

    def test_the_task_has_nothing_to_learn_in_an_empty_shop(self) -> None:
        train()

        assert models.current() is None

    def test_only_one_trains_at_a_time(self) -> None:
        record_interactions(readers(3))

        with only_one(), pytest.raises(AlreadyTraining):
            train_and_publish()
        train_and_publish()

    def test_the_command_says_what_it_made(self) -> None:
        record_interactions(readers())
        said = StringIO()

        call_command("train_recommender", stdout=said)

        assert "42 series, 90 readers" in said.getvalue()

    def test_the_command_says_when_there_is_nothing(self) -> None:
        with pytest.raises(CommandError, match="no interactions"):
            call_command("train_recommender")

    def test_an_engine_without_a_model_asks_for_one_and_trains_nothing_itself(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        record_interactions(readers(3))
        sent: list[str] = []

        def send_task(name: str, **more: Any) -> None:
            sent.append(name)

        monkeypatch.setattr("recommendations.tasks.current_app.send_task", send_task)
        monkeypatch.setattr("recommendations.backends.local.threading.Thread", _AtOnce)
        engine = LocalEngine()
        for _ in range(3):
            with pytest.raises(NotTrained):
                engine.recommend(RecommenderQuery())

        assert sent == ["recommendations.tasks.train"]
        assert models.current() is None


class _AtOnce:
    """A thread that is done when ``start`` returns."""

    def __init__(self, target: Any, **more: Any) -> None:
        self.start = target


class TestTrialSample:
    def seen(self, readers: int) -> list[Seen]:
        return [(f"c{reader}", f"s{place}", 1.0, 0.0) for place in range(10) for reader in range(readers)]

    def test_everything_is_passed_on_and_small_data_is_kept_whole(self) -> None:
        sample = Sample(most=1_000)

        assert list(sample.watch(self.seen(50))) == self.seen(50)
        assert sample.seen == self.seen(50)

    def test_large_data_keeps_some_readers_with_all_they_did_and_the_same_ones_every_time(self) -> None:
        sample, again = Sample(most=1_000), Sample(most=1_000)
        assert sum(1 for _ in sample.watch(self.seen(900))) == 9_000
        assert sum(1 for _ in again.watch(self.seen(900))) == 9_000

        lengths = Counter(reader for reader, *_ in sample.seen)
        assert set(lengths.values()) == {10}
        assert 300 < len(sample.seen) <= 1_000
        assert sample.seen == again.seen
