"""A model's summary for the person who takes over, when a model is configured.

Nobody waits for it: our own, structured summary is there at once and stays beside it. Behind the outbox the model is
asked for one text in each language of the desk; a text of which any sentence may not be said is refused as a whole,
because a summary with a hole in it says something else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from hashlib import sha256
from pathlib import Path
from typing import get_args

import structlog
from asgiref.sync import async_to_sync
from django.conf import settings

from chat.assistant import read_assistant, why_no_model
from chat.backends.base import GeneratorUnavailable, Used, Words
from chat.backends.prompted import PromptedGenerator
from chat.generation import CUT_OFF, generators, note_spend
from chat.guardrails import SUMMARY_GUARDS, Proof, judge
from chat.guardrails.manners import runs
from chat.guardrails.proof import plain, prove_summary
from chat.guardrails.screening import screen
from chat.models import Message
from chat.prompts import Prompt, foreign
from chat.sentences import SentenceSplitter
from chat.slots import SLOT
from chat.understanding.types import Language
from escalation.models import Handoff
from escalation.summaries import keep_summary
from mangaassist.outbox.delivery import enqueue
from mangaassist.outbox.topics import Delivery
from mangaassist.redaction import redact
from shop.facts import SeriesFacts, load_product_facts, load_series_facts
from shop.titles import mentions_of, title_index

log = structlog.get_logger(__name__)

TOPIC = "handoff-summary"
# After these the structured summary stands alone: an agent has long read it.
ATTEMPTS = 3
# So many of the last messages are told to the model.
MESSAGES = 20
LONGEST_SUMMARY = 1200
_LANGUAGES: tuple[Language, ...] = get_args(Language)


def model() -> PromptedGenerator | None:
    """The configured model; None where the composer writes."""
    generator = generators["default"]
    return generator if isinstance(generator, PromptedGenerator) else None


def ask_for_summary(handoff_id: str) -> None:
    """Writes down that a summary is wanted; in the opening's transaction. Nothing without a model."""
    if model() is not None:
        enqueue(TOPIC, {"handoff_id": handoff_id}, key=handoff_id)


