"""Models that think aloud begin with ``<think>…</think>`` (Qwen, DeepSeek and others): that is not for shoppers."""

from __future__ import annotations

OPENS, CLOSES = "<think>", "</think>"


class WithoutThinking:
    """Takes that beginning out of a stream, however it is cut."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "beginning"

    def feed(self, text: str) -> str:
        """What of it is for the shopper so far."""
        if self._state == "answer":
            return text
        self._held += text
        if self._state == "beginning":
            begun = self._held.lstrip()
            if OPENS.startswith(begun[: len(OPENS)]) and len(begun) < len(OPENS):
                return ""
            self._state = "thinking" if begun.startswith(OPENS) else "answer"
        if self._state == "thinking":
            _, closed, after = self._held.partition(CLOSES)
            if not closed:
                # Only what may be the beginning of its end is kept.
                self._held = self._held[-len(CLOSES) :]
                return ""
            self._state, self._held = "gap", after
        if self._state == "gap":
            self._held = self._held.lstrip()
            self._state = "answer" if self._held else "gap"
        held, self._held = self._held, ""
        return held

    def rest(self) -> str:
        """What was held back because it might have become a thought."""
        held, self._held = self._held, ""
        return held if self._state == "beginning" else ""
