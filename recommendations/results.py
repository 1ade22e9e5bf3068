"""What came of an experiment: for each arm and each outcome the share of its shoppers, and how it compares."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from recommendations.models import Arm, Experiment, Exposure, Interaction
from recommendations.statistics import detectable, difference, sample_ratio, wilson

# Below this, the arms lost shoppers in different numbers, and nothing else in the table can be believed.
BROKEN_BELOW = 0.001
# (name, label, the outcomes that count)
METRICS: tuple[tuple[str, str, Q], ...] = (
    ("clicked", "Clicked a recommendation", Q(outcomes__type=Interaction.Type.CLICK, outcomes__from_list=True)),
    ("put_aside", "Put a book into the cart", Q(outcomes__type=Interaction.Type.ADD_TO_CART)),
    ("bought", "Bought a book", Q(outcomes__type=Interaction.Type.PURCHASE)),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """Shares of shoppers, 0-1, with 95 % intervals. ``verdict``: ``base``, ``better``, ``worse`` or ``open``."""

    label: str
    shoppers: int
    share: float
    low: float
    high: float
    delta: float
    delta_low: float
    delta_high: float
    verdict: str


@dataclass(frozen=True, slots=True)
class ArmResult:
    arm: Arm
    exposed: int
    expected_share: float
    measured: tuple[Measured, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """``sample_ratio_p``: of the distribution of shoppers over the arms. ``detectable``: by metric, what difference
    this many shoppers would show (None: not to be told yet)."""

    arms: tuple[ArmResult, ...]
    exposed: int
    sample_ratio_p: float
    is_broken: bool
    detectable: tuple[tuple[str, float | None], ...]


def results(experiment: Experiment) -> Results:
    arms = list(experiment.arms.all())
    rows = _counts(experiment, arms)
    whole = sum(arm.weight for arm in arms)
    p = sample_ratio([row["exposed"] for row in rows], [arm.weight for arm in arms])
    return Results(
        arms=tuple(
            ArmResult(
                arm,
                row["exposed"],
                arm.weight / whole,
                tuple(_measured(label, name, row, rows[0], is_base=not place) for name, label, _ in METRICS),
            )
            for place, (arm, row) in enumerate(zip(arms, rows, strict=True))
        ),
        exposed=sum(row["exposed"] for row in rows),
        sample_ratio_p=p,
        is_broken=p < BROKEN_BELOW,
        detectable=tuple((label, _detectable(name, rows)) for name, label, _ in METRICS),
    )


def _counts(experiment: Experiment, arms: list[Arm]) -> list[dict[str, int]]:
    """By arm: shoppers ("exposed"), and of them those with each outcome."""
    exposures = Exposure.objects.filter(experiment=experiment).order_by().values_list("arm_id")
    names = [name for name, _, _ in METRICS]
    shoppers = Count("pk", distinct=True)
    outcomes = {name: Count("pk", filter=which, distinct=True) for name, _, which in METRICS}
    found = {arm_id: numbers for arm_id, *numbers in exposures.annotate(exposed=shoppers, **outcomes)}
    nobody = [0] * (1 + len(names))
    return [dict(zip(("exposed", *names), found.get(arm.pk, nobody), strict=True)) for arm in arms]


def _measured(label: str, name: str, row: dict[str, int], base: dict[str, int], *, is_base: bool) -> Measured:
    low, high = wilson(row[name], row["exposed"])
    delta, delta_low, delta_high = difference(row[name], row["exposed"], base[name], base["exposed"])
    verdict = "base" if is_base else "better" if delta_low > 0 else "worse" if delta_high < 0 else "open"
    share = row[name] / row["exposed"] if row["exposed"] else 0.0
    return Measured(label, row[name], share, low, high, delta, delta_low, delta_high, verdict)


def _detectable(name: str, rows: list[dict[str, int]]) -> float | None:
    """Of the smallest arm, at the share that the first arm has."""
    base = rows[0] if rows else {"exposed": 0}
    share = base[name] / base["exposed"] if base["exposed"] else 0.0
    return detectable(share, min(row["exposed"] for row in rows)) if rows else None
