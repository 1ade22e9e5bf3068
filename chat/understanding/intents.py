"""Which intent a message has: word and character n-grams, TF-IDF, a linear SVM with an explicit *other*.

Trained from our own utterances by scikit-learn in seconds, at the first start; inference is numpy. The trained
weights lie in ``DATA_DIR/intents/<hash of the sentences>.npz``, so that new sentences mean a new model.
"""

from __future__ import annotations

import hashlib
import math
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from chat.understanding.kept import Arrays, KeptModels
from chat.understanding.types import Intent, Language

UTTERANCES = Path(__file__).parent / "utterances"
INTENTS: tuple[Intent, ...] = get_args(Intent)
# Part of the file's name: a change of the features or of the fit below is a new model as well.
_FEATURES_VERSION = 8
# Distances from the planes into probabilities: softmax of SHARPNESS times them, as it fits sentences left out of a
# training best (4.6 for English, 5.0 for Japanese). Guo et al., On Calibration of Modern Neural Networks, 2017.
_SHARPNESS = 4.8
_TOKEN = re.compile(r"<\w+>|[a-z0-9']+|[^\sa-z0-9]", re.IGNORECASE)
# What stands for words in Japanese: a run of kanji, of katakana or of Latin letters.
_RUN = re.compile(r"[\u3400-\u9fff々]+|[\u30a0-\u30ffー]+|[a-z]+")

Features = Counter[str]


@dataclass(frozen=True, slots=True)
class Guess:
    """The best intent with its probability, the next best, and the distance between them."""

    intent: Intent
    confidence: float
    runner_up: Intent
    margin: float


@dataclass(frozen=True, slots=True)
class IntentModel:
    """One language's weights: ``weights[feature, intent]``, ``idf[feature]``, ``bias[intent]``."""

    vocabulary: dict[str, int]
    idf: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    intents: tuple[Intent, ...]

    def guess(self, masked: str, language: Language) -> Guess:
        counts = _with_strangers(features_of(masked, language), self.vocabulary)
        known = [(self.vocabulary[f], n) for f, n in counts.items() if f in self.vocabulary]
        if not known:
            return Guess("other", 0.5, "search", 0.5)
        columns = np.fromiter((column for column, _ in known), dtype=np.int64, count=len(known))
        values = np.fromiter((1 + math.log(n) for _, n in known), dtype=np.float32, count=len(known))
        values *= self.idf[columns]
        values /= float(np.linalg.norm(values)) or 1.0
        scores = values @ self.weights[columns] + self.bias
        likely = np.exp(_SHARPNESS * (scores - scores.max()))
        likely /= likely.sum()
        first, second = np.argsort(likely)[::-1][:2]
        return Guess(
            self.intents[first], float(likely[first]), self.intents[second], float(likely[first] - likely[second])
        )


def features_of(masked: str, language: Language) -> Features:
    """Words, word pairs, and character 3- and 4-grams; for Japanese, which has no spaces, runs of one script and
    character 1- to 3-grams.
    """
    text = unicodedata.normalize("NFKC", masked).lower().strip(" ?!.。？！、,~〜")
    tokens = _TOKEN.findall(text)[:200]
    counts: Features = Counter()
    if language == "en":
        words = [token for token in tokens if token[0].isalnum() or token[0] == "<"]
        counts.update(f"w:{word}" for word in words)
        counts.update(f"p:{a} {b}" for a, b in zip(["^", *words], [*words, "$"], strict=True))
        sizes: tuple[int, ...] = (3, 4)
    else:
        counts.update(f"w:{token}" for token in tokens if token.startswith("<"))
        counts.update(f"w:{run}" for run in _RUN.findall(re.sub(r"<\w+>", " ", text)))
        sizes = (1, 2, 3)
    # A placeholder counts as one character, so that its letters are no evidence.
    line = "^" + re.sub(r"<(\w)\w*>", lambda m: _PLACE.get(m[1], "\ue003"), text)[:400] + "$"
    for size in sizes:
        counts.update(f"c:{line[i : i + size]}" for i in range(len(line) - size + 1))
    return counts