def write_summaries(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
    """The relay's handler."""
    failed: dict[str, str] = {}
    for delivery in deliveries:
        handoff = Handoff.objects.filter(pk=delivery.payload["handoff_id"], status__in=Handoff.OPEN).first()
        writer = model()
        if handoff is None or writer is None or "written" in handoff.package:
            continue
        if no_model := async_to_sync(why_no_model)(read_assistant()):
            log.info("summary_not_asked_for", handoff=str(handoff.pk), reason=no_model)
            continue
        try:
            _write(handoff, writer)
        except GeneratorUnavailable as error:
            log.warning("summary_not_written", handoff=str(handoff.pk), attempt=delivery.attempt, error=str(error))
            if delivery.attempt < ATTEMPTS:
                failed[delivery.id] = str(error)
    return failed


def _write(handoff: Handoff, writer: PromptedGenerator) -> None:
    """Raises :class:`GeneratorUnavailable`."""
    said = _said(handoff)
    if not said or any("injection" in screen(text) for role, text in said if role == "shopper"):
        return
    products = load_product_facts([str(asin) for asin in handoff.package.get("products", ())])
    series = _series_in((text for _, text in said), (each.series_id for each in products.values()))
    titles = [each.title for each in products.values()] + [each.title for each in series]
    prompts = {language: _prompt(language, handoff, said, titles) for language in _LANGUAGES}
    texts, name = asyncio.run(_ask(writer, prompts))
    words: dict[str, str] = {}
    for language, text in texts.items():
        proof = prove_summary(
            language,
            said=[text for _, text in said],
            products=products.values(),
            series=series,
            catalogue=title_index(),
            repeated=frozenset(runs(plain(_stable(language)))),
        )
        if reason := _refusal(text, proof):
            log.info("summary_refused", handoff=str(handoff.pk), language=language, reason=redact(reason)[:200])
        else:
            words[language] = " ".join(redact(text).split())
    if words:
        keep_summary(str(handoff.pk), words, by=name)


# --- What the model is told -----------------------------------------------------------------------------------


def _said(handoff: Handoff) -> list[tuple[str, str]]:
    """(who, text) of the last messages up to the opening: without personal data, orders, prices and stock."""
    messages = Message.objects.filter(
        conversation_id=handoff.conversation_id,
        created_at__lte=handoff.opened_at,
        role__in=(Message.Role.USER, Message.Role.ASSISTANT),
    )
    recent = reversed(messages.order_by("-id")[:MESSAGES])
    # Slots instead of what they were filled with: a price of then is nobody's news now.
    told = [
        ("shopper", foreign(each.content))
        if each.role == Message.Role.USER
        else ("assistant", foreign(SLOT.sub(lambda slot: f"[{slot['kind']}]", each.template)))
        for each in recent
    ]
    return [(who, text) for who, text in told if text]


def _series_in(texts: Iterable[str], ids: Iterable[str]) -> list[SeriesFacts]:
    """Those that are named, by title or by somebody who made them, and those of the products shown."""
    mentions = [mention for text in texts for mention in mentions_of(title_index(), text)]
    named = [mention.id for mention in mentions if mention.kind == "series"]
    return list(load_series_facts(dict.fromkeys([*named, *ids])).values())


def _prompt(language: Language, handoff: Handoff, said: Iterable[tuple[str, str]], titles: Iterable[str]) -> Prompt:
    facts = [f"title: {foreign(title)}" for title in dict.fromkeys(titles)]
    facts.append(f"mood, as our rules hear it: {handoff.package.get('sentiment', '')}")
    lines = "\n".join(f"{who}: {text}" for who, text in said)
    material = "<facts>\n{}\n</facts>\n<conversation>\n{}\n</conversation>".format("\n".join(facts), lines)
    stable = _stable(language)
    version = f"summary-{language}-{sha256(stable.encode()).hexdigest()[:8]}"
    return Prompt(version=version, stable=stable, turns=(("user", material),))


def _stable(language: Language) -> str:
    return (Path(__file__).parent / "prompts" / f"summary.{language}.txt").read_text(encoding="utf-8")


# --- What it wrote ----------------------------------------------------------------------------------------------


async def _ask(writer: PromptedGenerator, prompts: Mapping[Language, Prompt]) -> tuple[dict[Language, str], str]:
    """(a text for each language, who wrote them). Raises :class:`GeneratorUnavailable`."""
    try:
        async with asyncio.timeout(settings.TURN_LIMITS_S["turn"]):
            written = await asyncio.gather(*(_read(writer, prompt) for prompt in prompts.values()))
    except TimeoutError as error:
        raise GeneratorUnavailable("no summary in the time of a turn") from error
    finally:
        await writer.leave_loop()
    texts = dict(zip(prompts, (text for text, _ in written), strict=True))
    return texts, f"{writer.name} {written[0][1]}".strip()


async def _read(writer: PromptedGenerator, prompt: Prompt) -> tuple[str, str]:
    """(what it wrote, the model's own name)."""
    text, name = "", ""
    async with aclosing(writer.write(prompt)) as stream:
        async for event in stream:
            match event:
                case Words():
                    text += event.text
                case Used():
                    name = event.model
                    await note_spend(event)
                    if event.stopped in CUT_OFF:
                        raise GeneratorUnavailable("a summary without end")
            if len(text) > LONGEST_SUMMARY:
                raise GeneratorUnavailable("a summary without end")
    return text.strip(), name


def _refusal(text: str, proof: Proof) -> str:
    """Why it may not be shown; empty when it may."""
    sentences = [each for each in _sentences(text, proof) if each.strip()]
    if not sentences:
        return "no words"
    findings = (judge(sentence, proof, SUMMARY_GUARDS) for sentence in sentences)
    return next((f"{finding.guard}: {finding.reason}" for finding in findings if finding), "")


def _sentences(text: str, proof: Proof) -> Iterator[str]:
    """Without a cut inside of a title: "Berserk, Vol. 1" is one name."""
    splitter = SentenceSplitter()
    names = [match.span() for match in proof.masks.finditer(text)] if proof.masks else []
    sentence, end = "", 0
    for piece in (*splitter.feed(text), splitter.rest()):
        sentence, end = sentence + piece, end + len(piece)
        if not any(start < end < stop for start, stop in names):
            yield sentence
            sentence = ""
    yield sentence
