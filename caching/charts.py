"""Charts that the server draws as an SVG path and bars, so that no script is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Of a table's cell.
WIDTH = 96
HEIGHT = 24


@dataclass(frozen=True, slots=True)
class Chart:
    """``line`` is an SVG path, ``bars`` are (x, y, width, height); both in a box of ``width`` × ``height``."""

    line: str
    bars: list[tuple[float, float, float, float]]
    is_empty: bool
    width: int
    height: int


def chart(
    values: Sequence[float | None], *, top: float | None = None, width: int = WIDTH, height: int = HEIGHT
) -> Chart:
    """``values`` oldest first; None: nothing was measured then, and the line has a gap. ``top``: the scale's end."""
    known = [value for value in values if value is not None]
    highest = top or max(known, default=0.0)
    if not known or highest <= 0:
        return Chart("", [], True, width, height)
    step = width / len(values)
    line, bars, pen = "", [], "M"
    for index, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        high = min(1.0, value / highest) * (height - 2)
        x, y = round((index + 0.5) * step, 1), round(height - 1 - high, 1)
        # A lone value between two gaps is a dot: a line of no length with round ends.
        line += f"{pen}{x} {y}" + (f"L{x} {y}" if pen == "M" else "")
        pen = "L"
        if value:
            bars.append((round(index * step + 0.5, 1), y, round(step - 1, 1), round(high, 1)))
    return Chart(line, bars, False, width, height)
