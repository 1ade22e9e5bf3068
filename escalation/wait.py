"""How long somebody will wait. A pure rule, and it says nothing rather than something invented."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

# Fewer than these are no experience.
ENOUGH = 3


def estimate_wait(
    position: int, *, places: int, taken: int, handling_s: Sequence[float], pick_up_s: Sequence[float]
) -> int | None:
    """Seconds, at least 1; None when unknown.

    ``position``: from 1. ``places``: conversations that the agents at work can hold, ``taken`` of them held.
    ``handling_s``: how long recent ones took; ``pick_up_s``: how soon recent ones were taken.

    With a free place it takes as long as it lately took until somebody clicked. Without one, each of ``places``
    conversations ends after the median handling time, so that a place becomes free every ``median / places``.
    """
    if places <= 0:
        return None
    ahead = position - max(places - taken, 0)
    if ahead <= 0:
        return max(1, math.ceil(median(pick_up_s))) if len(pick_up_s) >= ENOUGH else None
    if len(handling_s) < ENOUGH:
        return None
    return max(1, math.ceil(ahead * median(handling_s) / places))
