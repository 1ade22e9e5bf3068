"""Interactions: taken in once, in any order, never from the future; and the history they make."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from recommendations.interactions import (
    NewInteraction,
    forget_history,
    history_of,
    join_guest,
    record_interactions,
)
from recommendations.models import Interaction
from tests.recommendations.library import START, purchase, view
from tests.shop.catalogue import import_lines

pytestmark = pytest.mark.usefixtures("library")


def line(**more: Any) -> dict[str, Any]:
    return {
        "kind": "interaction", "customer_id": "alice", "asin": "horror-00-EN-1", "type": "purchase",
        "at": "2026-03-01T10:00:00Z",
    } | more  # fmt: skip


class TestRecording:
    def test_the_same_twice_is_once(self) -> None:
        first = record_interactions([purchase("alice", "horror-00-EN-1")] * 2)
        again = record_interactions([purchase("alice", "horror-00-EN-1")])

        assert (first.taken, first.duplicates) == (1, 1)
        assert (again.taken, again.duplicates) == (0, 1)
        assert Interaction.objects.get().series_id == "horror-00"

    @pytest.mark.parametrize(
        ("new", "reason"),
        [
            (NewInteraction(customer_id="a", asin="NOPE", type="view"), "unknown"),
            (NewInteraction(customer_id="a", asin="horror-00-EN-1", type="stare"), "type"),
            (NewInteraction(asin="horror-00-EN-1", type="view"), "customer_id or session_id"),
            (NewInteraction(customer_id="a" * 129, asin="horror-00-EN-1", type="view"), "128"),
            (NewInteraction(customer_id="a", asin="horror-00-EN-1", type="rating"), "1 to 5"),
            (NewInteraction(customer_id="a", asin="horror-00-EN-1", type="rating", value=9), "1 to 5"),
        ],
    )
    def test_refuses_with_a_reason_and_takes_the_rest(self, new: NewInteraction, reason: str) -> None:
        recorded = record_interactions([new, purchase("alice", "horror-00-EN-1")])

        assert recorded.taken == 1
        assert [position for position, _ in recorded.refused] == [0]
        assert reason in recorded.refused[0][1]

    def test_refuses_the_future_but_not_a_clock_that_runs_ahead_a_little(self) -> None:
        now = timezone.now()
        ahead = NewInteraction(customer_id="a", asin="horror-00-EN-1", type="view", at=now + timedelta(minutes=1))
        future = NewInteraction(customer_id="a", asin="horror-00-EN-1", type="view", at=now + timedelta(days=1))

        recorded = record_interactions([ahead, future])

        assert recorded.taken == 1
        assert recorded.refused == ((1, "at lies in the future"),)


class TestFeed:
    def test_importing_twice_changes_nothing(self) -> None:
        lines = [line(), line(type="rating", value=5), line(session_id="s1", customer_id="", type="view")]

        first, rejected = import_lines(lines)
        again, _ = import_lines(lines)

        assert rejected == []
        assert (first.changed, again.changed, again.unchanged) == (3, 0, 3)
        assert Interaction.objects.count() == 3

    def test_the_same_moment_in_another_zone_is_the_same(self) -> None:
        import_lines([line(at="2026-03-01T10:00:00Z"), line(at="2026-03-01T11:00:00+01:00")])

        assert Interaction.objects.count() == 1

    def test_an_edition_that_comes_later_in_the_file_is_waited_for(self) -> None:
        edition = {"kind": "edition", "asin": "NEW-1", "series": "horror-00", "title": "New", "language": "en"}

        report, rejected = import_lines([line(asin="NEW-1"), edition])

        assert rejected == []
        assert report.by_kind["interaction"] == 1

    @pytest.mark.parametrize(
        ("bad", "reason"),
        [
            ({"asin": "NOPE"}, "unknown"),
            ({"type": "stare"}, "type"),
            ({"at": "yesterday"}, "at must be a time"),
            ({"at": "2999-01-01T00:00:00Z"}, "future"),
            ({"customer_id": ""}, "customer_id or session_id"),
            ({"type": "rating", "value": 17}, "1 to 5"),
            ({"value": "five"}, "value"),
        ],
    )
    def test_a_bad_line_is_rejected_with_its_reason(self, bad: dict[str, Any], reason: str) -> None:
        report, rejected = import_lines([line(**bad), line()])

        assert report.changed == 1
        assert rejected[0][0] == 1
        assert reason in rejected[0][1]


class TestHistory:
    def test_newest_first_each_series_once_with_its_strongest(self) -> None:
        record_interactions(
            [
                purchase("alice", "horror-00-EN-1", days=1),
                view("horror-01-EN-1", customer_id="alice", days=2),
                view("horror-00-EN-2", customer_id="alice", days=3),
            ]
        )

        items = history_of("alice", "", ()).items

        assert [item.series_id for item in items] == ["horror-00", "horror-01"]
        assert (items[0].strength, items[0].read, items[0].at) == (1.0, True, START + timedelta(days=3))
        assert (items[1].strength, items[1].read) == (0.3, False)

    def test_orders_know_what_interactions_do_not(self) -> None:
        history = history_of("alice", "", {"horror-05-EN-1"})

        assert history.had == ("horror-05-EN-1",)
        assert history.items[0].series_id == "horror-05"
        assert history.items[0].read

    @pytest.mark.parametrize(
        ("values", "disliked"), [([1], True), ([2], True), ([3], False), ([1, 5], False), ([5, 1], True)]
    )
    def test_the_newest_word_on_a_series_counts(self, values: list[float], disliked: bool) -> None:
        record_interactions(
            [
                NewInteraction(
                    customer_id="alice",
                    asin="horror-00-EN-1",
                    type="rating",
                    value=value,
                    at=START + timedelta(days=day),
                )
                for day, value in enumerate(values)
            ]
        )

        history = history_of("alice", "", ())

        assert ("horror-00" in history.disliked) == disliked
        assert ("horror-00" in [item.series_id for item in history.items]) != disliked

    def test_of_one_shopper_only(self) -> None:
        record_interactions(
            [
                view("horror-00-EN-1", customer_id="alice", session_id="s1"),
                view("horror-01-EN-1", customer_id="bob", session_id="s1"),
                view("horror-02-EN-1", session_id="s1"),
                view("horror-03-EN-1", session_id="s2"),
            ]
        )

        def series(customer_id: str, session_id: str) -> list[str]:
            return [item.series_id for item in history_of(customer_id, session_id, ()).items]

        assert series("alice", "s1") == ["horror-00"]
        assert series("", "s1") == ["horror-02"]
        assert series("", "") == []

    def test_a_hundred_thousand_interactions_are_their_newest(self) -> None:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        Interaction.objects.bulk_create(
            Interaction(
                customer_id="robot", asin="horror-00-EN-1", series_id=f"s{number}", type="view",
                at=at + timedelta(seconds=number), content_key=str(number),
            )
            for number in range(2_000)
        )  # fmt: skip

        items = history_of("robot", "", ()).items

        assert len(items) == 200
        assert items[0].series_id == "s1999"


class TestSigningIn:
    def test_what_the_guest_did_is_the_customers(self) -> None:
        seen = NewInteraction(session_id="guest-1", asin="horror-00-EN-1", type="view", at=START)
        record_interactions([seen, purchase("alice", "horror-01-EN-1")])

        assert join_guest("guest-1", "alice") == 1

        assert {item.series_id for item in history_of("alice", "", ()).items} == {"horror-00", "horror-01"}
        assert history_of("", "guest-1", ()).items == ()
        assert Interaction.objects.get(type="view").session_id == "guest-1"

    def test_what_both_did_is_once(self) -> None:
        for customer_id in ("", "alice"):
            seen = NewInteraction(
                session_id="guest-1", customer_id=customer_id, asin="horror-00-EN-1", type="view", at=START
            )
            record_interactions([seen])

        join_guest("guest-1", "alice")

        assert Interaction.objects.count() == 1

    @pytest.mark.parametrize(("session_id", "customer_id"), [("", "alice"), ("guest-1", ""), ("unknown", "alice")])
    def test_nobody_and_nothing_joins_nothing(self, session_id: str, customer_id: str) -> None:
        record_interactions([NewInteraction(session_id="guest-1", asin="horror-00-EN-1", type="view", at=START)])

        assert join_guest(session_id, customer_id) == 0
        assert Interaction.objects.of_guest("guest-1").count() == 1


class TestForgetting:
    def test_it_is_gone_and_late_deliveries_do_not_bring_it_back(self) -> None:
        old = [
            purchase("alice", "horror-00-EN-1"),
            purchase("alice", "horror-01-EN-1"),
            purchase("bob", "horror-00-EN-1"),
        ]
        record_interactions(old)

        assert forget_history(customer_id="alice") == 2
        again = record_interactions(old)

        assert again.taken == 0
        assert history_of("alice", "", ()).items == ()
        assert Interaction.objects.get().customer_id == "bob"

    def test_orders_stay_owned_and_say_nothing_of_taste(self) -> None:
        assert history_of("alice", "", ("horror-00-EN-1",)).items != ()

        forget_history(customer_id="alice")

        history = history_of("alice", "", ("horror-00-EN-1",))
        assert (history.items, history.had) == ((), ("horror-00-EN-1",))

    def test_what_is_done_afterwards_counts(self) -> None:
        forget_history(customer_id="alice")
        record_interactions([NewInteraction(customer_id="alice", asin="horror-01-EN-1", type="view")])

        assert [item.series_id for item in history_of("alice", "", ()).items] == ["horror-01"]

    def test_a_guest_may_be_forgotten_too(self) -> None:
        record_interactions([NewInteraction(session_id="guest-1", asin="horror-00-EN-1", type="view", at=START)])

        assert forget_history(session_id="guest-1") == 1
        assert history_of("", "guest-1", ()).items == ()
