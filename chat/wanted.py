"""What a new message wants in its place: its intent, given what was said before. Pure rules."""

from __future__ import annotations

import re
from typing import Literal, cast

from chat import cues
from chat.lifting import LIMITS
from chat.state import DialogueState
from chat.targets import ABOUT_A_TITLE, Want
from chat.understanding.types import Entities, Fact, Understanding

# Under these the assistant asks instead of guessing.
UNSURE_BELOW = 0.35
THIN_MARGIN = 0.1

# An order number in it does not make a complaint a question for the order.
_COMPLAINS: frozenset[str] = frozenset({"complaint"})
_VAGUE: frozenset[str] = frozenset({"search", "other", "recommend"})
_NEED_NO_CONTEXT: frozenset[str] = frozenset(
    {"greeting", "thanks", "goodbye", "human", "complaint", "faq", "account", "order_status"}
)


def of_several(entities: Entities) -> bool:
    """Whether each of several titles is asked for: "how much are Naruto 1 and Bleach 1?"."""
    return len(entities.series) > 1 and not entities.similar_to


_AN_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.\w+")
_ONLY_A_NUMBER = re.compile(r"\s*#?\d{1,3}[\s.!?。？]*")


def intent_in_context(
    text: str, heard: Understanding, state: DialogueState, *, asked: str, lifted: frozenset[str]
) -> Want:
    entities = heard.entities
    names_something = bool(entities.series or entities.authors or entities.asins)
    sure = heard.confidence >= UNSURE_BELOW
    about_theirs = not entities.series or cues.THEIRS.search(text) is not None
    complains = cues.COMPLAINT.search(text) is not None and heard.intent != "human" and about_theirs
    if complains or (sure and heard.intent in _COMPLAINS and not _is_ellipsis(text, heard)):
        return "complaint"
    if entities.order_ids:
        return "order_status"
    skill = _skill_asked(text, heard, state)
    if skill:
        return skill
    if asks_for_newest(text, entities):
        return "series_facts"
    of_a_volume = entities.volumes or entities.asins or (state.asin and re.search(r"what happens|何が起こ", text))
    if cues.PLOT.search(text) and of_a_volume and (entities.series or state.series or entities.asins):
        return "product_facts"
    if _AN_ADDRESS.search(text) and not names_something and heard.intent in ABOUT_A_TITLE:
        # "Reach me at …": its numbers are no volumes.
        return "unclear"
    if asked != "last_volume" and _ONLY_A_NUMBER.fullmatch(text) and (state.series or len(state.shown) > 1):
        # "3": that volume of what we talk about, or the third of the list.
        return "product_facts"
    if asked == "which_series" and entities.series and heard.intent in {"search", "series_facts", "other"}:
        return "next_volume"
    if _goes_on(text, entities, state, asked):
        return "budget" if state.intent == "budget" else "next_volume"
    corrected = _question_corrected(text, entities, state)
    if corrected:
        return corrected
    if _is_ellipsis(text, heard) and state.intent:
        return _again(state, entities)
    goes_back = cues.BACK.search(text) is not None and bool(state.previous)
    if _limits_each_book(text, heard, state):
        return "price" if entities.ordinal is not None else "recommend"
    if heard.intent in _NEED_NO_CONTEXT and sure and not goes_back and not (lifted and state.intent):
        return heard.intent
    if heard.intent in _VAGUE | {"availability"} and not names_something and cues.OF_THE_SHOP.search(text):
        # "Do you sell gift cards?" is no search for Cardcaptor Sakura.
        return "faq"
    if _asks_for_age(text, entities, state):
        return "series_facts"
    again = _same_question(text, heard, state, lifted=lifted)
    if again:
        return again
    if entities.order == "cheapest" and len(state.shown) > 1 and cues.OF_THOSE.search(text) and not names_something:
        return "price"
    if (
        heard.intent == "budget"
        and entities.max_price is not None
        and entities.series
        and cues.CAN_BE_BOUGHT.search(text)
    ):
        return "price"
    if heard.intent == "search" and not names_something and _is_a_wish_in_a_form(entities):
        # "Horror in Spanish".
        return "recommend"
    if _narrows_a_wish(text, heard, state) and not names_something:
        return "recommend"
    if heard.intent == "compare" and len(entities.series) == 1 and not cues.COMPARE.search(text):
        # "And Yotsuba&!?": one title is none to compare it with, but the last question again.
        asked_last = next((each for each in ABOUT_A_TITLE if each == state.intent), None)
        return cast(Want, asked_last or "series_facts")
    may_ask_for_form = heard.intent in {"series_facts", "product_facts", "availability", "search", "other"}
    if entities.format and entities.series and not entities.facts and may_ask_for_form:
        # "Do you have the One Piece box set?": whether there is one, and for how much.
        return "availability"
    asks_for_one = len(entities.series) == 1 and (entities.volumes or entities.language) and not entities.facts
    if asks_for_one and heard.intent == "search":
        # "Do you have volume 7 of it, do you have it in German?"
        return "availability"
    if heard.intent == "other" and entities.genres and (entities.language or entities.format) and not names_something:
        # "Horror in Spanish."
        return "recommend"
    limits = entities.max_price is not None or entities.age is not None
    if (
        limits
        and not names_something
        and not (state.intent or entities.volumes)
        and heard.intent in _VAGUE | {"budget"}
    ):
        # "Under 10 euros", said first of all.
        return "recommend"
    if limits and not names_something and _NEW_THING.search(text) and (heard.intent in _VAGUE or not sure):
        return "recommend"
    narrows = bool(entities.language or entities.format or entities.max_price or entities.age)
    if not names_something and state.intent and (heard.intent in {"other", "search"} or _is_unsure(heard)):
        # "In Japanese?", "as an ebook?", "not horror": the last question again, changed.
        if narrows or entities.genres or entities.exclude_genres or entities.themes or entities.exclude_themes:
            return _again(state, entities)
        if entities.ordinal is not None or (entities.bare_number is not None and state.shown):
            return "product_facts"
        if (entities.volumes or entities.bare_number is not None) and state.series:
            return "product_facts"
    if heard.intent == "other" and names_something:
        return "search" if entities.authors and not entities.series else "series_facts"
    if _is_unsure(heard) and heard.intent not in {"other"}:
        if entities.series:
            return "product_facts" if entities.volumes else "series_facts"
        if entities.facts and (state.asin or state.series):
            return _facts_asked(entities, state)
        return "unclear"
    if heard.intent == "product_facts" and entities.series:
        return _facts_asked(entities, state)
    return heard.intent


