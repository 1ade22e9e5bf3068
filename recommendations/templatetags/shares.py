"""Shares of 0-1 as people read them."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def percent(share: float) -> str:
    """One decimal below 10 %: 0.0412 is "4.1 %", 0.63 is "63 %"."""
    return f"{share * 100:.1f} %" if share < 0.0995 else f"{share * 100:.0f} %"


@register.filter
def points(difference: float) -> str:
    """A difference of two shares, in percentage points with its sign."""
    return f"{difference * 100:+.1f}".replace("-", "−")


@register.filter
def chance(p: float) -> str:
    return f"{p:.3f}" if p >= 0.001 else "below 0.001"
