"""How a message sounds: what was held out from training, and what the second model must not trip over."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chat.understanding import moods
from chat.understanding.types import Language
from tests.escalation.moods import held_out, need_of, ordinary, share_alarmed, share_heard

LANGUAGES: tuple[Language, ...] = ("en", "ja")
# What is heard at least, and of harmless sentences at most: a little less than docs/escalation.md reports.
FLOORS = {
    ("en", "frustration"): 0.68,
    ("en", "complaint"): 0.88,
    ("ja", "frustration"): 0.73,
    ("ja", "complaint"): 0.85,
}
MOST_FALSE_ALARMS = 0.1


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_held_out_was_never_trained_on(language: Language) -> None:
    table = tomllib.loads((moods.SENTENCES / f"{language}.toml").read_text("utf-8"))
    trained = {text.casefold() for texts in table.values() for text in texts}
    told = held_out(language)
    assert trained.isdisjoint(text.casefold() for texts in told.values() for text in texts)
    assert min(len(told["frustration"]), len(told["complaint"]), len(told["none"])) >= 60


@pytest.mark.parametrize(("language", "mood"), list(FLOORS))
def test_what_is_heard_of_sentences_that_nobody_trained_on(language: Language, mood: str) -> None:
    assert share_heard(language, mood) >= FLOORS[language, mood]


@pytest.mark.parametrize("language", LANGUAGES)
def test_harmless_sentences_that_look_alike_are_left_alone(language: Language) -> None:
    assert share_heard(language, "none") <= MOST_FALSE_ALARMS


@pytest.mark.parametrize("language", LANGUAGES)
def test_beside_ordinary_questions_hardly_anybody_is_offered_a_person(language: Language) -> None:
    assert len(ordinary(language)) >= 400
    assert share_alarmed(language) <= 0.02


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_false_alarm_offers_a_person_and_never_brings_one_in(language: Language) -> None:
    """Neither is anybody brought in at the first time, by whatever was mistaken for a wish."""
    for text in [*ordinary(language), *held_out(language)["none"]]:
        need = need_of(text, language)
        assert need is None or need.action == "offer", text


@pytest.fixture
def learned() -> moods.MoodModel:
    """What this or another process has learned of the sentences as they are."""
    return moods.load("en")


def test_the_same_sentences_are_the_same_model(learned: moods.MoodModel) -> None:
    again = moods.train("en")
    assert np.array_equal(again.weights, learned.weights)
    assert again.vocabulary == learned.vocabulary


def test_it_is_kept_between_starts_and_learnt_anew_from_other_sentences(
    learned: moods.MoodModel, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR = tmp_path
    told: list[str] = []
    moods.train_missing(told.append)
    assert len(told) == 1
    moods.train_missing(told.append)
    assert len(told) == 1
    kept = moods.kept.read("en")
    assert kept.felt("this is useless", "en") == learned.felt("this is useless", "en")
    for language in LANGUAGES:
        (tmp_path / f"{language}.toml").write_bytes((moods.SENTENCES / f"{language}.toml").read_bytes() + b"\n")
    monkeypatch.setattr(moods, "SENTENCES", tmp_path)
    assert not moods.model_path("en").exists()


@pytest.mark.parametrize("text", ["", " ", "!!!", "1234", "\0", "🙂" * 50, "a" * 4000, "的" * 4000, "<title> <title>"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_is_written_sounds_like_something_between_0_and_1(text: str, language: Language) -> None:
    felt = moods.mood_of(text, language)
    assert 0 <= felt.frustration <= 1
    assert 0 <= felt.complaint <= 1
