#!/usr/bin/env python
"""Django's command-line entrance."""

import gc
import os
import sys
from pathlib import Path


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mangaassist.settings")
    from mangaassist import environment
    from mangaassist.loading import COLLECT_AFTER

    gc.set_threshold(*COLLECT_AFTER)

    environment.read_file(Path(__file__).resolve().parent / ".env")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
