"""The usual development server (daphne, so that WebSockets work), with the private Redis it needs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from daphne.management.commands.runserver import Command as DaphneRunserver
from django.conf import settings
from django.core.management.base import CommandError

from mangaassist import embedded


class Command(DaphneRunserver):  # type: ignore[misc]  # daphne has no types
    help = "Starts the development server, and DATA_DIR's private Redis unless REDIS_URL is set or it runs already."

    def handle(self, *args: Any, **options: Any) -> None:
        # The auto-reloader runs this command again in a child: Redis is its parent's.
        in_child = os.environ.get("RUN_MAIN") == "true"
        data_dir = Path(settings.DATA_DIR)
        if in_child or not settings.PRIVATE_REDIS or embedded.answers(data_dir):
            super().handle(*args, **options)
            return
        redis = embedded.PrivateRedis(data_dir)
        try:
            redis.start()
        except (embedded.RedisUnavailable, embedded.DataDirInUse) as error:
            raise CommandError(str(error)) from error
        try:
            super().handle(*args, **options)
        finally:
            redis.stop()
