"""Trying things out on shoppers: who gets which arm, that it acts at once and everywhere, and what is counted."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from recommendations.experiments import (
    Assignment,
    Board,
    NotPossible,
    Running,
    RunningArm,
    _read_board,
    arm_for,
    assign,
    board,
    roll_out,
    start,
    stop,
    take_back,
    writer,
)
from recommendations.interactions import forget_history, join_guest
from recommendations.models import Arm, Experiment, Exposure, Outcome
from recommendations.recommend import (
    NewInteraction,
    RecommendationRequest,
    arecommend_for,
    recommend_for,
    record_interactions,
)
from recommendations.results import results
from recommendations.tuning import usual
from tests.recommendations.library import purchase, view
from tests.shop.catalogue import import_lines


def experiment(name: str = "Popular instead", traffic: int = 100, **second: Any) -> Experiment:
    made = Experiment.objects.create(name=name, traffic_percent=traffic)
    Arm.objects.create(experiment=made, name="as ever")
    Arm.objects.create(experiment=made, name="other", **({"engine": "popular"} | second))
    return made


def in_arm(made: Experiment, name: str) -> str:
    """A customer whom the hash puts there."""
    customers = (f"customer-{number}" for number in range(1_000))
    return next(each for each in customers if arm_of(assign(each)) == name)


def arm_of(assignment: Assignment) -> str:
    return Arm.objects.get(pk=assignment.part.arm_id).name if assignment.part else ""


def click(customer_id: str, asin: str = "horror-05-EN-1", **more: Any) -> NewInteraction:
    return NewInteraction(customer_id=customer_id, asin=asin, type="click", recommendation_id="RID-1", **more)


class TestAssignment:
    RUNNING = Running(
        id=1, salt="a", traffic=0.5,
        arms=(RunningArm(1, 3, "configured", "continue_first", ()), RunningArm(2, 1, "popular", "continue_first", ())),
    )  # fmt: skip

    def arms(self, running: Running) -> list[int]:
        found = (arm_for(running, f"customer-{number}") for number in range(4_000))
        return [arm.id if arm else 0 for arm in found]

    def test_is_by_weight_and_traffic(self) -> None:
        counts = Counter(self.arms(self.RUNNING))

        assert counts[0] == pytest.approx(2_000, rel=0.1)
        assert counts[1] == pytest.approx(1_500, rel=0.1)
        assert counts[2] == pytest.approx(500, rel=0.15)

    def test_is_the_same_every_time_and_another_one_in_another_experiment(self) -> None:
        other = Running(id=2, salt="b", traffic=0.5, arms=self.RUNNING.arms)

        assert self.arms(self.RUNNING) == self.arms(self.RUNNING)
        same = sum(one == two for one, two in zip(self.arms(self.RUNNING), self.arms(other), strict=True))
        # By chance: 0.5² + 0.375² + 0.125².
        assert same == pytest.approx(0.406 * 4_000, rel=0.1)

    def test_more_traffic_moves_nobody_to_another_arm(self) -> None:
        more = Running(id=1, salt="a", traffic=0.9, arms=self.RUNNING.arms)

        pairs = list(zip(self.arms(self.RUNNING), self.arms(more), strict=True))
        assert all(before in (0, after) for before, after in pairs)


@pytest.mark.usefixtures("committed_trained")
class TestRunning:
    def test_nothing_runs_at_first(self) -> None:
        assert assign("somebody") == Assignment("somebody", usual())
        recommend_for(RecommendationRequest(customer_id="somebody"))
        writer.finish()
        assert not Exposure.objects.exists()

    def test_each_arm_answers_in_its_own_way_from_the_next_request_on(self) -> None:
        record_interactions([view("horror-03-EN-1", customer_id=f"customer-{number}") for number in range(1_000)])
        made = experiment()
        assert recommend_for(RecommendationRequest(customer_id="customer-0")).engine == "session"
        start(made)

        ever, other = in_arm(made, "as ever"), in_arm(made, "other")

        assert recommend_for(RecommendationRequest(customer_id=ever)).engine == "session"
        assert recommend_for(RecommendationRequest(customer_id=other)).engine == "popular"
        stop(made)
        assert recommend_for(RecommendationRequest(customer_id=other)).engine == "session"

    def test_an_arm_may_lay_out_the_shelves_otherwise(self) -> None:
        made = experiment(engine="configured", shelf_order="discover_first")
        start(made)
        other = in_arm(made, "other")
        record_interactions([purchase(other, "horror-03-EN-1")])

        found = recommend_for(RecommendationRequest(customer_id=other, limit=4))

        assert [shelf.name for shelf in found.shelves] == ["discover", "popular", "continue"]
        assert [item.engine == "continue" for item in found.items] == [False, False, False, True]

    def test_an_arm_may_have_other_parameters(self) -> None:
        made = experiment(engine="local", long_history=2)
        start(made)
        ever, other = in_arm(made, "as ever"), in_arm(made, "other")
        for customer in (ever, other):
            record_interactions([view(f"horror-0{number}-EN-1", customer_id=customer) for number in range(3)])

        assert recommend_for(RecommendationRequest(customer_id=ever, shelf="discover")).engine == "session"
        assert recommend_for(RecommendationRequest(customer_id=other, shelf="discover")).engine == "ease"

    def test_whoever_is_answered_is_exposed_once(self) -> None:
        start(experiment())
        for _ in range(3):
            recommend_for(RecommendationRequest(customer_id="alice"))
            recommend_for(RecommendationRequest(session_id="s1"))
            recommend_for(RecommendationRequest())
        writer.finish()

        assert sorted(Exposure.objects.values_list("owner", flat=True)) == ["alice", "session-s1"]

    async def test_on_the_event_loop_too(self) -> None:
        made = await Experiment.objects.acreate(name="x")
        for name in ("a", "b"):
            await Arm.objects.acreate(experiment=made, name=name)
        from asgiref.sync import sync_to_async

        await sync_to_async(start)(made)
        await arecommend_for(RecommendationRequest(customer_id="alice"))
        writer.finish()

        assert await Exposure.objects.aget(owner="alice")

    def test_outside_its_traffic_nobody_is_exposed(self) -> None:
        start(experiment(traffic=1))
        outside = [each for each in (f"c{n}" for n in range(50)) if assign(each).part is None]

        for customer in outside[:3]:
            recommend_for(RecommendationRequest(customer_id=customer))
        writer.finish()

        assert len(outside) > 40
        assert not Exposure.objects.exists()

    def test_what_was_rolled_out_is_for_everybody_until_it_is_taken_back(self) -> None:
        made = experiment()
        start(made)
        arm = made.arms.get(name="other")
        roll_out(arm)

        assert {assign(f"customer-{number}").tuning.engine for number in range(50)} == {"popular"}
        assert assign("").tuning.engine == "popular"
        take_back(made)
        assert assign("alice") == Assignment("alice", usual())

    def test_a_shopper_that_the_database_could_not_note_is_noted_next_time(self, monkeypatch: Any) -> None:
        start(experiment())
        with monkeypatch.context() as patch:
            from django.db import OperationalError

            def locked(*args: Any, **kwargs: Any) -> None:
                raise OperationalError("database is locked")

            patch.setattr(Exposure.objects, "bulk_create", locked)
            assert recommend_for(RecommendationRequest(customer_id="alice")).items
            writer.finish()
        assert not Exposure.objects.exists()

        recommend_for(RecommendationRequest(customer_id="alice"))
        writer.finish()
        assert Exposure.objects.filter(owner="alice").exists()


class TestOutcomes:
    @pytest.fixture(autouse=True)
    def running(self, committed_library: None) -> Experiment:
        made = experiment()
        start(made)
        recommend_for(RecommendationRequest(customer_id="alice"))
        writer.finish()
        return made

    def test_what_a_shopper_does_then_counts_once(self) -> None:
        again = click("alice", at=timezone.now() + timedelta(seconds=1))
        record_interactions([again, again])
        record_interactions([again])
        record_interactions([NewInteraction(customer_id="alice", asin="horror-05-EN-1", type="purchase")])

        found = list(Outcome.objects.order_by("type").values_list("exposure__owner", "type", "from_list"))
        assert found == [("alice", "click", True), ("alice", "purchase", False)]

    def test_what_was_before_or_of_others_or_only_a_view_does_not(self) -> None:
        before = timezone.now() - timedelta(hours=1)
        record_interactions(
            [click("alice", at=before), click("bob"), NewInteraction(customer_id="alice", asin="horror-05-EN-1", type="view")]
        )  # fmt: skip

        assert not Outcome.objects.exists()

    def test_a_purchase_in_the_feed_counts(self) -> None:
        line = {
            "kind": "interaction", "customer_id": "alice", "asin": "horror-05-EN-1", "type": "purchase",
            "at": (timezone.now() + timedelta(seconds=2)).isoformat(),
        }  # fmt: skip
        import_lines([line])
        import_lines([line])

        assert Outcome.objects.get().type == "purchase"

    def test_a_guest_brings_no_outcomes_along(self) -> None:
        recommend_for(RecommendationRequest(session_id="s1"))
        writer.finish()
        record_interactions([NewInteraction(session_id="s1", asin="horror-05-EN-1", type="add_to_cart")])
        join_guest("s1", "alice")

        assert Outcome.objects.get().exposure.owner == "session-s1"

    def test_after_the_end_nothing_is_counted(self, running: Experiment) -> None:
        stop(running)
        record_interactions([click("alice")])

        assert not Outcome.objects.exists()

    def test_a_forgotten_history_is_forgotten_here_too(self) -> None:
        record_interactions([click("alice")])
        assert Outcome.objects.exists()

        forget_history(customer_id="alice")

        assert not Exposure.objects.filter(owner="alice").exists()
        assert not Outcome.objects.exists()

    def test_with_what_the_shopper_did_as_a_guest(self) -> None:
        recommend_for(RecommendationRequest(session_id="s1"))
        writer.finish()
        record_interactions([NewInteraction(session_id="s1", asin="horror-05-EN-1", type="add_to_cart")])
        join_guest("s1", "alice")

        forget_history(customer_id="alice")

        assert not Exposure.objects.exists()

    def test_recording_asks_for_the_experiment_before_it_changes_anything(self, monkeypatch: Any) -> None:
        made: list[Board] = []

        def make() -> Board:
            made.append(_read_board())
            return made[-1]

        monkeypatch.setattr(board, "_make", make)
        for number in range(3):
            record_interactions([click("alice", asin=f"horror-0{number}-EN-1")])
            assign("alice")

        assert len(made) <= 1
        assert Outcome.objects.count() == 3


@pytest.mark.usefixtures("db")
class TestStates:
    def test_two_do_not_run_at_a_time(self) -> None:
        one, two = experiment("one"), experiment("two")
        start(one)

        with pytest.raises(NotPossible, match="Another experiment is running"), transaction.atomic():
            start(two)
        with pytest.raises(IntegrityError), transaction.atomic():
            Experiment.objects.filter(pk=two.pk).update(status="running")

    def test_one_arm_is_no_experiment(self) -> None:
        made = experiment()
        made.arms.last().delete()  # type: ignore[union-attr]

        with pytest.raises(NotPossible, match="at least two arms"):
            start(made)

    def test_only_the_next_state_can_be_reached(self) -> None:
        made = experiment()
        for step in (stop, take_back, lambda made: roll_out(made.arms.first())):
            with pytest.raises(NotPossible, match="is Draft"):
                step(made)
        start(made)
        with pytest.raises(NotPossible, match="is Running"):
            start(made)
        stop(made)
        roll_out(made.arms.first())  # type: ignore[arg-type]
        with pytest.raises(NotPossible, match="is rolled out"):
            start(made)


@pytest.mark.usefixtures("db")
class TestResults:
    def fill(self, made: Experiment, numbers: dict[str, tuple[int, int]]) -> None:
        """By arm: (shoppers, those of them who clicked a recommendation twice)."""
        now = timezone.now()
        for name, (shoppers, clicked) in numbers.items():
            exposures = Exposure.objects.bulk_create(
                Exposure(experiment=made, arm=made.arms.get(name=name), owner=f"{name} {n}", first_at=now)
                for n in range(shoppers)
            )
            Outcome.objects.bulk_create(
                Outcome(exposure=each, type="click", from_list=True, at=now, content_key=f"{each.owner} {twice}")
                for each in exposures[:clicked]
                for twice in range(2)
            )

    def test_shares_are_of_shoppers_and_compared_with_the_first_arm(self) -> None:
        made = experiment()
        self.fill(made, {"as ever": (400, 20), "other": (400, 60)})

        found = results(made)

        base, other = (arm.measured[0] for arm in found.arms)
        assert (base.shoppers, base.share, base.verdict) == (20, 0.05, "base")
        assert (other.shoppers, other.share, other.verdict) == (60, 0.15, "better")
        assert other.delta == pytest.approx(0.1)
        assert other.delta_low < 0.1 < other.delta_high
        assert found.arms[1].measured[1].verdict == "open"
        assert not found.is_broken
        assert found.detectable[0][1] == pytest.approx(0.0432, abs=1e-3)

    def test_clicks_from_elsewhere_are_no_clicks_on_a_recommendation(self) -> None:
        made = experiment()
        self.fill(made, {"as ever": (10, 5), "other": (10, 0)})
        Outcome.objects.update(from_list=False)

        assert results(made).arms[0].measured[0].shoppers == 0

    def test_an_arm_that_loses_its_shoppers_is_noticed(self) -> None:
        made = experiment()
        self.fill(made, {"as ever": (600, 0), "other": (450, 0)})

        assert results(made).is_broken

    def test_before_anybody_came(self) -> None:
        found = results(experiment())

        assert found.exposed == 0
        assert not found.is_broken
        assert found.detectable[0][1] is None
