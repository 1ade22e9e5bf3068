"""What a new message means in the light of what was said before. Pure rules."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import Literal, cast

from chat import cues
from chat.constraints import lift, merge, take_in
from chat.context import PageContext
from chat.deeds import TO_AN_ORDER, Deed, deed_meant, target_of_deed
from chat.lifting import lifted
from chat.naming import unknown_name, unknown_subject
from chat.nods import is_a_nod
from chat.state import DialogueState, age_limit, price_limit, read_state, with_volumes_gone, with_volumes_said
from chat.targets import ABOUT_A_TITLE, SHELVES, Want, form_of, target_of, variant_of
from chat.understanding.types import Entities, Fact, Intent, Language, Understanding
from chat.wanted import (
    all_they_have,
    asks_for_newest,
    corrected_what,
    intent_in_context,
    is_about_what_we_do_not_know,
    limits_taken_back,
    of_several,
    says_what_is_gone,
    says_what_they_have,
    wishes_anew,
)

__all__ = ["DialogueState", "Request", "Want", "age_limit", "price_limit", "read_state", "resolve"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A message with its references resolved: what is to be answered."""

    intent: Want
    language: Language
    text: str
    # The series it is about, best first; for "similar to …" the examples.
    series: tuple[str, ...] = ()
    # One certain edition, when one is meant.
    asin: str = ""
    # Several editions, when a list is meant ("are they in stock?").
    asins: tuple[str, ...] = ()
    volumes: tuple[int, ...] = ()
    # "I sold volume 3": those that the shopper no longer has.
    gone: tuple[int, ...] = ()
    # "Omnibus 2": the second of its kind, whatever volumes it holds.
    collection: int | None = None
    format: str = ""
    edition_language: str = ""
    # "In Japanese?" after volume 3: the same volumes as this edition, in another language or format.
    variant_of: str = ""
    facts: tuple[Fact, ...] = ()
    entities: Entities
    # "Show me more": the last wish again, without what was told for it.
    more: bool = False
    # "And the one after that?": behind what was proposed last, not behind what they have.
    steps_on: bool = False
    # "Which ones am I missing?"
    asks_for_gaps: bool = False
    # "From volume 3 on": those and all behind them.
    onwards: bool = False
    # "When does the next volume come out?": how far the series has come.
    newest: bool = False
    # "Cheaper?": than what was shown last.
    cheaper: bool = False
    # What happens in it is asked for, and, once warned, is to be told whatever it gives away.
    plot: bool = False
    spoilers_wanted: bool = False
    # "No, the manga, not the anime": said before the answer.
    corrected: Literal["", "title", "manga"] = ""
    # What it names and the catalogue does not know, as it was written (chat.naming).
    unknown: str = ""
    # The limits that were taken back (fields of the state).
    lifted: frozenset[str] = frozenset()
    # Told by its very words (chat.cues), whatever the model thought of it.
    by_words: bool = False
    # What is to be done that an answer cannot do.
    deed: Deed = ""
    # The next best reading, when the message was unclear.
    runner_up: Intent | None = None
    context: PageContext
    # The state before this message with its constraints already taken in.
    state: DialogueState

    @property
    def order_ids(self) -> tuple[str, ...]:
        """The orders that are named, or the one that we talk about: "when will it arrive?"."""
        meant = self.entities.refers_back or cues.ARRIVES.search(self.text) is not None
        meant = meant or self.deed in TO_AN_ORDER
        return self.entities.order_ids or ((self.state.order,) if self.state.order and meant else ())

    @property
    def similar_to(self) -> bool:
        return self.intent == "recommend" and bool(self.series)

    @property
    def of_several(self) -> bool:
        """What is asked is asked of each series that is named."""
        return self.intent in {"price", "availability"} and len(self.series) > 1 and of_several(self.entities)


