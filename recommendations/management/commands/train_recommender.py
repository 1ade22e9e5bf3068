"""``manage.py train_recommender``: trains the local engine on all interactions."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from recommendations.promotion import train_and_publish
from recommendations.training import AlreadyTraining, NothingToLearn

STAGES = 4


class Command(BaseCommand):
    help = "Trains the local recommendation engine; every process uses the new model at its next answer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--force", action="store_true", help="put the model in force even if it finds much less")

    def handle(self, *args: Any, **options: Any) -> None:
        with tqdm(total=STAGES, disable=None, leave=False) as bar:

            def progress(stage: str) -> None:
                bar.set_description(stage)
                bar.update()

            try:
                trained = train_and_publish(progress, force=options["force"])
            except NothingToLearn as error:
                raise CommandError("There are no interactions to learn from.") from error
            except AlreadyTraining as error:
                raise CommandError("Another process is training at this moment.") from error
        if not trained.is_in_force:
            raise CommandError(
                f"Not put in force: its trial found {trained.ndcg or 0:.3f} (NDCG@10), that of the model in force "
                f"{trained.before or 0:.3f}. Look at the newest interactions, or use --force."
            )
        model = trained.model
        found = f", NDCG@10 {trained.ndcg:.3f}" if trained.ndcg is not None else ""
        self.stdout.write(
            f"Model {model.version}: {len(model.item_ids)} series, {model.sessions.readers} readers{found}."
        )