def limits_taken_back(names: frozenset[str], before: DialogueState) -> frozenset[str]:
    """What is said to be lifted: "for me" takes an age back only where one was told."""
    return names if names >= LIMITS or before.age is not None else names - {"age"}


def is_about_what_we_do_not_know(text: str, intent: Want, entities: Entities) -> bool:
    """Asked for by an unknown name. A wish goes on without its unknown example when it says more than that."""
    if intent == "other":
        return any(cue.search(text) for cue in (cues.TELLS_ABOUT, cues.DO_YOU_HAVE, cues.ASKS_THE_PRICE))
    if intent in ABOUT_A_TITLE or intent in {"unclear", "reading_order", "compare"}:
        return True
    wishes = entities.genres or entities.themes or entities.demographic
    return intent == "recommend" and entities.similar_to and not wishes


def _facts_asked(entities: Entities, state: DialogueState) -> Want:
    """Of an edition where one is meant by its volume, form or facts; else of the series."""
    of_edition = entities.volumes or entities.format or entities.language or entities.asins
    of_one = bool(state.asin or entities.series) and bool(_EDITION_FACTS & set(entities.facts))
    return "product_facts" if of_edition or of_one else "series_facts"


_EDITION_FACTS: frozenset[Fact] = frozenset({"pages", "release_date", "rating", "publisher"})
# "As an e-book?", "電子書籍では？": so short that only what was asked last makes it a question.
_SHORT = re.compile(r"(?:\S+\s+){0,4}\S+|[^\x00-\x7f]{1,10}[?？]?")


