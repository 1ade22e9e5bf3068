"""One way to compare texts: folding, and tokens for search that work without spaces."""

from __future__ import annotations

import re
import unicodedata

# Hiragana, katakana without the middle dot (it separates words), Han characters and their repeat marks.
_CJK = "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u9fff\uf900-\ufaff々〆"
_RUN = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
_APOSTROPHE = re.compile(r"['’‘`]")
_LATIN_MARKS = str.maketrans({"ō": "o", "ū": "u", "ā": "a", "ē": "e", "ī": "i", "é": "e", "è": "e", "ü": "u"})
_IN_CJK = re.compile(f"[{_CJK}]")


def is_cjk(text: str) -> bool:
    """Whether anything of it is written in kana or Chinese characters."""
    return _IN_CJK.search(unicodedata.normalize("NFKC", text)) is not None


def fold(text: str) -> str:
    """NFKC, lower case, no accents of romanisation, words by single spaces: "ＯＮＥ-ＰＩＥＣＥ" → "one piece"."""
    text = unicodedata.normalize("NFKC", text).casefold().translate(_LATIN_MARKS)
    return " ".join(_RUN.findall(_APOSTROPHE.sub("", text)))


def tokens(text: str) -> list[str]:
    """Words of alphabets; for Chinese characters and kana every character and every pair of neighbours."""
    found: list[str] = []
    for run in _RUN.findall(fold(text)):
        if _IN_CJK.match(run):
            found += list(run)
            found += [run[i : i + 2] for i in range(len(run) - 1)]
        else:
            found.append(run)
    return found


def query_tokens(text: str) -> list[str]:
    """Like :func:`tokens`, but a run of two or more CJK characters asks for its pairs only: they are rarer."""
    found: list[str] = []
    for run in _RUN.findall(fold(text)):
        if _IN_CJK.match(run) and len(run) > 1:
            found += [run[i : i + 2] for i in range(len(run) - 1)]
        else:
            found.append(run)
    return found
