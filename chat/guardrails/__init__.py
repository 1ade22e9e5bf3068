"""What a model's sentence may say: pure guards in order, each refusing for one reason. The first refusal decides.

The composer's sentences are our own wordings and need none of this. A model's are foreign text: a refused sentence is
dropped with a note in the trace, never repaired. Text outside slots is denied by default wherever a rule can be
closed: numbers, scripts, names, and every word of a sentence that shows a price or a stock level.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chat.guardrails.claims import unproven_claim
from chat.guardrails.deeds import untrue_deed
from chat.guardrails.facts import unproven_fact
from chat.guardrails.handover import binds_the_shop, orders_the_agent
from chat.guardrails.manners import bad_manners
from chat.guardrails.markup import unsafe_text
from chat.guardrails.names import unproven_name
from chat.guardrails.numbers import number_outside_slot
from chat.guardrails.proof import Bare, Proof, bare
from chat.guardrails.slots import wrong_slot

__all__ = ["GUARDS", "SUMMARY_GUARDS", "Finding", "Proof", "judge"]

Guard = Callable[[Bare, Proof], str]
GUARDS: dict[str, Guard] = {
    "markup": unsafe_text,
    "slots": wrong_slot,
    "numbers": number_outside_slot,
    "claims": unproven_claim,
    "names": unproven_name,
    "deeds": untrue_deed,
    "facts": unproven_fact,
    "manners": bad_manners,
}
# What a model writes to an agent of the shop about a conversation. Of orders, deliveries and money it may speak in words,
# for that is what people are asked for; it binds nobody, and tells no agent what to do.
SUMMARY_GUARDS: dict[str, Guard] = {
    "markup": unsafe_text,
    "slots": wrong_slot,
    "numbers": number_outside_slot,
    "names": unproven_name,
    "deeds": binds_the_shop,
    "orders": orders_the_agent,
    "manners": bad_manners,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Which guard refuses a sentence, and why."""

    guard: str
    reason: str


def judge(sentence: str, proof: Proof, guards: Mapping[str, Guard] = GUARDS) -> Finding | None:
    """None: it may leave, once its slots are filled."""
    read = bare(sentence, proof)
    for name, guard in guards.items():
        if reason := guard(read, proof):
            return Finding(name, reason)
    return None
