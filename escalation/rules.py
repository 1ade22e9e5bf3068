"""The shop's own rules, as its operators wrote them."""

from __future__ import annotations

from escalation.models import EscalationRule
from escalation.triggers import OwnRule


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
