"""What a page is looked at with, as far as the browser tells."""

from __future__ import annotations

import re

from django.http import HttpRequest

_TABLET = re.compile(r"\biPad\b|\bTablet\b|\bKindle\b|\bSilk/|Android(?!.*\bMobile\b)")
_MOBILE = re.compile(r"\bMobi|\biPhone\b|\biPod\b")
_ROBOT = re.compile(r"bot\b|crawl|spider|slurp", re.IGNORECASE)


def device_of(request: HttpRequest) -> str:
    """``desktop``, ``mobile``, ``tablet``, or empty for robots and what says nothing of itself.

    By the client hint where there is one (Chromium; it does not tell tablets), else by the User-Agent.
    """
    agent = request.headers.get("User-Agent", "")[:400]
    if not agent or _ROBOT.search(agent):
        return ""
    if _TABLET.search(agent):
        return "tablet"
    hint = request.headers.get("Sec-CH-UA-Mobile", "")
    return "mobile" if hint == "?1" or (hint != "?0" and _MOBILE.search(agent)) else "desktop"