def _is_ellipsis(text: str, heard: Understanding) -> bool:
    entities = heard.entities
    refused = entities.exclude_formats or entities.exclude_languages
    narrows = entities.format or entities.language or refused or entities.max_price is not None
    names = entities.series or entities.authors or entities.asins or entities.volumes or entities.facts
    is_short = len(text) <= 28 and _SHORT.fullmatch(text) is not None
    return bool(narrows) and not names and not heard.by_rule and is_short and heard.intent in _NEED_NO_CONTEXT


def _skill_asked(text: str, heard: Understanding, state: DialogueState) -> Want | None:
    """What needs a skill of its own, by its words."""
    entities, title = heard.entities, bool(heard.entities.series or state.series or state.shown_series)
    if cues.asks_to_finish(text) and title and not entities.similar_to:
        return "budget"
    if of_several(entities) and cues.CHEAPER_OF_TWO.search(text) and not cues.asks_to_finish(text):
        return "price"
    if len(entities.series) > 1 and cues.COMPARE.search(text) and not entities.similar_to:
        return "compare"
    if not entities.series and len(state.shown_series) > 1 and cues.COMPARE_SHOWN.search(text):
        return "compare"
    if cues.READING_ORDER.search(text) and title and not entities.similar_to:
        return "reading_order"
    if cues.ACCOUNT.search(text) and not entities.series:
        return "account"
    return None


def asks_for_newest(text: str, entities: Entities) -> bool:
    theirs = entities.volumes or entities.authors or entities.genres or re.search(r"\border|注文|届", text)
    return not theirs and cues.NEWEST_VOLUME.search(text) is not None


def _goes_on(text: str, entities: Entities, state: DialogueState, asked: str) -> bool:
    """ "I already have 1 to 4", or the number that answers our question for the last volume."""
    if not (entities.series or state.series) or entities.facts or entities.format or cues.PLOT.search(text):
        return False
    return says_what_is_gone(text, entities) or says_what_they_have(text, entities, asked)


def says_what_is_gone(text: str, entities: Entities) -> bool:
    return bool(entities.volumes) and cues.GONE.search(text) is not None


def says_what_they_have(text: str, entities: Entities, asked: str) -> bool:
    if asked == "last_volume" and not entities.series and (entities.volumes or entities.bare_number is not None):
        return True
    return bool(entities.volumes) and cues.HAS.search(text) is not None


def all_they_have(text: str, entities: Entities) -> tuple[int, ...]:
    """ "I'm at volume 7" means all seven; "I have 2 and 4" means these."""
    volumes = entities.volumes or ((entities.bare_number,) if entities.bare_number is not None else ())
    if len(volumes) == 1 and (cues.UP_TO.search(text) or not entities.volumes):
        return tuple(range(1, min(volumes[0], 400) + 1))
    return volumes


def _same_question(text: str, heard: Understanding, state: DialogueState, *, lifted: frozenset[str]) -> Want | None:
    """The last question again: with a constraint lifted, cheaper, corrected, or about what we left a while ago."""
    entities = heard.entities
    last = cast("Want", state.intent) if state.intent in {*ABOUT_A_TITLE, "compare", "recommend", "search"} else None
    wishes = entities.genres or entities.themes or entities.demographic or entities.authors
    if lifted >= LIMITS and not entities.series:
        return "recommend"
    wishes_anew = heard.intent == "recommend" and not _is_unsure(heard)
    if lifted and last and not entities.series and not wishes and not wishes_anew:
        return "recommend" if last == "search" else last
    if cues.CHEAPER.search(text) and last and not wishes and entities.max_price is None:
        if last in {"recommend", "search"} and not entities.series and not state.series:
            return "recommend"
        return "price"
    narrows = entities.max_price is not None or entities.format or entities.language
    asks_for_stock = heard.intent == "availability" and heard.by_rule
    if last == "budget" and narrows and not asks_for_stock and not (entities.series or wishes or entities.volumes):
        return "budget"
    if cues.BACK.search(text) and (entities.series or state.previous):
        return heard.intent if heard.intent in {"price", "availability", "next_volume"} else "series_facts"
    return None


