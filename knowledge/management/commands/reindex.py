"""Brings the index of help articles, documents and product texts up to date, all of it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from knowledge.backends.base import SourceUnavailable
from knowledge.index import BuildLost, IndexBusy, NotVerified, serving_version
from knowledge.reindexing import reindex_everything


class Command(BaseCommand):
    help = "Reads every article, document and product text again and puts what changed in force as one new version."

    def handle(self, *args: Any, **options: Any) -> None:
        before = serving_version()
        bar = tqdm(unit="source", disable=None, file=self.stderr)

        def progress(done: int, of: int) -> None:
            bar.total = of
            bar.update(done - bar.n)

        try:
            version = reindex_everything(progress)
        except KeyboardInterrupt:
            raise CommandError(f"Interrupted: version {before} stays in force.", returncode=130) from None
        except (IndexBusy, BuildLost, NotVerified, SourceUnavailable) as error:
            raise CommandError(f"Version {before} stays in force. {error}") from error
        finally:
            bar.close()
        told = "is in force, as before: nothing has changed" if version == before else "is in force"
        self.stdout.write(f"Version {version} of the index {told}.")
