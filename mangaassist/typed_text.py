"""Text as people type it, without what no keyboard makes."""

from __future__ import annotations

import unicodedata


def without_controls(text: str) -> str:
    """Line breaks become ``\\n``; control, direction and private characters go; so does white space around."""
    return "".join(
        "\n" if char in "\r\n" else char
        for char in text.replace("\r\n", "\n")
        if char in "\r\n\t\u200d" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co"}
    ).strip()
