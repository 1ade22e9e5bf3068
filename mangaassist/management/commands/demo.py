"""What `make run` runs: the whole shop under one supervisor, and before it the preparation of its data."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from chat.understanding import intents, moods
from chat.understanding.types import Language
from mangaassist import prepared
from mangaassist.checks import SETTINGS
from mangaassist.operator import demo_operator
from shop.demo.build import TODAY
from shop.models import Order, Series

FEED = settings.BASE_DIR / "shop" / "demo" / "demo.jsonl.gz"


class Command(BaseCommand):
    help = "Runs the shop: private Redis, web, worker and beat. HOST, PORT, DATA_DIR and DEMO=0 are read."
    # The web server runs all of them; here they would load every app's code, a second of each start.
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--prepare",
            action="store_true",
            help="only migrate, load the demo shop where none is, and print the operator's password",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["prepare"]:
            os.environ["DATA_DIR"] = str(settings.DATA_DIR)
            os.chdir(settings.BASE_DIR)
            os.execv(sys.executable, [sys.executable, "-m", "mangaassist.supervisor"])  # noqa: S606
        data_dir = Path(settings.DATA_DIR)
        prepared.forget(data_dir)
        try:
            self._migrate()
            if settings.DEMO:
                self._load_demo()
            intents.train_missing(self.stdout.write)
            moods.train_missing(self.stdout.write)
            said = self._operator() if settings.EMBEDDED else []
            for line in said:
                self.stdout.write(line)
        except OperationalError as error:
            raise CommandError(f"The database does not answer: {error}") from error
        prepared.compile_code()
        if settings.EMBEDDED and connection.vendor == "sqlite":
            database = Path(connection.settings_dict["NAME"])
            learned = [path(each) for each in get_args(Language) for path in (intents.model_path, moods.model_path)]
            prepared.remember(data_dir, database, said=said, needs=learned)

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            self.stdout.write(f"Preparing the database: {len(plan)} migrations …")
            call_command("migrate", interactive=False, verbosity=0)

    def _load_demo(self) -> None:
        """On the first start, and again after one that was interrupted. A catalogue of the shop's own is left alone."""
        loading = Path(settings.DATA_DIR) / "demo.loading"
        if Series.objects.exists() and not loading.exists():
            return
        loading.touch()
        self.stdout.write("Loading the demo shop (on the first start only) …")
        try:
            call_command("import_catalog", str(FEED), stdout=self.stdout, stderr=self.stderr)
        except SystemExit as stop:
            if stop.code != 1:  # 1: some lines were rejected and said so; the others are in
                raise CommandError(f"The demo shop could not be loaded from {FEED}.") from stop
        self._bring_orders_to_today()
        if "train_recommender" in get_commands():
            self.stdout.write("Training the recommender …")
            try:
                call_command("train_recommender", stdout=self.stdout, stderr=self.stderr)
            except CommandError as error:  # it is trained again by and by; until then popular titles are recommended
                self.stderr.write(f"Not trained: {error}")
        loading.unlink()

    def _bring_orders_to_today(self) -> None:
        """So that what is on its way in the feed is still on its way on the day of the first start."""
        days = timezone.localdate() - TODAY
        for order in Order.objects.all() if days > timedelta(0) else ():
            order.placed_at += days
            order.eta = order.eta + days if order.eta else None
            order.save(update_fields=["placed_at", "eta"])

    def _operator(self) -> list[str]:
        """What is said of it: one line or none."""
        operator = demo_operator(Path(settings.DATA_DIR))
        if operator is None:
            return []
        return [f"Operator for /{settings.ADMIN_PATH} and /desk/: name {operator.name}, password {operator.password}"]
