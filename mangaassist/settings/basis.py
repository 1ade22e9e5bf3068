"""What the other settings build on: the profile, its folder, whether this is the demo."""

from __future__ import annotations

from pathlib import Path

from mangaassist import environment

BASE_DIR = Path(__file__).resolve().parent.parent.parent

PROFILE = environment.choice("MANGAASSIST_PROFILE", "embedded", ("embedded", "aws"))
EMBEDDED = PROFILE == "embedded"
DATA_DIR = Path(environment.text("DATA_DIR", str(BASE_DIR / "var"), shown="./var")).resolve()
# Demo data, demo sign-in and the shop's pages exist only here.
DEMO = environment.boolean("DEMO", EMBEDDED)
if DEMO and not EMBEDDED:
    environment.faults.append("DEMO=1 contradicts MANGAASSIST_PROFILE=aws: demo data is for the embedded profile only.")
    DEMO = False
DEBUG = environment.boolean("DEBUG", False)
