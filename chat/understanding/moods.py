"""How a message sounds: at odds with the assistant, or complaining of what was bought. A second, small model beside the
intents, of the same features: a question about an order may be calm or furious, whatever its intent.

Trained at the first start from ``moods`` and, as what is neither, from the sentences of the intents; kept in
``DATA_DIR/intents`` under the hash of both.
"""

from __future__ import annotations

import hashlib
import inspect
import math
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from chat.understanding.intents import UTTERANCES, features_of, read_utterances
from chat.understanding.kept import Arrays, KeptModels
from chat.understanding.types import Language

Mood = Literal["none", "frustration", "complaint"]
MOODS: tuple[Mood, ...] = get_args(Mood)
SENTENCES = Path(__file__).parent / "moods"
# Part of the file's name: a change of the fit below is a new model as well.
_VERSION = 2
# Characters; what is worse comes first.
LONGEST_READ = 1_000


@dataclass(frozen=True, slots=True)
class Felt:
    """Probabilities, 0 to 1."""

    frustration: float = 0.0
    complaint: float = 0.0


@dataclass(frozen=True, slots=True)
class MoodModel:
    """One language's weights: ``weights[feature or sign, mood]``, ``idf[feature]``, ``bias[mood]``; moods without *none*,
    each judged by itself."""

    vocabulary: dict[str, int]
    idf: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def felt(self, text: str, language: Language) -> Felt:
        columns, values = _weighted(text, language, self.vocabulary, self.idf)
        scores = values @ self.weights[columns] + self.bias
        frustration, complaint = (1 / (1 + np.exp(-scores))).tolist()
        return Felt(frustration=frustration, complaint=complaint)


# What a sentence is like, whatever its words: it asks what would be, tells of a story, is kind, is a question at all.
_SIGNS = (
    re.compile(
        r"^(?:(?:so|and|but|hi|hello|ok)[ ,]+)?(?:what (?:do|if|happens|about|is|does|are|was)|what['’]?s|do you|does|can (?:i|you|we|it)|"
        r"could|may i|is (?:it|there|this a|the|my|your)|are (?:there|you a|the|any)|how (?:do|does|long|are|is|much|can|many)|"
        r"who (?:is|pays|are|wrote)|which|when|where (?:can|do)|did (?:my|you get)|has (?:it|my)|will|if|in case)\b"
        r"|(?:たら|場合|とき)(?:は|の|に|、|どう|交換|返)|(?:でき|もらえ|あり|され)ますか|(?:どう|何|いつ|どれ|いくら)(?:なり|すれば|ですか)|方法|教えて",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:manga|comics?|series|stor(?:y|ies)|plot|arc|hero(?:es|ine)?|protagonist|villains?|characters?|recommend|genre|titles?|"
        r"roman(?:ce|tic)|horror|comed(?:y|ies)|humou?r|isekai|shonen|action|fantasy|mystery|anime|movie|ending|twist|reborn|setting|"
        r"sidekick|love)\b"
        r"|漫画|マンガ|まんが|作品|主人公|物語|小説|の話|話が(?:読|欲|ほ)|おすすめ|勇者|描い|ホラー|もの(?:は|が|を|$)|コメディ|ラブコメ|ギャグ|ミステリー|"
        r"サスペンス|アクション|恋|キャラ|悪役|異世界|ヒーロー|ヒロイン|日常",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:thanks|thank you|sorry|please|loved?|my (?:fault|mistake))\b|ありがと|大丈夫|すみません|ごめん|最高|お願い",
        re.IGNORECASE,
    ),
    re.compile(r"[?？]"),
)
_SIGN = np.float32(0.5)


