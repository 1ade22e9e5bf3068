"""Slots are known ones, and a price or a stock level stands beside the title that it belongs to."""

from __future__ import annotations

from chat.guardrails.proof import LIVE, Bare, Proof


def wrong_slot(read: Bare, proof: Proof) -> str:
    if "{{" in read.text or "}}" in read.text:
        return "broken slot"
    unknown = next((slot for slot in read.slots if slot not in proof.slots), None)
    if unknown is not None:
        return f"nothing known for {unknown[0]}:{unknown[1]}"
    return _misplaced(read) if read.is_live else ""


def _misplaced(read: Bare) -> str:
    """Only groups of one title and then its own live values: "A and B cost {{price:A}}" says too much."""
    title, told = "", True
    for kind, id in read.slots:
        if kind == "title":
            if not told:
                return "a title without its own price"
            title, told = id, False
        elif kind not in LIVE or id != title:
            return "a price or stock without its own title before it"
        else:
            told = True
    return "" if told else "a title without its own price"
