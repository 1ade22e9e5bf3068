"""The forms that a manga is sold in."""

from __future__ import annotations

# The likeliest meant first: single volumes before collections.
FORMATS = [
    ("paperback", "Paperback"),
    ("hardcover", "Hardcover"),
    ("ebook", "E-book"),
    ("omnibus", "Omnibus"),
    ("deluxe", "Deluxe edition"),
    ("box_set", "Box set"),
]
_RANKS = {format: rank for rank, (format, _) in enumerate(FORMATS)}


def format_rank(format: str) -> int:
    """Its place among :data:`FORMATS`; what is unknown comes last."""
    return _RANKS.get(format, len(_RANKS))
