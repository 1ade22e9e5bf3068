"""What an answer cost: prices are options of a generator, so that no price list ages in the code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPrices:
    """US dollars per 1,000 tokens. ``read``: input; ``written``: output; ``cached`` and ``stored``: input tokens that
    came out of, or went into, the provider's prompt cache (None: as other input)."""

    read: float | None = None
    written: float | None = None
    cached: float | None = None
    stored: float | None = None

    @property
    def are_set(self) -> bool:
        return self.read is not None and self.written is not None

    def cost(self, *, read: int, written: int, cached: int = 0, stored: int = 0) -> float | None:
        """In US dollars; None when the prices are not set."""
        if self.read is None or self.written is None:
            return None
        of_cached = self.read if self.cached is None else self.cached
        of_stored = self.read if self.stored is None else self.stored
        total = read * self.read + written * self.written + cached * of_cached + stored * of_stored
        return round(total / 1000, 8)
