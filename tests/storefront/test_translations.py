"""Compiled Japanese catalogues are committed, so that a bare machine needs no gettext: they must match their source."""

from __future__ import annotations

import gettext
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2]


@pytest.mark.parametrize("app", [".", "escalation"])
def test_the_compiled_catalogue_matches_its_source_and_is_complete(app: str) -> None:
    folder = FOLDER / app / "locale" / "ja" / "LC_MESSAGES"
    source = (folder / "django.po").read_text(encoding="utf-8")
    pairs = {}
    for block in source.split("\n\n")[1:]:
        said, meant = (
            "".join(re.findall(r'"(.*)"', part)).replace('\\"', '"')
            for part in re.split(r"^msgstr ", block.split("msgid ", 1)[1], flags=re.M)
        )
        pairs[said] = meant
    assert len(pairs) > 60
    assert all(pairs.values())
    with open(folder / "django.mo", "rb") as file:
        compiled = gettext.GNUTranslations(file)
    assert {said: compiled.gettext(said) for said in pairs} == pairs
