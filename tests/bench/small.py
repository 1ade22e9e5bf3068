"""``python -m tests.bench.small FOLDER``: benchmarks in the smallest size that runs through all of their code.

What they write besides their tables goes to FOLDER.
"""

from __future__ import annotations

import importlib
import sys
from functools import partial
from pathlib import Path
from typing import Any

from bench.__main__ import all_modules, laboratory, run_all
from bench.pairing import ain_turns, in_turns

# Those that count what the process does come last.
SIZES: dict[str, dict[str, Any]] = {
    "cache": {
        "REFERENCES": (10,),
        "in_turns": partial(in_turns, rounds=1, calls=2),
        "ain_turns": partial(ain_turns, rounds=1, calls=2),
    },
    "catalog_events": {
        "EDITIONS": 50,
        "ROUNDS": 1,
        "WAYS": {"one": (1, 2), "prices": (20, 1), "descriptions": (20, 1), "again": (20, 1)},
    },
    "delivery": {"ROWS": 200, "ROUNDS": 1},
    "intents": {},
    "overview": {"TURNS": 500, "DAYS": 3, "OPENED": 2, "BATCH": 200},
    "stress": {"PROCESSES": 2, "SECONDS": 0.5},
    "sockets": {
        "IDLE": 20, "ALREADY_OPEN": 5, "STRANGERS": 30, "KEPT_STRANGERS": (10,), "SHOPPERS": 2, "TURNS_EACH": 2,
        "ROUNDS": 1, "PEOPLE": 3, "ASKED_BY_EACH": 2, "PAUSES_S": {"at once": (0.0, 0.1)},
    },
    "turn": {"SHOPPERS": (1,), "TURNS_EACH": {1: 8}, "PINGS": 5},
    "turn_cpu": {"ROUNDS": 1, "COUNTED": 1},
}  # fmt: skip


def main(folder: Path) -> int:
    with laboratory():
        for name, sizes in (SIZES | {"intents": {"REPORT": folder / "intents.md"}}).items():
            module = importlib.import_module(f"bench.{name}")
            for variable, value in sizes.items():
                assert hasattr(module, variable), f"bench.{name} has no {variable}"
                setattr(module, variable, value)
        # Whatever `make bench` looks into can be.
        for name in all_modules():
            importlib.import_module(f"bench.{name}")
        return run_all(SIZES, write=False, into_report=False)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
