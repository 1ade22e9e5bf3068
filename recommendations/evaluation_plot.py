"""A bar chart as SVG text, without a library."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

WIDTH = 640
ROW = 34
LABEL = 150
TOP = 48


def bars(title: str, values: Mapping[str, float]) -> str:
    """One bar per name, in the order given; values from 0 up, written at the bars' ends."""
    highest = max(values.values(), default=0.0) or 1.0
    height = TOP + ROW * len(values) + 12
    room = WIDTH - LABEL - 70
    rows = []
    for place, (name, value) in enumerate(values.items()):
        y, long = TOP + ROW * place, room * value / highest
        rows.append(
            f'<text x="{LABEL - 10}" y="{y + 17}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{LABEL}" y="{y}" width="{long:.1f}" height="24" rx="3" fill="#a3372b"/>'
            f'<text x="{LABEL + long + 8:.1f}" y="{y + 17}">{value:.3f}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="system-ui, sans-serif" font-size="13" fill="#222">'
        f'<rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="16" y="26" font-size="15" font-weight="600">{escape(title)}</text>{"".join(rows)}</svg>\n'
    )
