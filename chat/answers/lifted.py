"""What was taken back is said before the answer that goes without it."""

from __future__ import annotations

from chat.dialogue import Request
from chat.lifting import LIMITS, WISHES
from chat.phrases import JOINERS, say
from chat.plan import Line

_NAMED = ("budget", "age", "format", "edition_language", "max_volumes")


def lifted_lines(request: Request) -> tuple[Line, ...]:
    """Only before answers that such limits change."""
    if not request.lifted or request.intent not in {"recommend", "search", "budget"}:
        return ()
    if request.lifted >= LIMITS:
        return (Line("lifted.over" if request.lifted >= WISHES else "lifted.all"),)
    names = [say(request.language, f"lifted.{name}") for name in _NAMED if name in request.lifted]
    return (Line("lifted", {"names": JOINERS[request.language].join(names)}),) if names else ()
