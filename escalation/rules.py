"""What the shop has decided about bringing people in, as it stands now: one short question to the database a turn.

The policy's row carries a mark that changes with it and with every rule; the rules are read again when it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from escalation.models import EscalationRule, HandoffPolicy
from escalation.triggers import AS_DELIVERED, OwnRule, Policy


@dataclass(frozen=True, slots=True)
class Decided:
    policy: Policy = AS_DELIVERED
    rules: tuple[OwnRule, ...] = ()


_kept: list[tuple[UUID, Decided]] = []


def decided() -> Decided:
    """Of this moment, in every process."""
    row = HandoffPolicy.objects.filter(pk=HandoffPolicy.THE_ROW).first()
    if row is None:  # Nothing was ever changed, or the table was emptied: nothing tells of the next change.
        return Decided(rules=own_rules())
    if not _kept or _kept[-1][0] != row.mark:
        _kept[:] = [(row.mark, Decided(_policy(row), own_rules()))]
    return _kept[-1][1]


def last_decided() -> Decided:
    """What is known when the database does not answer."""
    return _kept[-1][1] if _kept else Decided()


def _policy(row: HandoffPolicy) -> Policy:
    return Policy(
        complaint=row.complaint,
        frustration=row.frustration,
        uncertain=row.uncertain,
        misses=row.misses,
        bad_ratings=row.bad_ratings,
        sure_enough=row.sure_enough,
    )


def own_rules() -> tuple[OwnRule, ...]:
    """The enabled ones, the most urgent first."""
    return tuple(
        OwnRule(
            name=rule.name,
            words=rule.words if rule.kind == EscalationRule.Kind.KEYWORDS else (),
            value=rule.order_value if rule.kind == EscalationRule.Kind.ORDER_VALUE else None,
            currency=rule.currency,
            priority=rule.priority,
            action="open" if rule.action == "open" else "offer",
        )
        for rule in EscalationRule.objects.filter(enabled=True).order_by("-priority", "name")
    )
