"""What a model may not assert in passing: how a series stands, for whom it is fit, what happens in it.

These are facts of the catalogue or matters of judgement that our own wordings tell; a model that repeats a series'
status may do so only where all that was gathered has that status.
"""

from __future__ import annotations

import re

from chat.guardrails.proof import Bare, Proof

_IS = r"(?:is|are|was|has been|have been|remains?|stays?|now|['’]s)(?: (?:now|currently|already|finally|also|all|still|sadly|since))*"
_STATUS: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (
        re.compile(
            rf"\b{_IS} (?:complete[d]?|finished|concluded|over|ended|wrapped up)\b|\bcompleted? (?:series|run|story|manga)\b"
            r"|\b(?:has|have) (?:already |now )?(?:ended|finished|concluded)\b|完結|連載(?:は|が)?(?:終了|終わ)",
            re.IGNORECASE,
        ),
        frozenset({"complete"}),
    ),
    (
        re.compile(
            rf"\b{_IS} (?:ongoing|running|going|being (?:published|serialized|serialised))\b|\bongoing (?:series|story|manga)\b"
            r"|\bstill (?:running|going|coming out)\b|連載中|続刊中|連載が続",
            re.IGNORECASE,
        ),
        frozenset({"ongoing"}),
    ),
    (re.compile(r"\bhiatus\b|休載", re.IGNORECASE), frozenset({"hiatus"})),
    (re.compile(rf"\b{_IS} (?:cancel+ed|discontinued|axed)\b|打ち切り", re.IGNORECASE), frozenset({"cancelled"})),
)
_FOR_WHOM = re.compile(
    r"\b(?:perfect|suitable|fine|ok(?:ay)?|great|ideal|safe|appropriate|good|fit|right|made) for (?:\w+ ){0,3}"
    r"(?:kids?|child(?:ren)?|little (?:ones?|readers?)|toddlers?|teen\w*|ages?|everyone|anyone|families|family|young\w*|"
    r"son|daughter|nephew|niece|boys?|girls?)\b"
    r"|\b(?:kid|child|family)[- ](?:friendly|safe)\b|\bage[- ]appropriate\b|\b(?:no|without|free of) (?:\w+ ){0,2}(?:gore|violence|nudity|sex\w*|blood)\b"
    r"|お子(?:さん|様|さま)(?:に|でも|も|向け)|(?:子ども|子供)(?:に|でも|も)(?:安心|ぴったり|おすすめ|読め|最適)|全年齢|どなたでも|老若男女|年齢を問わ",
    re.IGNORECASE,
)
_HAPPENS = re.compile(
    r"\b(?:dies?|died|dead|death of|is killed|gets killed|kills|murders?|betrays?|sacrifices? (?:him|her|them)sel\w+|turns out to be|"
    r"is revealed|the ending|at the end|in the end|final (?:chapter|battle|volume|arc)|plot twist|true identity)\b"
    r"|死ぬ|死んで|死にます|殺され|正体は|黒幕|裏切|最後(?:に|は)|結末|最終(?:話|回|巻|章)|ネタバレ",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+")


def unproven_fact(read: Bare, proof: Proof) -> str:
    text = read.unnamed
    for pattern, status in _STATUS:
        found = pattern.search(text)
        if found and proof.statuses != status:
            return f"status {found[0]!r}"
    if found := _FOR_WHOM.search(text):
        return f"for whom {found[0]!r}"
    found = _HAPPENS.search(text)
    # What the series' own description gives away is told there as well.
    if found and not {word.casefold() for word in _WORD.findall(found[0])} <= proof.words:
        return f"what happens {found[0]!r}"
    return ""
