"""What a message is about: the named first, then the pointed at, then what we talk of, then the page. Pure rules."""

from __future__ import annotations

import re
from typing import Literal

from chat import cues
from chat.context import PageContext
from chat.state import DialogueState
from chat.understanding.types import Entities, Intent

# "unclear": worth a question; "about_assistant": what they are talking with; "unknown_title": it is about something
# whose name the catalogue does not know; "deed": we are to do something (chat.deeds); "nod": there is nothing to
# answer (chat.nods).
Want = Intent | Literal["unclear", "about_assistant", "unknown_title", "deed", "nod"]
# (series, one ASIN, several ASINs)
Target = tuple[tuple[str, ...], str, tuple[str, ...]]

# Intents that are about one series or edition, so that "it" and "the second one" have a meaning.
ABOUT_A_TITLE: frozenset[str] = frozenset(
    {"series_facts", "product_facts", "next_volume", "price", "availability", "reading_order", "budget"}
)
# Without a title it is about the shopper's own shelf.
SHELVES: frozenset[str] = frozenset({"next_volume"})


def target_of(
    text: str, intent: Want, entities: Entities, state: DialogueState, context: PageContext, *, unknown: str = ""
) -> Target:
    """(series, one asin, several asins): the named first, then the pointed at, then the page."""
    if entities.asins:
        return (), entities.asins[0], ()
    if entities.series:
        # "Vinland Saga, not Berserk" corrects: the one that is wanted comes first where it is named first.
        return entities.series, "", ()
    if intent == "unknown_title" or (unknown and intent == "recommend" and entities.similar_to):
        return (), "", ()
    if intent == "compare":
        return state.shown_series[:2], "", ()
    if cues.BACK.search(text) and state.previous:
        return (state.previous,), "", ()
    if intent == "recommend" and (entities.similar_to or cues.LIKE_IT.search(text)):
        # "Something similar?": to what we talk about, or to what the page shows.
        meant = state.liked or ((state.series or context.series,) if state.series or context.series else ())
        return meant, "", ()
    if intent not in ABOUT_A_TITLE:
        return (state.liked if intent == "recommend" else ()), "", ()
    number = entities.ordinal or (entities.bare_number if len(state.shown) > 1 else None)
    if number is not None and state.shown and intent != "reading_order":
        position = number - 1 if number > 0 else len(state.shown) + number
        if 0 <= position < len(state.shown):
            return (), state.shown[position], ()
    if intent in {"budget", "reading_order"}:
        about = state.series or context.series or (state.shown_series[0] if state.shown_series else "")
        return ((about,) if about else ()), "", ()
    if entities.volumes or entities.bare_number is not None or entities.language or entities.format:
        # Another volume, language or format of what we talk about.
        if state.series or context.series:
            return ((state.series or context.series),), "", ()
        if state.shown_series:
            return (state.shown_series[0],), "", ()
    return _in_focus(intent, state, context)


def _in_focus(intent: Want, state: DialogueState, context: PageContext) -> Target:
    if state.asin:
        return (
            ((state.series,) if intent in {"series_facts", "next_volume"} and state.series else ()),
            state.asin,
            (),
        )
    is_list = not state.series or state.intent == "budget"
    if len(state.shown) > 1 and intent in {"price", "availability"} and is_list:
        return (), "", state.shown
    if state.series:
        return (state.series,), "", ()
    if context.asin:
        return ((context.series,) if context.series else ()), context.asin, ()
    if context.series:
        return (context.series,), "", ()
    if state.shown:
        return (
            (),
            state.shown[0] if len(state.shown) == 1 else "",
            state.shown if len(state.shown) > 1 else (),
        )
    return (), "", ()


def form_of(text: str, intent: Want, entities: Entities) -> str:
    """The format that is asked for. To finish "the whole series" is no wish for a box."""
    if intent == "budget" and entities.format == "box_set" and not re.search(r"box|ボックス|BOX", text, re.IGNORECASE):
        return ""
    return entities.format


def variant_of(entities: Entities, state: DialogueState, context: PageContext) -> str:
    if not (entities.language or entities.format) or entities.volumes or entities.series or entities.asins:
        return ""
    if entities.ordinal is not None or entities.bare_number is not None:
        return ""
    return state.asin or ("" if state.series else context.asin)
