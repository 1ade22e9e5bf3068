"""What a model is told: the same stable part for everybody first (providers cache it), then the conversation, then this
turn's facts and the question. No price, no stock level, no order and no personal data is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from chat.backends.base import Brief
from chat.guard import escape
from chat.guardrails.manners import runs
from chat.guardrails.proof import may_be_shown, plain
from chat.memory_types import Remembered
from chat.phrases import name_of
from chat.slots import SLOT
from chat.understanding.types import Language
from mangaassist.redaction import redact
from shop.facts import ProductFacts, SeriesFacts

LONGEST_TEXT = 400
# Behind the rules, which stay in force whatever the tone (chat.assistant.AssistantSettings.Tone).
TONES: dict[tuple[Language, str], str] = {
    ("en", "formal"): "\nTone: formal and courteous. No exclamation marks, no contractions.\n",
    ("ja", "formal"): "\n口調：丁寧であらたまった敬語。感嘆符は使いません。\n",
    ("en", "brief"): "\nTone: as brief as can be. One or two sentences, or the list alone.\n",
    ("ja", "brief"): "\n口調：できるだけ短く。一、二文か、一覧だけ。\n",
}
_ORDER = re.compile(r"\b[A-Z]{2,4}-\d{4,}\b")
_ORDER_KINDS = ("order", "order_status", "order_eta", "order_items", "order_tracking")
_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？\n]*")
# A description that names a price, an offer or a figure loses that sentence.
_NUMBER_OR_MONEY = re.compile(
    r"\d|[$€£¥￥₩]|円|\b(?:price|sale|free|off|stock|dollars?|yen)\b|価格|在庫|無料", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """``version``: language, and the digest of the stable part; ``turns``: (role, text) by turns, user first, the last
    one the question with its facts."""

    version: str
    stable: str
    turns: tuple[tuple[str, str], ...]


def write_prompt(brief: Brief) -> Prompt:
    language = brief.request.language
    stable = stable_part(language) + TONES.get((language, brief.tone), "")
    question = f"<facts>\n{_facts(brief)}\n</facts>\n<question>\n{foreign(brief.request.text)}\n</question>"
    return Prompt(
        version=version_of(language, brief.tone),
        stable=stable,
        turns=(*_by_turns(brief.memory.lines), ("user", question)),
    )


@cache
def stable_part(language: Language) -> str:
    return (Path(__file__).parent / f"{language}.txt").read_text(encoding="utf-8")


@cache
def version_of(language: Language, tone: str = "") -> str:
    digest = sha256((stable_part(language) + TONES.get((language, tone), "")).encode()).hexdigest()[:8]
    return f"{language}-{digest}" + (f"-{tone}" if tone else "")


@cache
def unrepeatable(language: Language) -> frozenset[str]:
    """Runs of the stable part that no answer may hold; its examples are there to be followed."""
    rules = stable_part(language).partition("###")[0]
    return frozenset(runs(plain(SLOT.sub(" ", rules))))


def _by_turns(lines: Iterable[Remembered]) -> tuple[tuple[str, str], ...]:
    """Providers refuse two turns of one role in a row, empty ones, and a conversation that the assistant begins."""
    turns: list[tuple[str, str]] = []
    for line in lines:
        text = foreign(_no_orders(line.text)) if line.role == "user" else _said(line.text)
        if not text or (not turns and line.role == "assistant"):
            continue
        if turns and turns[-1][0] == line.role:
            text = f"{turns.pop()[1]}\n{text}"
        turns.append((line.role, text))
    return tuple(turns if not turns or turns[-1][0] == "assistant" else turns[:-1])


def _said(text: str) -> str:
    """The assistant's line: slots of orders are nobody's business but the shop's."""
    hidden = SLOT.sub(lambda slot: "[order]" if slot["kind"] in _ORDER_KINDS else slot[0], text)
    return _closed(redact(_no_orders(hidden))).strip()


def _no_orders(text: str) -> str:
    return _ORDER.sub("[order]", text)


def foreign(text: str) -> str:
    """Somebody's text: without personal data, unable to open a slot or to close the place that it stands in."""
    return escape(_closed(redact(_no_orders(text)))).strip()


def _closed(text: str) -> str:
    return text.replace("<", "‹").replace(">", "›")


# --- Facts --------------------------------------------------------------------------------------------------


def _facts(brief: Brief) -> str:
    request, evidence = brief.request, brief.evidence
    products = [each for each in evidence.products.values() if may_be_shown(request, each.age_rating)]
    series = [each for each in evidence.series.values() if may_be_shown(request, each.age_rating)]
    shown = [ref.id for ref in brief.plan.cards if ref.kind == "product" and ref.id in evidence.products]
    lines = [f"intent: {request.intent}"]
    if shown:
        lines.append(f"shown to the shopper, in this order: {', '.join(shown)}")
    if request.state.budget and (evidence.recommended or evidence.found):
        lines.append("all of them are within the shopper's budget")
    lines += [line for each in series for line in _of_series(each, request.language)]
    lines += [line for each in products for line in _of_product(each, request.language)]
    lines += [f"passage {p.id}: {_description(p.title)}" for p in evidence.passages]
    if evidence.failed:
        lines.append(f"could not be looked up: {', '.join(sorted(evidence.failed))}")
    return "\n".join(lines)


def _of_series(series: SeriesFacts, language: Language) -> Iterator[str]:
    in_japanese = language == "ja"
    authors = series.native_authors if in_japanese and series.native_authors else series.authors
    text = series.native_description if in_japanese and series.native_description else series.description
    words = (*series.genres, *series.themes)
    facts = {
        "title": series.native_title if in_japanese and series.native_title else series.title,
        "authors": ", ".join(authors),
        "kind": name_of(language, series.demographic),
        "genres and themes": ", ".join(name_of(language, each) for each in words),
        "status": name_of(language, series.status),
        "for": name_of(language, series.age_rating),
        "related": ", ".join(f"{name_of(language, type)} {id}" for type, id in series.relations),
        "about": _description(text),
    }
    yield f"series {series.id}"
    yield from (f"  {name}: {_closed(escape(value))}" for name, value in facts.items() if value)
    if known := " ".join(_known_of(series)):
        yield f"  known: {known}"


def _known_of(series: SeriesFacts) -> Iterator[str]:
    if series.volume_count is not None:
        yield f"{{{{count:{series.id}}}}}"
    if series.started is not None:
        yield f"{{{{started:{series.id}}}}}"


def _of_product(product: ProductFacts, language: Language) -> Iterator[str]:
    known = {"vol": product.volume, "pages": product.pages, "released": product.release_date}
    slots = ["price", "stock", *(kind for kind, value in known.items() if value is not None)]
    facts = {
        "title": product.title,
        "series": product.series_id,
        "form": f"{name_of(language, product.format)}, {name_of(language, product.language)}",
        "publisher": product.publisher,
        "about": _description(product.description),
    }
    yield f"edition {product.asin}"
    yield from (f"  {name}: {_closed(escape(value))}" for name, value in facts.items() if value)
    yield f"  known: {' '.join(f'{{{{{kind}:{product.asin}}}}}' for kind in slots)}"


def _description(text: str) -> str:
    """Its first sentences that tell no figure, short."""
    kept = ""
    for sentence in _SENTENCE.findall(text):
        if len(kept) + len(sentence) > LONGEST_TEXT:
            break
        if not _NUMBER_OR_MONEY.search(sentence):
            kept += sentence
    return " ".join(_closed(escape(kept)).split())
