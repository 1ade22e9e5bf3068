"""Dialogue state: what a conversation is about, and what a new message means in its light. Pure rules."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from typing import Any, Literal, cast

from chat.context import PageContext
from chat.understanding.types import Entities, Fact, Intent, Language, Understanding

# Under these the assistant asks instead of guessing.
UNSURE_BELOW = 0.35
THIN_MARGIN = 0.05

# Intents that are about one series or edition, so that "it" and "the second one" have a meaning.
_LIFTED = re.compile(
    r"\b(?:forget|drop|lift|ignore) (?:my|the|all|those|these) (?:wish(?:es)?|filters?|constraints?|limits?)\b"
    r"|\bany age\b|\bfor (?:me|myself|adults?|grown-?ups)\b|\bno (?:limit|budget|filters?)\b"
    r"|\bfor my (?:husband|wife|boyfriend|girlfriend|partner|mother|father|mom|dad|parents|boss|colleague)s?\b"
    r"|(?:夫|妻|主人|旦那|彼氏|彼女|母|父|両親|同僚|上司)(?:に|へ|への|の|向け)"
    r"|条件(?:を(?:外|忘|リセット)|なし|は忘れて)|年齢は(?:気にし|問わ)|大人向け|自分用",
    re.IGNORECASE,
)
_ARRIVES = re.compile(r"\b(?:arrive|come|get here|tracking)\b|いつ届|いつ来|追跡", re.IGNORECASE)
_MORE = re.compile(
    r"(?:(?:can you |please )?(?:show|give|tell) me )?(?:some |a few )?more"
    r"(?: (?:of (?:them|these|those)|like (?:these|that)|please))?"
    r"|(?:do you have )?any(?:thing)? (?:else|more|others?)|what else(?: do you have)?|(?:any )?others?"
    r"|(?:もっと|ほか|他|別)(?:に|の|には|にも)?(?:は|も)?(?:もっと)?"
    r"(?:見せて|教えて|ある|あります|ありますか|ない|ないですか)?(?:ください|か)?",
    re.IGNORECASE,
)
ABOUT_A_TITLE: frozenset[str] = frozenset({"series_facts", "product_facts", "next_volume", "price", "availability"})
_NEED_NO_CONTEXT: frozenset[str] = frozenset({"greeting", "thanks", "goodbye", "human", "faq", "order_status"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogueState:
    """Kept from turn to turn (JSON). ASINs and series ids only: nothing in it ages."""

    language: str = ""
    intent: str = ""
    series: str = ""
    asin: str = ""
    # The last list, in the order in which it was shown.
    shown: tuple[str, ...] = ()
    shown_series: tuple[str, ...] = ()
    # The order that was spoken of last.
    order: str = ""
    # Series that were recommended for the present wish: "more" are others.
    told: tuple[str, ...] = ()
    # What the shopper asked for, kept until lifted by a new request.
    liked: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    exclude_genres: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    exclude_themes: tuple[str, ...] = ()
    demographic: str = ""
    format: str = ""
    edition_language: str = ""
    budget: str = ""
    age: int | None = None
    # Answers in a row that did not help: two are one too many.
    misses: int = 0
    # Why a person was offered already (escalation.models.Trigger).
    offered: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value not in ("", (), None, 0)}


def read_state(body: dict[str, Any]) -> DialogueState:
    """From stored JSON; unknown fields (of another version) are ignored."""
    known = {field.name for field in fields(DialogueState)}
    kept: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in body.items() if name in known
    }
    return DialogueState(**kept)


Want = Intent | Literal["unclear"]


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
    format: str = ""
    edition_language: str = ""
    # "In Japanese?" after volume 3: the same volumes as this edition, in another language or format.
    variant_of: str = ""
    facts: tuple[Fact, ...] = ()
    entities: Entities
    # "Show me more": the last wish again, without what was told for it.
    more: bool = False
    # The next best reading, when the message was unclear.
    runner_up: Intent | None = None
    context: PageContext
    # The state before this message with its constraints already taken in.
    state: DialogueState

    @property
    def order_ids(self) -> tuple[str, ...]:
        """The orders that are named, or the one that we talk about: "when will it arrive?"."""
        meant = self.entities.refers_back or _ARRIVES.search(self.text) is not None
        return self.entities.order_ids or ((self.state.order,) if self.state.order and meant else ())

    @property
    def similar_to(self) -> bool:
        return self.intent == "recommend" and bool(self.series)


def resolve(text: str, heard: Understanding, state: DialogueState, context: PageContext) -> Request:
    """What ``heard`` means after ``state`` and on the page ``context``."""
    entities = heard.entities
    if _LIFTED.search(text):
        state = replace(
            state, age=None, budget="", format="", edition_language="", exclude_genres=(), exclude_themes=()
        )
    more = bool(state.shown_series) and _MORE.fullmatch(text.strip(" .!?。！？、")) is not None
    intent: Want = "recommend"
    asin, asins = "", cast("tuple[str, ...]", ())
    if more:
        # After a list that was searched for: more of that kind.
        series = state.shown_series[:3] if state.intent == "search" else state.liked
        state = replace(state, language=heard.language, told=_merge(state.told, state.shown_series, without=()))
    else:
        intent = _intent_in_context(text, heard, state)
        state = replace(_take_in(replace(state, language=heard.language), entities, intent), told=())
        series, asin, asins = _target(intent, entities, state, context)
    if intent in ABOUT_A_TITLE and not (series or asin or asins):
        # "How much is it?" about nothing known: a title is what is missing.
        intent = "search" if entities.authors or entities.genres else "unclear"
    return Request(
        intent=intent,
        language=heard.language,
        text=text,
        series=series,
        asin=asin,
        asins=asins,
        volumes=entities.volumes,
        format=entities.format or (state.format if intent == "recommend" else ""),
        edition_language=entities.language or (state.edition_language if intent == "recommend" else ""),
        variant_of=_variant_of(entities, state, context),
        facts=entities.facts,
        entities=entities,
        more=more,
        runner_up=heard.runner_up,
        context=context,
        state=state,
    )


def _intent_in_context(text: str, heard: Understanding, state: DialogueState) -> Want:
    entities = heard.entities
    names_something = bool(entities.series or entities.authors or entities.asins)
    if entities.order_ids:
        return "order_status"
    if heard.intent in _NEED_NO_CONTEXT and heard.confidence >= UNSURE_BELOW:
        return heard.intent
    if _asks_for_age(text, entities, state):
        return "series_facts"
    may_ask_for_form = heard.intent in {"series_facts", "product_facts", "availability", "search", "other"}
    if entities.format and entities.series and not entities.facts and may_ask_for_form:
        # "Do you have the One Piece box set?": whether there is one, and for how much.
        return "availability"
    narrows = bool(entities.language or entities.format or entities.max_price or entities.age)
    if not names_something and state.intent and (heard.intent in {"other", "search"} or _is_unsure(heard)):
        # "In Japanese?", "as an ebook?", "not horror": the last question again, changed.
        if narrows or entities.genres or entities.exclude_genres or entities.themes or entities.exclude_themes:
            return _again(state, entities)
        if entities.ordinal is not None or (entities.bare_number is not None and state.shown):
            return "product_facts"
        if entities.volumes and state.series:
            return "product_facts"
    if heard.intent == "other" and names_something:
        return "search" if entities.authors and not entities.series else "series_facts"
    if _is_unsure(heard) and heard.intent not in {"other"}:
        if entities.series:
            return "product_facts" if entities.volumes else "series_facts"
        return "unclear"
    return heard.intent


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
    wishes = bool(words) or entities.max_price is not None or entities.age is not None
    if state.intent in {"recommend", "search"} or wishes:
        return "recommend" if wishes or state.intent == "recommend" else "search"
    if state.intent in {"price", "availability", "next_volume"}:
        return state.intent  # type: ignore[return-value]
    return "availability" if state.series or state.asin else "recommend"


def _target(
    intent: Want, entities: Entities, state: DialogueState, context: PageContext
) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """(series, one asin, several asins): the named first, then the pointed at, then the page."""
    if entities.asins:
        return (), entities.asins[0], ()
    if entities.series:
        return entities.series, "", ()
    if intent == "recommend" and (entities.similar_to or entities.refers_back):
        # "Something similar?": to what we talk about, or to what the page shows.
        meant = state.liked or ((state.series or context.series,) if state.series or context.series else ())
        return meant, "", ()
    if intent not in ABOUT_A_TITLE:
        return (state.liked if intent == "recommend" else ()), "", ()
    number = entities.ordinal or (entities.bare_number if len(state.shown) > 1 else None)
    if number is not None and state.shown:
        position = number - 1 if number > 0 else len(state.shown) + number
        if 0 <= position < len(state.shown):
            return (), state.shown[position], ()
    if entities.volumes or entities.bare_number is not None or entities.language or entities.format:
        # Another volume, language or format of what we talk about.
        if state.series or context.series:
            return ((state.series or context.series),), "", ()
        if state.shown_series:
            return (state.shown_series[0],), "", ()
    if state.asin:
        return (
            ((state.series,) if intent in {"series_facts", "next_volume"} and state.series else ()),
            state.asin,
            (),
        )
    if len(state.shown) > 1 and intent in {"price", "availability"} and not state.series:
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


def _variant_of(entities: Entities, state: DialogueState, context: PageContext) -> str:
    if not (entities.language or entities.format) or entities.volumes or entities.series or entities.asins:
        return ""
    if entities.ordinal is not None or entities.bare_number is not None:
        return ""
    return state.asin or ("" if state.series else context.asin)


def _take_in(state: DialogueState, entities: Entities, intent: Want) -> DialogueState:
    """Constraints stay until lifted; a recommendation with new examples starts a new wish."""
    if intent == "recommend" and _is_a_new_wish(entities):
        # What was said for a child's sake (the age) stays.
        state = replace(
            state,
            liked=entities.series,
            genres=(),
            exclude_genres=(),
            themes=(),
            exclude_themes=(),
            demographic="",
            format="",
            edition_language="",
            budget="",
        )
    if entities.series and entities.series[0] != state.series:
        # Another title: its language is chosen anew.
        state = replace(state, edition_language="")
    wanted = _merge(state.genres, entities.genres, without=entities.exclude_genres)
    refused = _merge(state.exclude_genres, entities.exclude_genres, without=entities.genres)
    return replace(
        state,
        genres=wanted,
        exclude_genres=refused,
        themes=_merge(state.themes, entities.themes, without=entities.exclude_themes),
        exclude_themes=_merge(state.exclude_themes, entities.exclude_themes, without=entities.themes),
        demographic=entities.demographic or state.demographic,
        format=(entities.format or state.format) if intent == "recommend" else state.format,
        edition_language=entities.language or state.edition_language,
        budget=f"{entities.max_price} {entities.currency}" if entities.max_price is not None else state.budget,
        age=entities.age if entities.age is not None else state.age,
    )


def _is_a_new_wish(entities: Entities) -> bool:
    """Titles, genres or moods wished for, or nothing said at all; "not horror" and "under $10" only narrow."""
    named = entities.series or entities.genres or entities.themes or entities.demographic
    narrows = (
        entities.exclude_genres
        or entities.exclude_themes
        or entities.max_price is not None
        or entities.language
        or entities.format
        or entities.age is not None
        or entities.similar_to
        or entities.refers_back
    )
    return bool(named) or not narrows


def _merge(kept: tuple[str, ...], added: tuple[str, ...], *, without: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in (*kept, *added) if word not in without))


def price_limit(state: DialogueState) -> tuple[Decimal, str] | None:
    """(amount, currency or empty)."""
    if not state.budget:
        return None
    amount, _, currency = state.budget.partition(" ")
    return Decimal(amount), currency


def age_limit(state: DialogueState) -> str:
    """The highest age rating that may be shown (shop: all < teen < older_teen < mature < adult).

    Adult works are never offered unasked.
    """
    if state.age is None:
        return "mature"
    return "all" if state.age < 13 else "teen" if state.age < 16 else "older_teen" if state.age < 18 else "mature"
