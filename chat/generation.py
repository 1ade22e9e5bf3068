"""Who writes an answer: the configured generator, or the composer where it must, cannot or did not answer.

A model's sentences are judged one by one (chat.guardrails). When it fails, stalls or takes too long, when nothing of
its answer may be said, or when what was asked for is not in it, the composer's answer follows in the same turn.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict, dataclass, field

import structlog
from django.conf import settings
from django.db import DatabaseError

from chat.assistant import count_spend
from chat.backends.base import Brief, Generator, GeneratorUnavailable, Used, Words, Written
from chat.backends.composer import ComposerGenerator
from chat.dialogue import Want
from chat.guard import slots_in
from chat.guardrails import Proof, judge
from chat.guardrails.proof import prove
from chat.prompts import unrepeatable
from chat.sentences import SentenceSplitter
from chat.trace import Trace
from mangaassist.backends import BackendHandler
from mangaassist.dbthreads import in_database
from mangaassist.redaction import redact
from mangaassist.rehearsal import in_earnest
from shop.titles import title_index

log = structlog.get_logger(__name__)
generators: BackendHandler[Generator] = BackendHandler("GENERATORS", Generator)
_composer = ComposerGenerator()

# What a model may answer; the rest is the composer's alone (docs/decisions/0011).
MODEL_MAY_ANSWER: frozenset[Want] = frozenset(
    {
        "greeting",
        "recommend",
        "search",
        "series_facts",
        "product_facts",
        "next_volume",
        "price",
        "availability",
        "faq",
    }
)
# Lines of a plan that no model may put in its own words: people, refusals, failures, what we do not have.
_OURS = (
    "own",
    "off.",
    "human.",
    "unclear",
    "unknown.",
    "other",
    "failed.",
    "edition.none",
    "edition.spoiler",
    "search.none",
    "search.above_age",
    "faq.none",
)
_OURS_ENDS = (".none", ".failed", ".above")
# Without such a slot these questions are not answered.
_NEEDED: dict[Want, str] = {"price": "price", "availability": "stock", "faq": "passage"}
# The share of the turn's limit after which a model is cut, so that the composer still has time.
MODEL_SHARE = 0.8
# Why a provider ended a text before its end, in its words: the last sentence is then none.
CUT_OFF = frozenset({"max_tokens", "length", "model_context_window_exceeded"})
# Refused sentences of a turn that are noted one by one; the step "guard" counts them all.
MOST_NOTED = 20
# More is no answer in a chat.
LONGEST_ANSWER = 6_000


@dataclass(slots=True)
class _Said:
    """What of a model's answer could be said, and what it took to look."""

    slots: set[str] = field(default_factory=set)
    sentences: int = 0
    refused: int = 0
    guard_s: float = 0.0
    length: int = 0


def model_may_answer(brief: Brief, noticed: tuple[str, ...]) -> bool:
    """``noticed``: what the screen saw in the question (chat.guardrails.screening)."""
    ours = any(line.phrase.startswith(_OURS) or line.phrase.endswith(_OURS_ENDS) for line in brief.plan.lines)
    return brief.request.intent in MODEL_MAY_ANSWER and not ours and "injection" not in noticed


async def sentences(
    brief: Brief, trace: Trace, noticed: tuple[str, ...] = (), *, no_model: str = ""
) -> AsyncGenerator[str]:
    """The answer's sentences with their slots unfilled; of a model's, those that may be said.

    ``no_model``: why none is asked in this turn (chat.assistant.why_no_model), empty when one may be."""
    generator = generators["default"]
    trace.generation = {"generator": generator.name}
    if generator.writes_freely and no_model:
        trace.generation |= {"generator": _composer.name, "no_model": no_model}
        generator = _composer
    elif generator.writes_freely and not model_may_answer(brief, noticed):
        trace.generation |= {"generator": _composer.name, "left_to_composer": True}
        generator = _composer
    if not generator.writes_freely:
        async for sentence in _split(generator, brief, trace):
            yield sentence
        return
    said = _Said()
    failure = ""
    try:
        proof = prove(
            brief.request, brief.evidence, await in_database(title_index), unrepeatable(brief.request.language)
        )
        async with aclosing(_split(generator, brief, trace)) as written:
            async for sentence in written:
                if _may_be_said(sentence, proof, said, trace):
                    yield sentence
    except GeneratorUnavailable as error:
        failure = str(error)
    except Exception as error:  # A generator is foreign code: whatever it raises costs its own answer only.
        log.exception("generator_broke", generator=generator.name)
        failure = f"broke: {type(error).__name__}"
    trace.spent("guard", said.guard_s * 1000, sentences=said.sentences, refused=said.refused)
    failure = failure or _what_is_missing(brief, said)
    if not failure:
        return
    log.warning("generator_fell_back", generator=generator.name, reason=failure)
    trace.note("generator_unavailable", generator=generator.name, error=failure)
    trace.generation |= {"fallback": failure, "generator": _composer.name, "tried": generator.name}
    if said.sentences > said.refused:
        yield "\n\n"
    async for sentence in _split(_composer, brief, trace):
        yield sentence


