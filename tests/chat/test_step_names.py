"""Every step that a turn measures has a name for operators, in both languages."""

from __future__ import annotations

import ast
from pathlib import Path

from django.conf import settings
from django.utils.translation import override

from chat.waterfall import STEPS

# Trace.step and Trace.spent measure one, Gathering.limited one with a limit.
_MEASURING = {"step", "spent", "limited"}


def measured() -> set[str]:
    nodes = (
        node
        for path in (Path(settings.BASE_DIR) / "chat").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
    )
    return {
        node.args[0].value
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MEASURING
        if node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
    }


def test_every_step_has_a_name_of_its_own_in_both_languages() -> None:
    assert measured() | set(settings.TURN_BUDGETS_S) == STEPS.keys()
    with override("en"):
        english = {step: str(name) for step, name in STEPS.items()}
    with override("ja"):
        japanese = {step: str(name) for step, name in STEPS.items()}
    assert len(set(english.values())) == len(set(japanese.values())) == len(STEPS)
    assert not set(english.values()) & set(japanese.values())
