"""The shop's own rules, as its operators wrote them."""

from __future__ import annotations

import time

from escalation.models import EscalationRule
from escalation.triggers import OwnRule

# So long a process goes by what it read. Where a rule is changed it is read again at once (escalation.receivers).
BELIEVED_S = 5.0
_kept: list[tuple[float, tuple[OwnRule, ...]]] = []


def kept_rules() -> tuple[OwnRule, ...] | None:
    """Those that were read lately, without a look into the database; None when they must be read."""
    if _kept and time.monotonic() - _kept[-1][0] < BELIEVED_S:
        return _kept[-1][1]
    return None


def own_rules() -> tuple[OwnRule, ...]:
    """The enabled ones, the most urgent first."""
    rules = tuple(
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
    _kept[:] = [(time.monotonic(), rules)]
    return rules


def forget_rules() -> None:
    _kept.clear()
