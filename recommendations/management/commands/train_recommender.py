"""``manage.py train_recommender``: trains the local engine on all interactions."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from recommendations.training import AlreadyTraining, NothingToLearn, train_and_publish

STAGES = 3


class Command(BaseCommand):
    help = "Trains the local recommendation engine; every process uses the new model at its next answer."

    def handle(self, *args: Any, **options: Any) -> None:
        with tqdm(total=STAGES, disable=None, leave=False) as bar:

            def progress(stage: str) -> None:
                bar.set_description(stage)
                bar.update()

            try:
                model = train_and_publish(progress)
            except NothingToLearn as error:
                raise CommandError("There are no interactions to learn from.") from error
            except AlreadyTraining as error:
                raise CommandError("Another process is training at this moment.") from error
        self.stdout.write(f"Model {model.version}: {len(model.item_ids)} series, {model.sessions.readers} readers.")