def _limits_each_book(text: str, heard: Understanding, state: DialogueState) -> bool:
    """ "My budget is $10" after a list: what one book may cost, for nothing of it is to be finished."""
    entities = heard.entities
    if entities.max_price is None or entities.series or cues.FINISH.search(text):
        return False
    if state.series or state.asin:
        return False
    return (
        bool(state.shown)
        if state.intent == "recommend"
        else len(state.shown) > 1 and state.intent in {"search", "price"}
    )


def wishes_anew(entities: Entities) -> bool:
    return bool(entities.genres or entities.themes or entities.demographic or entities.series)


def _narrows_a_wish(text: str, heard: Understanding, state: DialogueState) -> bool:
    """ "Short completed series", "best rated", "not in paperback": of a list, or of what is wished for now."""
    entities = heard.entities
    refused = entities.exclude_formats or entities.exclude_languages or entities.exclude_demographics
    if (
        state.intent == "recommend"
        and state.shown
        and not (state.series or state.asin)
        and _is_only_a_form(text, heard)
    ):
        return True
    if not (refused or entities.status or entities.max_volumes is not None or entities.order):
        return False
    if entities.order == "cheapest" and len(state.shown) > 1 and cues.OF_THOSE.search(text):
        return False
    if heard.intent in {"faq", "account", "complaint", "human", "order_status"} and not _is_unsure(heard):
        return False
    after_a_list = state.intent in {"recommend", "search"} and not state.asin
    return after_a_list or not (state.series or state.asin) or _NEW_THING.search(text) is not None


def _is_a_wish_in_a_form(entities: Entities) -> bool:
    return bool((entities.genres or entities.themes) and (entities.language or entities.format))


def _is_only_a_form(text: str, heard: Understanding) -> bool:
    """ "In Japanese?", "as e-books?": and nothing of stock or price is asked."""
    entities = heard.entities
    asks = entities.facts or entities.volumes or entities.ordinal is not None or heard.by_rule
    return bool(entities.format or entities.language) and not asks and _SHORT.fullmatch(text) is not None


def _question_corrected(text: str, entities: Entities, state: DialogueState) -> Want | None:
    """The last question again, about what was meant: "no, Vinland Saga", "the manga, not the anime"."""
    last = cast("Want", state.intent) if state.intent in ABOUT_A_TITLE else None
    if cues.NOT_THE_ANIME.search(text) and state.series and not entities.series:
        return last or "series_facts"
    names_another = entities.series or entities.volumes or entities.language or entities.format
    return last if last and names_another and cues.CORRECTS.search(text) else None


def corrected_what(text: str, intent: Want, entities: Entities, state: DialogueState) -> Literal["", "title", "manga"]:
    if intent not in ABOUT_A_TITLE or not state.intent:
        return ""
    if cues.NOT_THE_ANIME.search(text):
        return "manga"
    return "title" if entities.series and cues.CORRECTS.search(text) else ""


_NEW_THING = re.compile(
    r"\b(?:something|anything|manga|books?|series|recommend\w*|suggest\w*|gifts?|presents?)\b|漫画|マンガ|本|おすすめ|何か|プレゼント",
    re.IGNORECASE,
)


def _asks_for_age(text: str, entities: Entities, state: DialogueState) -> bool:
    """Whether something is for a child: of what is named, or of what we talk about."""
    if "age_rating" not in entities.facts or entities.similar_to:
        return False
    wishes = entities.genres or entities.themes or entities.demographic or entities.authors
    return bool(entities.series) or (bool(state.series) and not wishes and not _NEW_THING.search(text))


def _is_unsure(heard: Understanding) -> bool:
    return heard.confidence < UNSURE_BELOW or heard.margin < THIN_MARGIN


def _again(state: DialogueState, entities: Entities) -> Want:
    words = entities.genres or entities.exclude_genres or entities.themes or entities.exclude_themes
    if state.intent == "budget" and not words and entities.age is None:
        return "budget"
    wishes = bool(words) or entities.max_price is not None or entities.age is not None
    if state.intent in {"recommend", "search"} or wishes:
        return "recommend" if wishes or state.intent == "recommend" else "search"
    if state.intent in {"price", "availability", "next_volume"}:
        return state.intent  # type: ignore[return-value]
    return "availability" if state.series or state.asin else "recommend"
