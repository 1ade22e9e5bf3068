"""How a page is looked at, and where its pictures lie."""

from __future__ import annotations

from typing import Literal

from django.conf import settings

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# For people to see; never in git.
PICTURES = settings.BASE_DIR / "var" / "pictures"
