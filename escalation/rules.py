"""What the shop has decided about bringing people in, as it stands now: one short question to the database a turn.

The policy's row carries a mark that changes with it and with every rule; the rules are read again when it does.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from uuid import UUID

from escalation.models import EscalationRule, HandoffPolicy, words_of
from escalation.triggers import AS_DELIVERED, OwnRule, Policy
from mangaassist.statements import Select


@dataclass(frozen=True, slots=True)
class Decided:
    policy: Policy = AS_DELIVERED
    rules: tuple[OwnRule, ...] = ()


_kept: list[tuple[UUID, Decided]] = []


_CONDITIONS = [field.name for field in fields(Policy)]
_policy_row = Select(lambda: HandoffPolicy.objects.filter(pk=HandoffPolicy.THE_ROW).values_list("mark", *_CONDITIONS))


def decided() -> Decided:
    """Of this moment, in every process."""
    row = _policy_row.first()
    if row is None:  # Nothing was ever changed, or the table was emptied: nothing tells of the next change.
        return Decided(rules=own_rules())
    mark, *conditions = row
    for known, made in _kept:
        if known == mark:
            return made
    made = Decided(Policy(**dict(zip(_CONDITIONS, conditions, strict=True))), own_rules())
    _kept[:] = [(mark, made)]
    return made


def last_decided() -> Decided:
    """What is known when the database does not answer."""
    return _kept[-1][1] if _kept else Decided()


_enabled_rules = Select(
    lambda: (
        EscalationRule.objects.filter(enabled=True)
        .order_by("-priority", "name")
        .values_list("name", "kind", "keywords", "order_value", "currency", "priority", "action")
    )
)


def own_rules() -> tuple[OwnRule, ...]:
    """The enabled ones, the most urgent first."""
    return tuple(
        OwnRule(
            name=name,
            words=words_of(keywords) if kind == EscalationRule.Kind.KEYWORDS else (),
            value=order_value if kind == EscalationRule.Kind.ORDER_VALUE else None,
            currency=currency,
            priority=priority,
            action="open" if action == "open" else "offer",
        )
        for name, kind, keywords, order_value, currency, priority, action in _enabled_rules.rows()
    )
