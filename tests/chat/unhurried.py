"""A small shop for whole turns, on a machine that does other things as well."""

from __future__ import annotations

from typing import Any

from tests.shop.catalogue import lay_small_catalogue


def open_unhurried_shop(settings: Any) -> None:
    """A turn's step may take half a minute, and the outbox is delivered when the test does it."""
    lay_small_catalogue()
    settings.OUTBOX_WAKE = False
    settings.TURN_LIMITS_S = dict.fromkeys(settings.TURN_LIMITS_S, 30)
