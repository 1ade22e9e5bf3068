"""What is wished for and what is ruled out, kept from message to message. Pure rules."""

from __future__ import annotations

from dataclasses import replace

from chat.state import DialogueState
from chat.understanding.types import Entities


def lift(state: DialogueState, names: frozenset[str]) -> DialogueState:
    """The state without these constraints (names of its fields)."""
    if not names:
        return state
    empty = DialogueState()
    return replace(state, **{name: getattr(empty, name) for name in names})


def take_in(state: DialogueState, entities: Entities, intent: str, *, keeps_wish: bool) -> DialogueState:
    """The state with what a message asks for. A recommendation with new examples, genres or moods starts a new wish;
    limits (age, price, language, format, what is refused) stay until they are lifted.

    ``keeps_wish``: the message only changes how the last wish is met ("cheaper?").
    """
    if intent == "recommend" and not keeps_wish and _is_a_new_wish(entities):
        state = replace(
            state,
            liked=entities.series,
            genres=(),
            themes=(),
            demographic="",
            order_by="",
            told=(),
        )
        if state.language_of_series:
            # "In Japanese?" was asked of one title.
            state = replace(state, edition_language="", language_of_series="")
    if entities.series and entities.series[0] != state.series:
        # Another title: its language is chosen anew.
        state = replace(state, edition_language="", language_of_series="")
    wanted = merge(state.genres, entities.genres, without=entities.exclude_genres)
    refused = merge(state.exclude_genres, entities.exclude_genres, without=entities.genres)
    limit = f"{entities.max_price} {entities.currency}" if entities.max_price is not None else ""
    # What a whole series may cost says nothing about the price of one book.
    for_series = intent == "budget"
    wishes = intent == "recommend"
    if entities.language:
        subject = entities.series[0] if entities.series else state.series
        state = replace(state, language_of_series="" if wishes else subject)
    return replace(
        state,
        genres=wanted,
        exclude_genres=refused,
        themes=merge(state.themes, entities.themes, without=entities.exclude_themes),
        exclude_themes=merge(state.exclude_themes, entities.exclude_themes, without=entities.themes),
        demographic=_kept(entities.demographic or state.demographic, entities.exclude_demographics),
        exclude_demographics=merge(
            state.exclude_demographics, entities.exclude_demographics, without=(entities.demographic,)
        ),
        format=_kept((entities.format or state.format) if wishes else state.format, entities.exclude_formats),
        exclude_formats=merge(
            state.exclude_formats, entities.exclude_formats if wishes else (), without=(entities.format,)
        ),
        edition_language=_kept(entities.language or state.edition_language, entities.exclude_languages),
        exclude_languages=merge(
            state.exclude_languages, entities.exclude_languages if wishes else (), without=(entities.language,)
        ),
        status=(entities.status or state.status) if wishes else state.status,
        max_volumes=entities.max_volumes if wishes and entities.max_volumes is not None else state.max_volumes,
        order_by=(entities.order or state.order_by) if wishes else state.order_by,
        budget=limit if limit and not for_series else state.budget,
        series_budget=limit if limit and for_series else state.series_budget,
        age=entities.age if entities.age is not None else state.age,
    )


def _is_a_new_wish(entities: Entities) -> bool:
    """Titles, genres or moods wished for, or nothing said at all; "not horror" and "under $10" only narrow."""
    named = entities.series or entities.genres or entities.themes or entities.demographic
    narrows = (
        entities.exclude_genres
        or entities.exclude_themes
        or entities.exclude_formats
        or entities.exclude_languages
        or entities.exclude_demographics
        or entities.status
        or entities.max_volumes is not None
        or entities.order
        or entities.max_price is not None
        or entities.language
        or entities.format
        or entities.age is not None
        or entities.similar_to
        or entities.refers_back
    )
    return bool(named) or not narrows


def _kept(wanted: str, refused: tuple[str, ...]) -> str:
    return "" if wanted in refused else wanted


def merge(kept: tuple[str, ...], added: tuple[str, ...], *, without: tuple[str, ...]) -> tuple[str, ...]:
    """Both, each word once, less those that are no longer wanted."""
    return tuple(dict.fromkeys(word for word in (*kept, *added) if word not in without))