def _may_be_said(sentence: str, proof: Proof, said: _Said, trace: Trace) -> bool:
    said.length += len(sentence)
    if said.length > LONGEST_ANSWER:
        raise GeneratorUnavailable("an answer without end")
    if not sentence.strip():
        # A gap, but never as the first thing that is said.
        return said.sentences > said.refused
    said.sentences += 1
    began = time.perf_counter()
    finding = judge(sentence, proof)
    said.guard_s += time.perf_counter() - began
    if finding is None:
        said.slots.update(kind for kind, _ in slots_in(sentence))
        return True
    said.refused += 1
    if said.refused > MOST_NOTED:
        return False
    reason = f"{finding.guard}: {finding.reason}"
    # What a model wrote may repeat what it was told.
    trace.note("sentence_refused", guard=finding.guard, reason=redact(reason)[:200], sentence=redact(sentence)[:600])
    return False


def _what_is_missing(brief: Brief, said: _Said) -> str:
    if said.sentences == said.refused:
        return "nothing of it may be said" if said.sentences else "no words"
    needed = _NEEDED.get(brief.request.intent, "")
    planned = {kind for line in brief.plan.lines for word in line.words.values() for kind, _ in slots_in(word)}
    if needed in planned and needed not in said.slots:
        return f"an answer without {needed}"
    return ""


async def _split(generator: Generator, brief: Brief, trace: Trace) -> AsyncGenerator[str]:
    """The generator's sentences. The last one counts only when the text was not cut off."""
    splitter = SentenceSplitter()
    cut_off = False
    async with aclosing(_limited(generator, brief, trace)) as stream:
        async for event in stream:
            match event:
                case Words(text):
                    for sentence in splitter.feed(text):
                        yield sentence
                case Used():
                    trace.generation |= asdict(event)
                    await note_spend(event)
                    cut_off = event.stopped in CUT_OFF
    rest = splitter.rest()
    if rest and not cut_off:
        yield rest


async def note_spend(used: Used) -> None:
    """Into the day's account (chat.assistant); an answer is none the worse when that cannot be written."""
    try:
        with in_earnest():
            await in_database(count_spend, cost=used.cost, read=used.read, written=used.written)
    except DatabaseError:
        log.exception("model_spend_not_counted", cost=used.cost)


async def _limited(generator: Generator, brief: Brief, trace: Trace) -> AsyncGenerator[Written]:
    """What the generator writes, a model within its time limits. Raises :class:`GeneratorUnavailable`."""
    limits = settings.TURN_LIMITS_S
    ends_at = limits["turn"] * MODEL_SHARE
    allowed, what = limits["first_token"], "no word"
    stream = generator.stream(brief)
    try:
        while True:
            left = min(allowed, ends_at - trace.elapsed_ms() / 1000) if generator.writes_freely else None
            if left is not None and left <= 0:  # Not even asked: it would be paid for nothing.
                raise GeneratorUnavailable(f"{what} within 0.0 s")
            try:
                async with asyncio.timeout(left):
                    written = await anext(stream)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                raise GeneratorUnavailable(f"{what} within {left:.1f} s") from error
            yield written
            allowed, what = limits["token_gap"], "nothing more"
    finally:
        # Closing it stops the work (chat.backends.base.Generator).
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
