"""What can be tried out on shoppers: which engine answers, its parameters, and how the shelves are laid out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from django.conf import settings

# As configured (RECOMMENDERS); our own ladder; one rung of it; or only what is popular, as a control.
Engine = Literal["configured", "local", "ease", "session", "popular"]
ENGINE_CHOICES: tuple[Engine, ...] = ("configured", "local", "ease", "session", "popular")
ShelfOrder = Literal["continue_first", "discover_first"]
SHELF_ORDERS: tuple[ShelfOrder, ...] = ("continue_first", "discover_first")

# What an operator may set them to: (lowest, highest).
BOUNDS: dict[str, tuple[float, float]] = {
    "long_history": (1, 200),
    "ease_half_life": (0.5, 1_000),
    "session_half_life": (0.5, 1_000),
    "explore_share": (0, 0.3),
    "trend_share": (0, 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """The defaults are measured (docs/benchmarks.md).

    ``long_history``: from this many known series on EASE answers; below it session neighbours are better.
    ``…_half_life``: the weight of a history is halved every so many series.
    ``explore_share``: of the places of "discover" behind the first two, for series that hardly anybody has read yet.
    ``trend_share``: how much what is read more than usual counts beside what is read most.
    """

    engine: Engine = "configured"
    shelf_order: ShelfOrder = "continue_first"
    long_history: int = 10
    ease_half_life: float = 15.0
    session_half_life: float = 4.0
    explore_share: float = 0.0
    trend_share: float = 0.3


# With nothing explored: what evaluation looks at.
PLAIN = Tuning()


def usual() -> Tuning:
    """What everybody gets while nothing is tried out."""
    return Tuning(explore_share=settings.RECOMMENDER_EXPLORE_SHARE)
