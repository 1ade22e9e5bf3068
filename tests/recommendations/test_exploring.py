"""New series are tried out on some readers, with known odds; and what is on the rise is shown."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from recommendations.artefact import Model
from recommendations.backends.base import HistoryItem, Ranked, RecommenderQuery
from recommendations.catalogue import Catalogue, SeriesRow
from recommendations.ranking import FEW_READERS, rank
from recommendations.recommend import RecommendationRequest, recommend_for, record_interactions
from recommendations.training import Seen, fit, observe, rise
from recommendations.tuning import PLAIN
from shop.models import Series
from tests.recommendations.library import view
from tests.shop.catalogue import edition, import_lines, offer

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = 86_400.0


def row(id: str, genre: str) -> SeriesRow:
    return SeriesRow(
        id=id, title=id, native_title="", category="manga", demographic="", age_rating="teen", genres=(genre,),
        themes=(), authors=(), volume_count=3,
    )  # fmt: skip


# Forty read series and thirty that nobody has read, of two genres.
CATALOGUE = Catalogue(
    [row(f"old-{n:02}", "horror" if n % 2 else "sports") for n in range(40)]
    + [row(f"new-{n:02}", "horror" if n % 2 else "sports") for n in range(30)]
)


def model() -> Model:
    seen: list[Seen] = [
        (f"r{reader}", f"old-{(reader * 7 + step * 2) % 40:02}", 1.0, NOW.timestamp() - DAY * (reader % 60))
        for reader in range(120)
        for step in range(6)
    ]
    return fit(observe(iter(seen)))


MODEL = model()
HISTORY = tuple(
    HistoryItem(series_id=f"old-{n:02}", asin=f"old-{n:02}-1", strength=1.0, read=True, at=NOW) for n in (1, 3, 5)
)
QUERY = RecommenderQuery(
    history=HISTORY, exclude_series=frozenset(item.series_id for item in HISTORY),
    tuning=replace(PLAIN, explore_share=0.2), explore_key="alice 2026-06-01", limit=10,
)  # fmt: skip


def explored(ranked: Ranked) -> list[str]:
    return [item.series_id for item in ranked.items if item.engine == "explore"]


def for_reader(number: int) -> Ranked:
    return rank(replace(QUERY, explore_key=f"reader-{number} 2026-06-01"), MODEL, CATALOGUE)


class TestExploration:
    def test_the_share_of_places_that_was_set_and_never_the_first_two(self) -> None:
        lists = [for_reader(number) for number in range(500)]

        places = sum(len(ranked.items) - 2 for ranked in lists)
        # A little less: one that has its place by likeness already is not explored.
        assert 0.14 < sum(len(explored(ranked)) for ranked in lists) / places < 0.22
        assert all(item.engine != "explore" for ranked in lists for item in ranked.items[:2])

    def test_only_of_what_next_to_nobody_has_read_and_is_like_the_history(self) -> None:
        found = Counter(id for number in range(300) for id in explored(for_reader(number)))

        # Those of the other genre have nothing in common with the history.
        assert set(found) == {f"new-{n:02}" for n in range(30) if n % 2}
        assert max(found.values()) < 2 * min(found.values())

    def test_each_says_its_odds(self) -> None:
        items = [item for number in range(500) for item in for_reader(number).items]

        odds = {item.propensity for item in items if item.engine == "explore"}
        assert list(odds) == [pytest.approx(0.2 / 15)]
        assert all(item.propensity is None for item in items if item.engine != "explore")
        third = Counter(for_reader(number).items[2].series_id for number in range(3_000))
        assert third["new-01"] / 3_000 == pytest.approx(0.2 / 15, abs=0.006)

    def test_the_same_key_chooses_the_same_and_nothing_stands_twice(self) -> None:
        assert [i.series_id for i in for_reader(4).items] == [i.series_id for i in for_reader(4).items]
        for number in range(50):
            ids = [item.series_id for item in for_reader(number).items]
            assert len(ids) == len(set(ids))

    @pytest.mark.parametrize(
        "query",
        [
            replace(QUERY, explore_key=""),
            replace(QUERY, tuning=PLAIN),
            replace(QUERY, tuning=replace(QUERY.tuning, engine="popular")),
            replace(QUERY, shelf="popular"),
            replace(QUERY, seed_series="old-07"),
            replace(QUERY, history=()),
        ],
        ids=["no key", "no share", "popular arm", "popular shelf", "similar to", "no history"],
    )
    def test_else_nothing_is_explored(self, query: RecommenderQuery) -> None:
        for number in range(20):
            key = query.explore_key and f"reader-{number}"
            assert not explored(rank(replace(query, explore_key=key), MODEL, CATALOGUE))

    def test_a_series_that_found_its_readers_needs_no_exploration(self) -> None:
        seen: list[Seen] = [
            (f"r{reader}", id, 1.0, NOW.timestamp())
            for reader in range(400)
            for id in [
                f"old-{reader % 40:02}",
                f"old-{(reader * 3 + 2) % 40:02}",
                *(["new-01"] if reader < FEW_READERS else []),
            ]
        ]
        learnt = fit(observe(iter(seen)))

        found = {id for n in range(300) for id in explored(rank(replace(QUERY, explore_key=str(n)), learnt, CATALOGUE))}
        assert "new-03" in found
        assert "new-01" not in found


@pytest.mark.usefixtures("trained")
class TestInTheShop:
    def test_a_new_series_is_shown_with_its_reason_and_noted_with_its_odds(
        self, settings: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.RECOMMENDER_EXPLORE_SHARE = 0.3
        lines: list[dict[str, Any]] = []
        for n in range(9):
            lines += [
                {"kind": "series", "id": f"fresh-{n}", "title": f"Fresh {n}", "genres": ["sports"], "volume_count": 1},
                edition(f"fresh-{n}-EN-1", f"fresh-{n}", f"Fresh {n} 1", [1]),
                offer(f"fresh-{n}-EN-1", "9.99", 5),
            ]
        import_lines(lines)
        shoppers = [f"s{n}" for n in range(6)]
        record_interactions([view("sports-03-EN-1", session_id=each) for each in shoppers])
        caplog.set_level(logging.INFO)

        asked = (RecommendationRequest(session_id=each, limit=10, shelf="discover") for each in shoppers)
        lists = [recommend_for(each) for each in asked]

        shown = [item for found in lists for item in found.items if item.engine == "explore"]
        assert shown
        assert {item.series_id for item in shown} <= set(
            Series.objects.filter(pk__startswith="fresh").values_list("pk", flat=True)
        )
        assert shown[0].reason == "A discovery few have made yet, close to Sports-03"
        noted = [record.msg for record in caplog.records if "recommendation_explored" in str(record.msg)]
        assert noted
        assert {str(each["recommendation_id"]) for each in noted} <= {found.recommendation_id for found in lists}  # type: ignore[index]

    def test_none_by_setting(self, settings: Any) -> None:
        settings.RECOMMENDER_EXPLORE_SHARE = 0
        record_interactions([view("sports-03-EN-1", session_id="s")])

        found = recommend_for(RecommendationRequest(session_id="s", limit=20))

        assert "explore" not in {item.engine for item in found.items}


class TestTrends:
    def test_a_rise_is_told_from_mere_popularity(self) -> None:
        # Item 0 has always been read by many, item 1 lately, item 2 by too few to tell.
        items = np.array([0] * 400 + [1] * 20 + [2] * 4 + [3] * 100)
        ages = np.concatenate([np.linspace(0, 100, 400), np.linspace(0, 6, 20), np.zeros(4), np.linspace(10, 90, 100)])

        rising = rise(items.astype(np.int32), ages, 4)

        assert rising[1] > 5
        assert rising[0] < 1
        assert rising[2] == rising[3] == 0

    def test_when_everything_is_of_this_week_nothing_rises(self) -> None:
        items = np.repeat(np.arange(5, dtype=np.int32), [50, 40, 30, 20, 10])

        assert not (rise(items, np.zeros(150), 5) > 1).any()

    def test_it_comes_forward_and_says_why(self) -> None:
        seen: list[Seen] = [
            (f"r{n}", f"old-{n % (n % 20 + 1):02}", 1.0, NOW.timestamp() - DAY * (n % 90)) for n in range(1_000)
        ] + [(f"late-{n}", "old-30", 1.0, NOW.timestamp() - DAY * (n % 5)) for n in range(15)]
        learnt = fit(observe(iter(seen)))

        found = rank(RecommenderQuery(limit=30), learnt, CATALOGUE)
        plain = rank(RecommenderQuery(limit=30, tuning=replace(PLAIN, trend_share=0)), learnt, CATALOGUE)

        def place(ranked: Ranked) -> int:
            return [item.series_id for item in ranked.items].index("old-30")

        assert place(found) < place(plain)
        assert found.items[place(found)].reason_code == "trending"
        assert {item.reason_code for item in plain.items} == {"popular"}
