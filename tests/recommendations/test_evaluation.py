"""Ways of ranking are compared fairly: nothing that is to be found was learnt, and the figures are what they say."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from recommendations.backends.base import Ranked, RankedItem, Recommender, RecommenderQuery, RecommenderUnavailable
from recommendations.evaluation import Case, engine_contestant, local_contestants, measure, ndcg, query_of, split
from recommendations.evaluation_plot import bars
from recommendations.evaluation_sources import SourceUnusable, csv_file, movielens
from recommendations.training import Seen

DAY = 86_400.0


def reading(readers: int = 40, length: int = 20) -> list[Seen]:
    """Two tastes, each reader follows one of them through its items in order."""
    return [
        (f"r{reader:02}", f"{'ab'[reader % 2]}{(reader // 2 + step) % 30:02}", 1.0, (reader + step) * DAY)
        for reader in range(readers)
        for step in range(length)
    ]


@pytest.mark.parametrize("protocol", ["personalize", "temporal"])
def test_what_is_to_be_found_was_not_learnt(protocol: str) -> None:
    made = split(reading(), protocol)  # type: ignore[arg-type]
    learnt = {(reader, item) for reader, item, _, _ in made.training}
    for case in made.cases:
        assert not {(case.reader, item) for item in case.wanted} & learnt
        assert not {each[1] for each in case.history} & case.wanted
        assert max(each[3] for each in case.history) < 60 * DAY
    share = {"personalize": 2, "temporal": 4}[protocol]
    assert {len(case.wanted) for case in made.cases} == {share}
    assert len(made.cases) == {"personalize": 4, "temporal": 40}[protocol]
    if protocol == "personalize":
        assert not {case.reader for case in made.cases} & {reader for reader, _ in learnt}


def test_another_seed_holds_back_other_readers_and_the_same_one_the_same() -> None:
    first, again, other = (split(reading(), "personalize", seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert {case.reader for case in first.cases} != {case.reader for case in other.cases}


def test_too_little_is_said() -> None:
    with pytest.raises(ValueError, match="too few"):
        split([("r", "a", 1.0, 0.0)], "temporal")


@pytest.mark.parametrize(
    ("ranked", "wanted", "expected"),
    [
        (["a", "b"], {"a", "b"}, 1.0),
        (["x", "a"], {"a"}, 0.6309),
        (["x", "y"], {"a"}, 0.0),
        ([], {"a"}, 0.0),
        (["a"], set(), 0.0),
        (["x"] * 10 + ["a"], {"a"}, 0.0),
    ],
)
def test_ndcg(ranked: list[str], wanted: set[str], expected: float) -> None:
    assert ndcg(ranked, wanted) == pytest.approx(expected, abs=1e-4)


def test_figures_of_a_list_that_is_known_by_heart() -> None:
    cases = [
        Case("r1", (("r1", "h", 1.0, 0.0),), frozenset({"a", "b"})),
        Case("r2", (("r2", "h", 1.0, 0.0),), frozenset({"z"})),
    ]
    figures = measure(
        lambda query: ["x", "a", "a", "b"], cases, popularity={"x": 4, "a": 2, "b": 1}, readers=8, items=6
    )
    assert figures.cases == 2
    assert figures.recall == pytest.approx((2 / 2 + 0) / 2)
    assert figures.mrr == pytest.approx((1 / 2 + 0) / 2)
    assert figures.coverage == pytest.approx(3 / 6)
    assert figures.novelty == pytest.approx((1 + 2 + 3) / 3)
    assert figures.duplicates == 1


def test_a_history_is_asked_newest_first_and_each_item_once() -> None:
    history = (("r", "a", 1.0, 1.0), ("r", "b", 1.0, 2.0), ("r", "a", 1.0, 3.0))
    query = query_of(Case("r", history, frozenset({"c"})))
    assert [item.series_id for item in query.history] == ["a", "b"]
    assert query.exclude_series == {"a", "b"}


def test_taste_beats_popularity_where_there_is_taste(tmp_path: Path) -> None:
    source = csv_file(_csv(tmp_path, [f"{reader},{item},{at}" for reader, item, _, at in reading()]))
    made = split(source.seen, "temporal")
    found = {
        name: measure(contestant, made.cases, popularity={}, readers=40, items=60).ndcg
        for name, contestant in local_contestants(made.training, source.catalogue).items()
    }
    assert found["local"] > 2 * found["most read ever"]
    assert set(found) == {"most read ever", "popular", "session", "ease", "local"}


class _Editions(Recommender):
    version = "1"

    def __init__(self, *asins: str) -> None:
        self.asins = asins

    def recommend(self, query: RecommenderQuery) -> Ranked:
        if not self.asins:
            raise RecommenderUnavailable("down")
        items = tuple(RankedItem(asin=asin, engine="personalize", reason_code="personal") for asin in self.asins)
        return Ranked(items=items, engine="personalize", recommendation_id="1")

    def order(self, query: RecommenderQuery, items: tuple[tuple[str, str], ...]) -> Ranked:
        raise NotImplementedError


def test_an_engine_of_editions_is_judged_by_their_series() -> None:
    ask = engine_contestant(_Editions("A1", "A2", "B1", "H1", "?"), {"A1": "a", "A2": "a", "B1": "b", "H1": "h"})
    assert ask(RecommenderQuery(exclude_series=frozenset({"h"}))) == ["a", "a", "b", "?"]
    assert engine_contestant(_Editions(), {})(RecommenderQuery()) == []


def _csv(folder: Path, lines: list[str], header: str = "user_id,item_id,timestamp") -> Path:
    path = folder / "interactions.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


@pytest.mark.parametrize(
    ("header", "line", "complaint"),
    [
        ("user_id,item_id", "u,i", "column timestamp is missing"),
        ("user_id,item_id,timestamp", "u,i,yesterday", "line 2"),
        ("user_id,item_id,timestamp", "u,,1", "line 2: user_id and item_id"),
        ("user_id,item_id,timestamp", "u,i", "line 2"),
        ("user_id,item_id,timestamp,value", "u,i,1,much", "line 2"),
        ("user_id,item_id,timestamp,value", "u,i,1,nan", "value a number"),
    ],
)
def test_a_bad_file_is_refused_with_the_line(tmp_path: Path, header: str, line: str, complaint: str) -> None:
    with pytest.raises(SourceUnusable, match=complaint):
        csv_file(_csv(tmp_path, [line], header))


def test_times_in_both_spellings(tmp_path: Path) -> None:
    path = _csv(tmp_path, ["u,i,1767225600", "u,j,2026-01-01T00:00:00+00:00"])
    assert {each[3] for each in csv_file(path).seen} == {1767225600.0}


def test_what_is_no_file_or_no_movielens_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceUnusable):
        csv_file(tmp_path / "nothing.csv")
    (tmp_path / "x.whl").write_bytes(b"no zip")
    with pytest.raises(SourceUnusable):
        movielens(tmp_path / "x.whl")


def test_the_command_prints_a_table_json_and_a_plot(tmp_path: Path) -> None:
    path = _csv(tmp_path, [f"{reader},{item},{at}" for reader, item, _, at in reading()])
    out = StringIO()
    call_command("evaluate_recommendations", interactions=path, seeds=2, plot=tmp_path / "plot.svg", stdout=out)
    assert "NDCG@10" in out.getvalue()
    assert "local" in out.getvalue()
    assert (tmp_path / "plot.svg").read_text().startswith("<svg")
    out = StringIO()
    call_command("evaluate_recommendations", interactions=path, protocol="temporal", json="-", stdout=out)
    document = json.loads(out.getvalue())
    assert document["protocol"] == "temporal"
    assert document["engines"]["local"]["cases"] == 40
    assert {"ndcg@10", "recall@10", "mrr@10", "coverage"} <= set(document["engines"]["popular"])
    call_command("evaluate_recommendations", interactions=path, json=str(tmp_path / "figures.json"), stdout=out)
    assert set(json.loads((tmp_path / "figures.json").read_text())["engines"]) == set(document["engines"])
    for wrong in ({"seeds": 0}, {"interactions": tmp_path / "nothing.csv"}):
        with pytest.raises(CommandError):
            call_command("evaluate_recommendations", **{"interactions": path, **wrong})


def test_a_plot_escapes_its_names() -> None:
    assert "<b>" not in bars("<b>", {"<b>": 0.0})
