"""Whether it is asked how far a series has come, or what comes next for the shopper: table."""

from __future__ import annotations

import pytest

from chat.cues import NEWEST_VOLUME


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("when does the next volume come out?", True),
        ("next Chainsaw Man volume released?", True),
        ("when will the next Nana be out", True),
        ("latest volume of Frieren?", True),
        ("what's the newest Berserk volume?", True),
        ("when is the new volume out?", True),
        ("HUNTER×HUNTERの続きはいつ出ますか", True),
        ("NANAの最新刊は？", True),
        ("次の巻の発売日は？", True),
        ("新刊はいつ？", True),
        ("next volume please", False),
        ("what's next?", False),
        ("what comes out next month?", False),
        ("newest manga", False),
        ("what's the newest volume I don't have?", False),
        ("次の巻は？", False),
        ("続きを買いたい", False),
        ("次はいつ届きますか", False),
        ("when will my next order arrive?", False),
    ],
)
def test_how_far_a_series_has_come(text: str, asked: bool) -> None:
    assert (NEWEST_VOLUME.search(text) is not None) == asked