def _with_strangers(counts: Features, vocabulary: Collection[str]) -> Features:
    """The features, and how much of the message are words that no training taught: what is none of the shop's
    business is mostly said in such words, whatever they are.
    """
    words = [feature for feature in counts if feature.startswith("w:")]
    strange = sum(word not in vocabulary for word in words)
    if not strange:
        return counts
    marks = {"strange": strange, "mostly strange": int(2 * strange >= len(words)), "all strange": strange == len(words)}
    return counts + Counter({mark: int(n) for mark, n in marks.items()})


_PLACE = {"t": "\ue000", "a": "\ue001", "n": "\ue002"}


def read_utterances(language: Language) -> dict[Intent, list[str]]:
    with open(UTTERANCES / f"{language}.toml", "rb") as file:
        table = tomllib.load(file)
    return {intent: list(table[intent]) for intent in INTENTS}


def train(language: Language) -> IntentModel:
    """Fits one language from its sentences: deterministic, two seconds of one core."""
    from scipy.sparse import csr_matrix
    from sklearn.svm import LinearSVC

    sentences = [(s, i) for i, spoken in read_utterances(language).items() for s in spoken]
    counted = [features_of(sentence, language) for sentence, _ in sentences]
    # A word of one sentence only is a stranger in training too: that is how strangers are learnt.
    often = {feature for feature, n in Counter(f for counts in counted for f in counts).items() if n >= 2}
    counted = [_with_strangers(counts, often) for counts in counted]
    seen = Counter(feature for counts in counted for feature in counts)
    vocabulary = {feature: column for column, feature in enumerate(sorted(f for f, n in seen.items() if n >= 2))}
    idf = np.zeros(len(vocabulary), dtype=np.float32)
    for feature, column in vocabulary.items():
        idf[column] = math.log((1 + len(counted)) / (1 + seen[feature])) + 1
    rows, columns, values = [], [], []
    for row, counts in enumerate(counted):
        known = [(vocabulary[f], n) for f, n in counts.items() if f in vocabulary]
        weighted = np.array([(1 + math.log(n)) * idf[c] for c, n in known], dtype=np.float32)
        weighted /= float(np.linalg.norm(weighted)) or 1.0
        rows += [row] * len(known)
        columns += [c for c, _ in known]
        values += weighted.tolist()
    matrix = csr_matrix((values, (rows, columns)), shape=(len(counted), len(vocabulary)))
    fitted = LinearSVC(class_weight=_weights(sentences), random_state=0).fit(matrix, [i for _, i in sentences])
    return IntentModel(
        vocabulary=vocabulary,
        idf=idf,
        weights=fitted.coef_.T.astype(np.float32),
        bias=fitted.intercept_.astype(np.float32),
        intents=tuple(fitted.classes_.tolist()),
    )


def _weights(sentences: list[tuple[str, Intent]]) -> dict[Intent, float]:
    """Every intent weighs the same, however many sentences it has; *other* three times: to refuse is the safer mistake."""
    counts = Counter(intent for _, intent in sentences)
    even = {intent: len(sentences) / len(counts) / count for intent, count in counts.items()}
    return even | {"other": 3 * even["other"]}


# --- Kept between starts ----------------------------------------------------------------------------------


def model_path(language: Language) -> Path:
    digest = hashlib.sha256((UTTERANCES / f"{language}.toml").read_bytes() + str(_FEATURES_VERSION).encode())
    return Path(settings.DATA_DIR) / "intents" / f"{language}-{digest.hexdigest()[:16]}.npz"


def _pack(model: IntentModel) -> Arrays:
    return {
        "features": np.array(list(model.vocabulary), dtype=np.str_),
        "idf": model.idf,
        "weights": model.weights,
        "bias": model.bias,
        "intents": np.array(model.intents, dtype=np.str_),
    }


def _unpack(arrays: Arrays) -> IntentModel:
    return IntentModel(
        vocabulary={feature: column for column, feature in enumerate(arrays["features"].tolist())},
        idf=arrays["idf"],
        weights=arrays["weights"],
        bias=arrays["bias"],
        intents=tuple(arrays["intents"].tolist()),
    )


kept = KeptModels(train=train, path=model_path, pack=_pack, unpack=_unpack)
load, warm = kept.load, kept.warm


def train_missing(tell: Callable[[str], object] = lambda line: None) -> None:
    kept.train_missing(lambda: tell("Learning what shoppers mean (on the first start only) …"))