def resolve(text: str, heard: Understanding, state: DialogueState, context: PageContext) -> Request:
    """What ``heard`` means after ``state`` and on the page ``context``."""
    said = unicodedata.normalize("NFKC", text).strip()
    entities, taken_back, before_all = heard.entities, lifted(said), state
    state = lift(replace(state, language=heard.language), taken_back)
    asked, state = state.asked, replace(state, asked="")
    more = bool(state.shown_series or state.told) and cues.MORE.fullmatch(said.strip(" .!?。！？、")) is not None
    intent: Want = "recommend"
    unknown = "" if more else unknown_name(said, entities)
    asin, asins = "", cast("tuple[str, ...]", ())
    volumes, gone = entities.volumes, cast("tuple[int, ...]", ())
    deed = "" if more else deed_meant(said, heard, state, context, unknown=unknown)
    if more:
        # After a list that was searched for: more of that kind.
        series = state.shown_series[:3] if state.intent == "search" else state.liked
        if state.intent == "search":
            state = replace(state, told=merge(state.told, state.shown_series, without=()))
    elif cues.ABOUT_ASSISTANT.search(said):
        intent, series = "about_assistant", ()
    elif asked.startswith("spoiler:") and cues.TELL_ANYWAY.search(said) and not entities.series:
        intent, asin, series = "product_facts", asked.removeprefix("spoiler:"), ()
    elif not asked and is_a_nod(said):
        intent, series = "nod", ()
    elif deed:
        # "Cancel MA-10024" is no question how it stands.
        intent, (series, asin, asins) = "deed", target_of_deed(said, deed, entities, state, context)
    else:
        intent = intent_in_context(said, heard, state, asked=asked, lifted=taken_back)
        if unknown and is_about_what_we_do_not_know(said, intent, entities):
            # Never of what we talked of before; and a limit or an age for it is none for other books.
            intent = "unknown_title"
            entities = replace(entities, max_price=None, currency="", volumes=(), age=None)
        before = state
        keeps_wish = cues.CHEAPER.search(said) is not None or (bool(taken_back) and not wishes_anew(entities))
        state = take_in(before, entities, intent, keeps_wish=keeps_wish)
        series, asin, asins = target_of(said, intent, entities, state, context, unknown=unknown)
        if intent == "budget" and not (series or asin) and entities.max_price is not None:
            # "Manga under $12" is about no series: a limit for each book.
            intent = "recommend"
            state = take_in(before, entities, intent, keeps_wish=keeps_wish)
        about = series[0] if series else state.series or context.series
        if says_what_is_gone(said, entities):
            gone, volumes = volumes, ()
            state = with_volumes_gone(state, about, gone) if about else state
        elif says_what_they_have(said, entities, asked):
            volumes = all_they_have(said, entities)
            state = with_volumes_said(state, about, volumes) if about else state
    if _names_a_time(entities) and (
        intent == "recommend" or (intent in ABOUT_A_TITLE and not (series or asin or asins))
    ):
        # "Manga of the nineties", "what comes out next month?": whatever was released then.
        intent = "search"
    if entities.isbns and not entities.asins and intent in {*ABOUT_A_TITLE, "search", "unknown_title"}:
        # A book that we don't have, whatever else we talk about.
        intent, series, asin, asins = "search", (), "", ()
    if intent in ABOUT_A_TITLE - SHELVES and not (series or asin or asins):
        # "How much is it?" about nothing known: a title is what is missing.
        intent = "search" if entities.authors or entities.genres else "unclear"
    wishes = intent == "recommend"
    unknown_example = unknown if entities.similar_to else ""
    return Request(
        intent=intent,
        language=heard.language,
        text=text,
        series=series,
        asin=asin,
        asins=asins,
        volumes=volumes,
        steps_on=intent == "next_volume" and cues.STEPS_ON.search(said) is not None,
        asks_for_gaps=intent == "next_volume" and cues.MISSING.search(said) is not None,
        gone=gone,
        collection=entities.edition_number,
        onwards=len(entities.volumes) == 1 and cues.FROM.search(said) is not None,
        format=form_of(said, intent, entities) or (state.format if wishes else ""),
        edition_language=entities.language or (state.edition_language if wishes else ""),
        variant_of="" if entities.edition_number is not None else variant_of(entities, state, context),
        facts=entities.facts,
        entities=entities,
        more=more,
        newest=intent == "series_facts" and bool(series) and asks_for_newest(said, entities),
        cheaper=intent in {"recommend", "search", "price"}
        and not of_several(entities)
        and cues.CHEAPER.search(said) is not None,
        plot=intent == "product_facts" and cues.PLOT.search(said) is not None,
        spoilers_wanted=asked.startswith("spoiler:") and intent == "product_facts",
        corrected=corrected_what(said, intent, entities, state),
        unknown=unknown_subject(said, entities) if wishes and not (more or taken_back or unknown_example) else unknown,
        lifted=limits_taken_back(taken_back, before_all),
        by_words=intent in {"reading_order", "compare", "budget"},
        deed=deed if intent == "deed" else "",
        runner_up=heard.runner_up,
        context=context,
        state=state,
    )


def is_of_a_time(request: Request) -> bool:
    """Whether what came out in a certain time is searched for."""
    return request.intent == "search" and _names_a_time(request.entities)


def _names_a_time(entities: Entities) -> bool:
    return entities.released_from is not None or entities.released_before is not None
