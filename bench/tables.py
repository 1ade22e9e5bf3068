"""A table of results, as it is printed and as it stands in docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """``rows`` as long as ``columns``. ``note`` says what was measured and what the figures do not say."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.title}: {len(row)} cells under {len(self.columns)} columns: {row!r}")

    def markdown(self) -> str:
        """The first column is text, the others are figures and aligned to the right."""
        widths = [
            max(len(cells[place]) for cells in ([*self.rows, self.columns])) for place in range(len(self.columns))
        ]
        lines = [
            f"## {self.title}",
            "",
            _line(self.columns, widths),
            "|"
            + "|".join(
                "-" * (width + 2) if place == 0 else "-" * (width + 1) + ":" for place, width in enumerate(widths)
            )
            + "|",
            *(_line(row, widths) for row in self.rows),
        ]
        if self.note:
            lines += ["", self.note]
        return "\n".join(lines) + "\n"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.ljust(width) if place == 0 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "| " + " | ".join(padded) + " |"