def _weighted(
    text: str, language: Language, vocabulary: dict[str, int], idf: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """(columns, values): TF-IDF of the known features to length 1, and after their columns the signs."""
    text = text[:LONGEST_READ]
    known = [(vocabulary[f], n) for f, n in features_of(text, language).items() if f in vocabulary]
    columns = np.fromiter((column for column, _ in known), dtype=np.int64, count=len(known))
    values = np.fromiter((1 + math.log(n) for _, n in known), dtype=np.float32, count=len(known)) * idf[columns]
    values /= float(np.linalg.norm(values)) or 1.0
    signs = [len(idf) + place for place, sign in enumerate(_SIGNS) if sign.search(text)]
    return (
        np.concatenate([columns, np.array(signs, dtype=np.int64)]),
        np.concatenate([values, np.full(len(signs), _SIGN)]),
    )


def mood_of(text: str, language: Language) -> Felt:
    return load(language).felt(text, language)


# --- Training ---------------------------------------------------------------------------------------------


def read_sentences(language: Language) -> Iterator[tuple[str, Mood]]:
    """Those of ``moods``, and of the intents: ``complaint`` is one here as well, ``human`` and ``other`` may be anything,
    and a question about an order may be a complaint."""
    table = tomllib.loads((SENTENCES / f"{language}.toml").read_text(encoding="utf-8"))
    for mood in MOODS:
        yield from ((sentence, mood) for sentence in table[mood])
    for intent, spoken in read_utterances(language).items():
        if intent == "complaint":
            yield from ((sentence, "complaint") for sentence in spoken)
        elif intent not in {"human", "other"}:
            calm = [sentence for sentence in spoken if intent != "order_status" or not _AMISS.search(sentence)]
            yield from ((sentence, "none") for sentence in calm)


_AMISS = re.compile(
    r"\b(?:not|never|nothing|still|yet|late|lost|missing)\b|n['’]?t\b|ない|ません|ぬ|遅|なくな", re.IGNORECASE
)


def train(language: Language) -> MoodModel:
    """Fits one language from its sentences: deterministic, a second or two of one core."""
    return fit(list(read_sentences(language)), language)


def fit(sentences: list[tuple[str, Mood]], language: Language) -> MoodModel:
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    seen = Counter(feature for sentence, _ in sentences for feature in features_of(sentence, language))
    vocabulary = {feature: column for column, feature in enumerate(sorted(f for f, n in seen.items() if n >= 2))}
    idf = np.array([math.log((1 + len(sentences)) / (1 + seen[f])) + 1 for f in vocabulary], dtype=np.float32)
    weighted = [_weighted(sentence, language, vocabulary, idf) for sentence, _ in sentences]
    rows = np.repeat(np.arange(len(weighted)), [len(columns) for columns, _ in weighted])
    columns, values = (np.concatenate(each) for each in zip(*weighted, strict=True))
    matrix = csr_matrix((values, (rows, columns)), shape=(len(sentences), len(vocabulary) + len(_SIGNS)))
    fitted = [
        LogisticRegression(C=5.0, solver="liblinear", class_weight="balanced").fit(
            matrix, [felt == mood for _, felt in sentences]
        )
        for mood in MOODS
        if mood != "none"
    ]
    return MoodModel(
        vocabulary=vocabulary,
        idf=idf,
        weights=np.stack([each.coef_[0] for each in fitted], axis=1).astype(np.float32),
        bias=np.array([each.intercept_[0] for each in fitted], dtype=np.float32),
    )


# --- Kept between starts ----------------------------------------------------------------------------------


def model_path(language: Language) -> Path:
    parts = ((SENTENCES / f"{language}.toml").read_bytes(), (UTTERANCES / f"{language}.toml").read_bytes())
    # Features are the intents': where they change, this model does.
    features = inspect.getsource(features_of).encode()
    digest = hashlib.sha256(b"".join(parts) + features + str(_VERSION).encode())
    return Path(settings.DATA_DIR) / "intents" / f"mood-{language}-{digest.hexdigest()[:16]}.npz"


def _pack(model: MoodModel) -> Arrays:
    features = np.array(list(model.vocabulary), dtype=np.str_)
    return {"features": features, "idf": model.idf, "weights": model.weights, "bias": model.bias}


def _unpack(arrays: Arrays) -> MoodModel:
    vocabulary = {feature: column for column, feature in enumerate(arrays["features"].tolist())}
    return MoodModel(vocabulary=vocabulary, idf=arrays["idf"], weights=arrays["weights"], bias=arrays["bias"])


kept = KeptModels(train=train, path=model_path, pack=_pack, unpack=_unpack)
load, warm = kept.load, kept.warm


def train_missing(tell: Callable[[str], object] = lambda line: None) -> None:
    kept.train_missing(lambda: tell("Learning how shoppers feel (on the first start only) …"))
